"""What one benchmark comes to, and how it is judged."""

import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    """A series of runs, and what they are held against: a peer measured in the same runs, or a limit alone."""

    name: str
    unit: str
    # One value for each run.
    ours: list
    # What the peer is, and its values, run by run; none where the limit is a value of its own.
    against: str
    theirs: list
    # What the ratio of the medians, or where there is no peer the median, has to reach ("at least") or not to exceed.
    limit: float
    at_least: bool
    remark: str = ""

    @property
    def result(self):
        middle = statistics.median(self.ours)
        return middle / statistics.median(self.theirs) if self.theirs else middle

    @property
    def is_met(self):
        return self.result >= self.limit if self.at_least else self.result <= self.limit


@dataclasses.dataclass
class Bench:
    """Where a part finds what it needs."""

    # How many runs each figure has, five at the least.
    runs: int
    # The project's root, the programs for this machine as `make build` leaves them, the board's, and a directory for the part alone.
    root: str
    programs: str
    board: str
    scratch: str
    # The benchmark package's own programs.
    peers: str
    # Says a line to whoever waits.
    say: object
