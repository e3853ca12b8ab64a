"""A source with the TPM against tpm2-tss alone, with the same key in the same software TPM.

The peer, bare-esapi, sends the TPM the commands that a source sends it, in the same order, and does nothing else. In it are the
session, salted, with the HMAC and the encryption of a parameter that a source's commands have; the file of the key; libtss2's own
arithmetic. Not in it are Fortuna, the other noise, counters on the disk, the check of each signature, boxes, connections.
"""

import os
import shutil
import statistics
import subprocess
import time

import figures
from figures import Figure
from sinks import Sinks, tail
from swtpm import SoftwareTPM, make_keys

# Packets that count, and those before them: connections are few at first, and become more with every packet that arrives.
COUNTED, FIRST = 200, 40
# Starts in each run, whose median is its value.
STARTS = 5
# Noise that every machine has; the peer asks the TPM for as much.
NOISE = ["--noise", "tpm,kernel"]
ALGORITHMS = [("RSA-2048", "rsa"), ("P-256", "ecdsa")]


class Place:
    """A directory with a key in the TPM, and the source's files beside it."""

    def __init__(self, bench, tpm, algorithm):
        self.bench = bench
        self.tpm = tpm
        self.directory = f"{bench.scratch}/{algorithm}"
        self.public = make_keys(bench, self.directory, ["--algorithm", algorithm, "--tcti", tpm.tcti])

    def deliver(self, count):
        """Has a source serve so many sinks; returns when it was started, and when each packet arrived."""
        sinks = Sinks()
        try:
            sinks.write_list(f"{self.directory}/targets.json", self.public, count)
            with open(f"{self.directory}/log", "w") as log:
                start = time.monotonic()
                source = subprocess.run(
                    [f"{self.bench.programs}/entropy-source", "--once", "--tcti", self.tpm.tcti, *NOISE],
                    cwd=self.directory, stdout=subprocess.DEVNULL, stderr=log, timeout=300,
                )  # fmt: skip
            if source.returncode != 0:
                raise RuntimeError(f"entropy-source ended with {source.returncode}: {tail(log.name)}")
            sinks.wait(count, 10)
            return start, sinks.arrivals
        finally:
            sinks.close()

    def bare(self, *arguments):
        """Runs the peer; returns its line and the seconds until it came."""
        start = time.monotonic()
        command = [f"{self.bench.peers}/bare-esapi", self.tpm.tcti, f"{self.directory}/signer.key", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as peer:
            line = peer.stdout.readline()
            seconds = time.monotonic() - start
        if peer.returncode != 0:
            raise RuntimeError(f"bare-esapi ended with {peer.returncode}")
        return line, seconds


def packets(name, place):
    """Packets a second, one run of each in turn."""
    ours, theirs = [], []
    for _ in range(place.bench.runs):
        _, arrivals = place.deliver(FIRST + COUNTED)
        ours.append(COUNTED / (arrivals[-1] - arrivals[FIRST - 1]))
        theirs.append(1 / float(place.bare("sign", str(COUNTED))[0]))
    return Figure(
        f"source with the TPM, {name}", "packets/s", ours, "a loop of Esys_Sign in the same session", theirs, 0.95, True,
        f"{COUNTED} sinks, after the first {FIRST}",
    )  # fmt: skip


def start(name, place):
    """Milliseconds from exec to the first packet at its sink, against those to the first signature."""
    ours, theirs = [], []
    place.deliver(1)  # what is there after it is warm: files, and the seed of an earlier run
    for _ in range(place.bench.runs):
        # Each is short, and a moment of another program's work is much of it.
        starts = []
        for _ in range(STARTS):
            began, arrivals = place.deliver(1)
            starts.append((1000 * (arrivals[0] - began), 1000 * place.bare("first")[1]))
        ours.append(statistics.median(each for each, _ in starts))
        theirs.append(statistics.median(each for _, each in starts))
    return Figure(
        f"start to first packet, {name}", "ms", ours, "the same commands to the TPM by ESAPI alone", theirs, 1.3, False,
        "noise by the TPM and the kernel",
    )  # fmt: skip


def measure(bench):
    tpm = SoftwareTPM(f"{bench.scratch}/tpm")
    try:
        found = []
        for name, algorithm in ALGORITHMS:
            bench.say(f"a source with a {name} key in a software TPM, {bench.runs} runs")
            place = Place(bench, tpm, algorithm)
            found += [packets(name, place), start(name, place)]
            shutil.rmtree(place.directory)
        return found
    finally:
        tpm.close()


if __name__ == "__main__":
    figures.main(measure)
