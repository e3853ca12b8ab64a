"""Bytes on the link for one delivery, both directions: whole Ethernet frames, as tcpdump counts them on a veth between two
network namespaces. Only root can make those.

The original's source is not here:
what it does on a link is done again by a few lines of Python, to see that it is counted in the same way. They send a frame of
its packet's length, 2 and 1381 bytes, in two writes without delay, and close at once, as a program in Go does that writes the
length, then the packet, then calls Close; its sink reads all of that and closes without a byte. What they send is zeros.
(That the original writes twice is a guess: it comes nearest to what was published.)
"""

import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import figures

SOURCE = ("10.9.8.1", "02:00:00:00:00:01")
SINK = ("10.9.8.2", "02:00:00:00:00:02")
PORT = 9437

ORIGINAL_SINK = f"""
import socket
listener = socket.create_server(("{SINK[0]}", {PORT}))
while True:
    connection, _ = listener.accept()
    left = 1383
    while left and (part := connection.recv(left)):
        left -= len(part)
    connection.close()
"""
ORIGINAL_SOURCE = f"""
import socket
connection = socket.create_connection(("{SINK[0]}", {PORT}))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection.sendall((1381).to_bytes(2, "big"))
connection.sendall(bytes(1381))
connection.close()
"""


def succeed(*command, **how):
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, **how)
    if finished.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {finished.stderr.strip() or finished.returncode}")
    return finished.stdout


class Link:
    """Two network namespaces, and nothing between them but what programs send: no IPv6, no ARP."""

    def __init__(self):
        self.names = {end: f"link{os.getpid()}-{end}" for end in ("source", "sink")}
        self.started = []

    def __enter__(self):
        try:
            for end, name in self.names.items():
                succeed("ip", "netns", "add", name)
                self.set(end, "ipv6/conf/all/disable_ipv6", 1)
            succeed(
                *f"ip link add link0 address {SOURCE[1]} netns {self.names['source']} type veth"
                f" peer name link0 address {SINK[1]} netns {self.names['sink']}".split()
            )
            for end, own, other in (("source", SOURCE, SINK), ("sink", SINK, SOURCE)):
                self.run(end, "ip", "link", "set", "lo", "up")
                self.run(end, "ip", "link", "set", "link0", "up")
                self.run(end, "ip", "address", "add", f"{own[0]}/24", "dev", "link0")
                neighbour = f"ip neighbour replace {other[0]} lladdr {other[1]} nud permanent dev link0"
                self.run(end, *neighbour.split())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.started:
            self.stop(process)
        for name in self.names.values():
            subprocess.run(("ip", "netns", "delete", name), capture_output=True)

    def inside(self, end, *command):
        return ("ip", "netns", "exec", self.names[end], *command)

    def run(self, end, *command, **how):
        return succeed(*self.inside(end, *command), **how)

    def set(self, end, parameter, value):
        self.run(end, "sh", "-c", f"echo {value} >/proc/sys/net/{parameter}")

    def start(self, end, *command, **how):
        self.started.append(subprocess.Popen(self.inside(end, *command), **how))
        return self.started[-1]

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def record(self, directory, deliver):
        """The frames of a delivery, as (whether the source sent it, its bytes)."""
        path = pathlib.Path(directory, "frames")
        with open(path, "w") as output:
            options = "-i link0 --immediate-mode -l -n -e tcp".split()
            recorder = self.start("source", "tcpdump", *options, stdout=output, stderr=subprocess.PIPE, text=True)
        while "listening on" not in (line := recorder.stderr.readline()):
            if not line:
                raise RuntimeError("tcpdump does not start")
        deliver()
        # What TCP would repeat comes within a second.
        size, since = -1, time.monotonic()
        while time.monotonic() - since < 1.5:
            if path.stat().st_size != size:
                size, since = path.stat().st_size, time.monotonic()
            time.sleep(0.1)
        self.stop(recorder)
        frames = re.findall(r"^\S+ (\S+) > \S+, ethertype IPv4 \(0x0800\), length (\d+):", path.read_text(), re.M)
        return [(sender == SOURCE[1], int(length)) for sender, length in frames]


