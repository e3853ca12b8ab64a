"""A sink at work: how many packets it takes in a second over loopback, and how long a good one takes while it is attacked.

The packets are made beforehand, by as many software keys as a sink may know: 16. One program, storm, plays all their sources, each
with an address of its own, and has to share the machine's processors with the sink.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import statistics
import struct
import subprocess
import time

import figures
import micro

PORT = 29437
SOURCES, PACKETS, DEPTH = 16, 1250, 16
# The measurement of micro that is the limit for one core.
PEER = "open RSA-2048, C"
# One source that sends now and then, while others flood.
CALM_PACKETS, CALM_PAUSE = 1000, 2000
IDLE = 2000
# Junk comes from 1,000 addresses. Frames a second, and connections at a time: a flood that leaves this machine's processors time for
# a good packet, and one that takes what it can get, in competition with the sink, for the same two processors.
FLOODS = {"5,000 frames of junk a second": (5000, 512, 5), "all connections with junk it can take": (0, 64, 5)}
LIMIT = 120


def free_port():
    """The packets do not say where they go; a sink's configuration does."""
    return PORT + os.getpid() % 1000


class Sink:
    """A sink of its own, with counters at zero, that mixes into the kernel's pool; ended at the end."""

    def __init__(self, bench, prepared, name):
        self.bench, self.prepared = bench, prepared
        self.place = f"{bench.scratch}/{name}"
        shutil.rmtree(self.place, ignore_errors=True)
        os.mkdir(self.place)
        shutil.copy(f"{prepared}/config.json", f"{self.place}/config.json")
        os.chmod(f"{self.place}/config.json", 0o600)
        self.log = open(f"{self.place}/log", "wb")
        self.process = subprocess.Popen(
            [f"{bench.programs}/entropy-sink"], cwd=self.place, stderr=self.log, stdout=self.log)
        end = time.monotonic() + 10
        while b"listening on" not in self.said():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"the sink does not start: {self.said().decode()}")
            time.sleep(0.02)

    def said(self):
        with open(f"{self.place}/log", "rb") as log:
            return log.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.log.close()

    def storm(self, depth, pause):
        """What the program storm measured. Every packet must have been mixed."""
        output = subprocess.run(
            [f"{self.bench.peers}/storm", "packets", f"{self.prepared}/packets", str(free_port()), str(depth), str(pause)],
            check=True, stdout=subprocess.PIPE, timeout=LIMIT).stdout
        result = json.loads(output)
        mixed = self.said().count(b" mixed, ")
        if mixed != result["packets"]:
            raise RuntimeError(f"{result['packets']} packets were sent, {mixed} were mixed: {self.said()[-500:].decode()}")
        return result

    def processor(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prepare(bench, name, sources, packets):
    place = f"{bench.scratch}/{name}"
    os.mkdir(place)
    subprocess.run(
        [f"{bench.peers}/packets", place, str(sources), str(packets), "RSA-2048", str(free_port())], check=True,
        timeout=LIMIT)
    return place


class Writes:
    """Counts how often a file is written: by the names under which its successors are made, as the kernel tells of them."""

    IN_CREATE = 0x100

    def __init__(self, directory, name):
        self.name = name.encode()
        self.library = ctypes.CDLL(None, use_errno=True)
        self.watch = self.library.inotify_init1(os.O_NONBLOCK)
        # Deletions too: equal events in a row would come as one.
        if self.library.inotify_add_watch(self.watch, directory.encode(), self.IN_CREATE | 0x200) < 0:
            raise OSError(ctypes.get_errno(), directory)

    def count(self):
        total, buffer = 0, b""
        while True:
            try:
                buffer = os.read(self.watch, 1 << 20)
            except BlockingIOError:
                os.close(self.watch)
                return total
            place = 0
            while place < len(buffer):
                _, mask, _, size = struct.unpack_from("iIII", buffer, place)
                name = buffer[place + 16 : place + 16 + size].rstrip(b"\0")
                total += name == self.name and mask & self.IN_CREATE != 0
                if mask & 0x4000:
                    raise RuntimeError("the kernel has lost count of a file's writes")
                place += 16 + size


def sync_time(bench, prepared):
    """Seconds for what a write of the counters has to wait for: both calls of fsync(2), for a file of this size."""
    with open(f"{prepared}/config.json", "rb") as file:
        contents = file.read()
    times = []
    directory = os.open(bench.scratch, os.O_RDONLY)
    for _ in range(50):
        with open(f"{bench.scratch}/synced.new", "wb") as file:
            file.write(contents)
            file.flush()
            start = time.monotonic()
            os.fsync(file.fileno())
            os.rename(f"{bench.scratch}/synced.new", f"{bench.scratch}/synced")
            os.fsync(directory)
            times.append(time.monotonic() - start)
    os.close(directory)
    return statistics.median(times)


def throughput(bench):
    cores = os.cpu_count()
    bench.say(f"making {SOURCES * PACKETS} packets of {SOURCES} sources")
    prepared = prepare(bench, "crowd", SOURCES, PACKETS)
    rates, bare, with_sync, of_sink, of_load, syncs, groups = [], [], [], [], [], [], []
    for run in range(bench.runs):
        bench.say(f"sink: run {run + 1}")
        opening = micro.once(bench, PEER)[PEER] / 1e9
        syncs.append(sync_time(bench, prepared))
        with Sink(bench, prepared, "sink") as sink:
            writes = Writes(sink.place, ".config.json.new")
            before = sink.processor()
            result = sink.storm(DEPTH, 0)
            count = result["packets"]
            of_sink.append((sink.processor() - before) / count)
            of_load.append(result["processor"] / count)
            groups.append(count / writes.count())
        group = groups[-1]
        rates.append(count / result["seconds"])
        bare.append(cores / opening)
        with_sync.append(group / (group * opening / cores + syncs[-1]))
    micros = [1e6 * statistics.median(each) for each in [of_sink, of_load]]
    share = 1e6 / statistics.median(bare) * cores
    remark = (
        f"of {micros[0] + micros[1]:.0f} us of processor time for a packet, {share:.0f} are the bare opening, "
        f"{micros[0] - share:.0f} the rest of the sink, {micros[1]:.0f} the load"
    )
    return [
        figures.Figure(
            "sink, packets accepted", "packets/s", rates, f"{cores} cores x bare open loop", bare, 0.6, True, remark),
        figures.Figure(
            "sink, packets accepted, durably", "packets/s", rates,
            f"the same with {1e3 * statistics.median(syncs):.1f} ms of fsync for each {statistics.median(groups):.0f} packets", with_sync, None,
            True),
        figures.Figure(f"sink, packets accepted, {cores} cores", "packets/s", rates, "", [], 10000, True),
    ]


def attack(bench, prepared, rate, depth):
    """The p99 of a good packet in milliseconds, and the junk's frames a second."""
    with Sink(bench, prepared, "attacked") as sink:
        crowd = subprocess.Popen(
            ["python3", f"{bench.root}/Tests/Peers/crowd.py", str(free_port()), str(IDLE), "0"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        junk = None
        try:
            if not select.select([crowd.stdout], [], [], 30)[0] or crowd.stdout.readline() != b"ready\n":
                raise RuntimeError("the crowd did not come in")
            junk = subprocess.Popen(
                [f"{bench.peers}/storm", "junk", str(free_port()), str(depth), str(LIMIT), str(rate)],
                stdout=subprocess.PIPE)
            time.sleep(0.5)
            delay = sink.storm(1, CALM_PAUSE)["p99"] / 1e3
        finally:
            if junk:
                junk.send_signal(signal.SIGTERM)
                sent = json.loads(junk.communicate(timeout=30)[0])
            crowd.stdin.close()
            crowd.wait(timeout=30)
    return delay, sent["frames"] / sent["seconds"]


def under_attack(bench):
    prepared = prepare(bench, "calm", 1, CALM_PACKETS)
    alone, attacked = [], {name: [] for name in FLOODS}
    for run in range(bench.runs):
        bench.say(f"sink under attack: run {run + 1}")
        with Sink(bench, prepared, "alone") as sink:
            alone.append(sink.storm(1, CALM_PAUSE)["p99"] / 1e3)
        for name, (rate, depth, _) in FLOODS.items():
            attacked[name].append(attack(bench, prepared, rate, depth))
    for name, (_, depth, limit) in FLOODS.items():
        rate = statistics.median(rate for _, rate in attacked[name])
        yield figures.Figure(
            f"p99 of a good packet beside {IDLE:,} idle connections and {name}", "ms",
            [delay for delay, _ in attacked[name]], "itself without them", alone, limit, False,
            f"{rate:,.0f} new connections a second, at most {depth} at a time; good packets one after the other")


def measure(bench):
    return [*throughput(bench), *under_attack(bench)]


if __name__ == "__main__":
    figures.main(measure)
