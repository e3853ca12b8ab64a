"""One packet made and opened on one core, and Fortuna's chunks, beside the same calls in bare loops of C."""

import json
import subprocess

import figures

# Seconds for each loop of a run.
SECONDS = "0.5"
# The program micro has its measurements side by side: chunks in one measurement of Fortuna.
CHUNKS = 64


def once(bench, only=".*"):
    """Nanoseconds of each measurement's median; of those whose names match."""
    output = subprocess.run(
        [f"{bench.peers}/micro", "--quiet", "--min-time", SECONDS, "--format", "json", "--columns", "name,median",
         "--filter", only],
        check=True, stdout=subprocess.PIPE, timeout=300).stdout
    return {each["name"]: each["median"] for each in json.loads(output)["benchmarks"]}


def measure(bench):
    runs = []
    for run in range(bench.runs):
        bench.say(f"seal, open, Fortuna: run {run + 1}")
        runs.append(once(bench))

    def rates(name, count=1):
        return [count * 1e9 / run[name] for run in runs]

    loop = "OpenSSL and libsodium in a bare C loop"
    list = []
    for key in ["RSA-2048", "P-256"]:
        for verb in ["seal", "open"]:
            list.append(
                figures.Figure(
                    f"{verb} {key}", "packets/s", rates(f"{verb} {key}"), loop, rates(f"{verb} {key}, C"), 0.95, True))
    list.append(
        figures.Figure(
            "Fortuna, 1,024-byte reads", "MB/s", rates("fortuna", CHUNKS * 1024 / 1e6),
            "AES-256-CTR, a key for each kilobyte, in C", rates("fortuna, C", CHUNKS * 1024 / 1e6), 0.5, True))
    return list


if __name__ == "__main__":
    figures.main(measure)
