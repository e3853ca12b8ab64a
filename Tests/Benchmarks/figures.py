"""What one benchmark comes to, and how it is judged."""

import dataclasses
import os
import statistics
import sys
import tempfile


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
    # What the ratio of the medians, or where there is no peer the median, has to reach ("at least") or not to exceed. None
    # where there is none: then the figure is there to be read.
    limit: float
    at_least: bool
    remark: str = ""

    @property
    def result(self):
        middle = statistics.median(self.ours)
        return middle / statistics.median(self.theirs) if self.theirs else middle

    @property
    def is_met(self):
        if self.limit is None:
            return None
        return self.result >= self.limit if self.at_least else self.result <= self.limit

    @property
    def score(self):
        """How the result lies to the limit, above 1 where it is met."""
        return self.result / self.limit if self.at_least else self.limit / self.result


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


def say(line):
    print(f"bench: {line}", file=sys.stderr, flush=True)


def bench(scratch, runs):
    """As the Makefile leaves the programs."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return Bench(
        runs=runs, root=root, programs=f"{root}/.build/release", board=f"{root}/.build-board/build/release",
        scratch=scratch, peers=f"{root}/.build-benchmarks/release", say=say)


def number(value):
    """Three or four digits that count."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def rows(list):
    """Each figure as a line of the table."""
    for figure in list:
        comparison = "at least" if figure.at_least else "at most"
        middle = statistics.median(figure.ours)
        yield [
            figure.name,
            f"{number(middle)} {figure.unit}",
            f"{number(statistics.median(figure.theirs))}, {figure.against}" if figure.theirs else figure.against,
            number(figure.result) if figure.theirs else "",
            "" if figure.limit is None else f"{comparison} {number(figure.limit)}",
            {True: "yes", False: "**no**", None: ""}[figure.is_met],
            figure.remark,
        ]


HEADING = ["what", "measured", "against", "ratio", "to reach", "reached", "remark"]


def table(list):
    """Markdown."""
    lines = [HEADING, ["---"] * len(HEADING)] + [*rows(list)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main(measure):
    """One part alone."""
    with tempfile.TemporaryDirectory(prefix="bench.") as scratch:
        print(table(measure(bench(scratch, int(os.environ.get("RUNS") or 5)))), end="")
