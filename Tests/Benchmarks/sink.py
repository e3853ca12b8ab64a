"""A sink at work: how many packets it takes in a second over loopback, and how long a good one takes while it is attacked.

The packets are made beforehand, by as many software keys as a sink may know: 16. One program, storm, plays all their sources, each
with an address of its own, and has to share the machine's processors with the sink.
"""

import json
import os
import re
import select
import shutil
import signal
import statistics
import subprocess
import time

import figures
import micro

PORT = 29437
SOURCES, PACKETS, DEPTH = 16, 1250, 16
# One source that sends now and then, while others flood.
CALM_PACKETS, CALM_PAUSE = 1000, 2000
IDLE, JUNK_DEPTH = 2000, 64
LIMIT = 120


def free_port():
    """The packets do not say where they go; a sink's configuration does."""
    return PORT + os.getpid() % 1000


class Sink:
    """A sink of its own, with counters at zero, that mixes into the kernel's pool; ended at the end."""

    def __init__(self, bench, prepared, name, wrapper=()):
        self.bench, self.prepared = bench, prepared
        self.place = f"{bench.scratch}/{name}"
        shutil.rmtree(self.place, ignore_errors=True)
        os.mkdir(self.place)
        shutil.copy(f"{prepared}/config.json", f"{self.place}/config.json")
        os.chmod(f"{self.place}/config.json", 0o600)
        self.log = open(f"{self.place}/log", "wb")
        self.process = subprocess.Popen(
            [*wrapper, f"{bench.programs}/entropy-sink"], cwd=self.place, stderr=self.log, stdout=self.log)
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


def group_size(bench, prepared):
    """Packets that share a write of their counters: a write has two calls of fsync(2), for the file and its directory."""
    trace = f"{bench.scratch}/fsync"
    with Sink(bench, prepared, "traced", ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync", "-o", trace]) as sink:
        packets = sink.storm(DEPTH, 0)["packets"]
        # Not to strace, which would pass nothing on.
        children = subprocess.run(["pgrep", "-P", str(sink.process.pid)], stdout=subprocess.PIPE).stdout.split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
    with open(trace) as file:
        writes = len(re.findall(r"fsync\(\d", file.read())) / 2
    return packets / writes


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
    group = group_size(bench, prepared)
    rates, bare, with_sync, of_sink, of_load, syncs = [], [], [], [], [], []
    for run in range(bench.runs):
        bench.say(f"sink: run {run + 1}")
        opening = micro.once(bench)["open RSA-2048, C"] / 1e9
        syncs.append(sync_time(bench, prepared))
        with Sink(bench, prepared, "sink") as sink:
            before = sink.processor()
            result = sink.storm(DEPTH, 0)
            count = result["packets"]
            of_sink.append((sink.processor() - before) / count)
            of_load.append(result["processor"] / count)
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
            f"the same with {1e3 * statistics.median(syncs):.1f} ms of fsync for each {group:.0f} packets", with_sync, None,
            True),
        figures.Figure("sink, packets accepted, two cores", "packets/s", rates, "", [], 10000, True),
    ]


def under_attack(bench):
    prepared = prepare(bench, "calm", 1, CALM_PACKETS)
    alone, attacked, frames = [], [], []
    for run in range(bench.runs):
        bench.say(f"sink under attack: run {run + 1}")
        with Sink(bench, prepared, "alone") as sink:
            alone.append(sink.storm(1, CALM_PAUSE)["p99"] / 1e3)
        with Sink(bench, prepared, "attacked") as sink:
            crowd = subprocess.Popen(
                ["python3", f"{bench.root}/Tests/Peers/crowd.py", str(free_port()), str(IDLE), "0"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE)
            if not select.select([crowd.stdout], [], [], 30)[0] or crowd.stdout.readline() != b"ready\n":
                raise RuntimeError("the crowd did not come in")
            junk = subprocess.Popen(
                [f"{bench.peers}/storm", "junk", str(free_port()), str(JUNK_DEPTH), str(LIMIT)], stdout=subprocess.PIPE)
            try:
                time.sleep(0.5)
                attacked.append(sink.storm(1, CALM_PAUSE)["p99"] / 1e3)
            finally:
                junk.send_signal(signal.SIGTERM)
                frames.append(json.loads(junk.communicate(timeout=30)[0]))
                crowd.stdin.close()
                crowd.wait(timeout=30)
    rate = statistics.median(each["frames"] / each["seconds"] for each in frames)
    return figures.Figure(
        f"sink under {IDLE:,} idle connections and a flood of junk, p99 of a good packet", "ms", attacked, "itself without them",
        alone, 5, False, f"{rate:,.0f} junk frames/s, {JUNK_DEPTH} at a time")


def measure(bench):
    return [*throughput(bench), under_attack(bench)]


if __name__ == "__main__":
    figures.main(measure)