class Delivery:
    """A sink on one end of a link, and a source's files for the other."""

    def __init__(self, bench, link, algorithm, directory):
        self.bench, self.link, self.directory = bench, link, directory
        self.program("rsagen", "--software", "--algorithm", algorithm)
        self.program("curve25519gen")
        address = f"{SINK[0]}:{PORT}"
        configuration = pathlib.Path(directory, "config.json")
        configuration.touch(0o600)
        configuration.write_text(self.program("entropy-config", "-a", address))
        pathlib.Path(directory, "pool").touch()
        self.program("entropy-target", "-a", address, "--append", "targets.json")
        sink = link.start(
            "sink", self.path("entropy-sink"), "--pool", "pool", cwd=directory, stderr=subprocess.PIPE, text=True
        )
        said = ""
        while "listening on" not in said:
            if not (line := sink.stderr.readline()):
                raise RuntimeError(f"the sink does not start: {said}")
            said += line

    def path(self, program):
        return os.path.join(os.path.abspath(self.bench.programs), program)

    def program(self, name, *arguments):
        return succeed(self.path(name), *arguments, cwd=self.directory)

    def send(self, *options):
        """One packet, which is due at once and must be mixed."""
        targets = pathlib.Path(self.directory, "targets.json")
        entries = json.loads(targets.read_text())
        for entry in entries:
            entry["Next"] = 0
        targets.write_text(json.dumps(entries))
        command = (self.path("entropy-source"), "--once", "--software-only", "--noise", "kernel", *options)
        said = self.link.run("source", *command, cwd=self.directory)
        if " mixed " not in said:
            raise RuntimeError(f"not delivered: {said}")

    def series(self, *options):
        return [self.link.record(self.directory, lambda: self.send(*options)) for _ in range(self.bench.runs)]


def totals(series):
    return [sum(size for _, size in frames) for frames in series]


def split(series):
    """Of the run in the middle: its bytes either way, and its frames."""
    frames = sorted(series, key=lambda frames: sum(size for _, size in frames))[len(series) // 2]
    out = [size for is_out, size in frames if is_out]
    back = [size for is_out, size in frames if not is_out]
    return f"{sum(out)} out and {sum(back)} back, in {len(out)} and {len(back)} frames"


def original(bench, directory):
    with Link() as link:
        link.start("sink", sys.executable, "-c", ORIGINAL_SINK)
        time.sleep(1)
        command = ("source", sys.executable, "-c", ORIGINAL_SOURCE)
        return [link.record(directory, lambda: link.run(*command)) for _ in range(bench.runs)]


def plain(bench, algorithm):
    with Link() as link, tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
        return Delivery(bench, link, algorithm, directory).series()


def fast(bench):
    """With the packet in the first segment: as it is, then with fewer and fewer of TCP's options."""
    with Link() as link, tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
        link.set("sink", "ipv4/tcp_fastopen", 3)
        delivery = Delivery(bench, link, "ecdsa", directory)
        delivery.send("--fast-open")  # brings the cookie
        series = [delivery.series("--fast-open")]
        for less in (["timestamps"], ["sack", "window_scaling"]):
            for option in less:
                link.set("source", f"ipv4/tcp_{option}", 0)
            series.append(delivery.series("--fast-open"))
        for end in ("source", "sink"):
            link.run(end, *"ip route change 10.9.8.0/24 dev link0 fastopen_no_cookie 1".split())
        series.append(delivery.series("--fast-open"))
        return series


def measure(bench):
    if os.geteuid() != 0:
        raise PermissionError("bytes on the link: only root can make network namespaces")
    with tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
        bench.say("bytes on the link: the original's behaviour")
        before = original(bench, directory)
    bench.say("bytes on the link: RSA-2048, P-256")
    rsa, ecdsa = plain(bench, "rsa"), plain(bench, "ecdsa")
    bench.say("bytes on the link: P-256 with TCP Fast Open")
    opened, untimed, bare, uncooked = fast(bench)
    published = "the original's published 2067, 1791 out and 276 back"
    return [
        figures.Figure(
            "bytes of a delivery, RSA-2048 with receipt", "bytes", totals(rsa), published, [], 2067, False,
            f"{split(rsa)}; what the original does, done again here: {statistics.median(totals(before)):g},"
            f" {split(before)}",
        ),
        figures.Figure(
            "bytes of a delivery, P-256 with receipt", "bytes", totals(ecdsa), "a limit", [], 1880, False, split(ecdsa)
        ),
        figures.Figure(
            "bytes of a delivery, P-256 with TCP Fast Open", "bytes", totals(opened), "a limit", [], 1500, False,
            f"{split(opened)}; with net.ipv4.tcp_timestamps=0 at the source {statistics.median(totals(untimed)):g},"
            f" with tcp_sack=0 and tcp_window_scaling=0 too {statistics.median(totals(bare)):g}, and without a cookie"
            f" (ip route ... fastopen_no_cookie 1, at both ends) {statistics.median(totals(uncooked)):g}",
        ),
    ]


if __name__ == "__main__":
    figures.main(measure)
