"""One source and ten thousand sinks, against the same source and a thousand: what a packet costs must not grow with the list.

Each run is `entropy-source --once`
with a software key, served by `crowd`, which starts it, plays the sinks, and tells what it took. A run in which not every sink
got its packet is none.
"""

import json
import os
import statistics
import subprocess

import figures

FEW, MANY = 1_000, 10_000
# An RSA signature takes half of what a packet costs; with one on P-256, which takes a tenth of that, what the list costs shows.
ALGORITHMS = {"rsa": "RSA-2048", "ecdsa": "P-256"}
# Seconds after which a run is taken for stuck: a hundred times what it takes.
PATIENCE = 900


def make_keys(bench):
    for algorithm in ALGORITHMS:
        command = [f"{bench.programs}/rsagen", "--software", "--algorithm", algorithm, "--force", "-o", algorithm]
        subprocess.run(command, cwd=bench.scratch, check=True, capture_output=True)


def serve(bench, algorithm, sinks):
    """One run: what crowd says of it."""
    # Neither a proxy nor a service manager of whoever measures has a part in it.
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    command = [f"{bench.peers}/crowd", str(sinks), "targets.json", "source.log"]
    command += [f"{bench.programs}/entropy-source", "--once", "-k", f"{algorithm}.key", "-t", "targets.json"]
    # What noise there is differs between machines, and is not the subject.
    command += ["--noise", "kernel,arrivals", "--software-only"]
    run = subprocess.run(
        command, cwd=bench.scratch, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if run.returncode != 0:
        with open(f"{bench.scratch}/source.log", encoding="utf-8", errors="replace") as log:
            last = log.read().splitlines()[-5:]
        raise RuntimeError("\n".join([f"not every one of {sinks} sinks was served:", run.stdout, run.stderr, *last]))
    return json.loads(run.stdout)


def measure(bench):
    make_keys(bench)
    runs = {(algorithm, sinks): [] for algorithm in ALGORITHMS for sinks in (FEW, MANY)}
    for number in range(bench.runs):
        for (algorithm, sinks), results in runs.items():
            results.append(serve(bench, algorithm, sinks))
            bench.say(
                f"run {number + 1}: {sinks} sinks, {ALGORITHMS[algorithm]}: {results[-1]['seconds']:.2f} s, "
                f"{results[-1]['kilobytes'] / 1024:.1f} MB")
    found = []
    for algorithm, name in ALGORITHMS.items():
        few, many = runs[algorithm, FEW], runs[algorithm, MANY]
        rate = MANY / statistics.median(run["seconds"] for run in many)
        work = [statistics.median(run["user"] + run["system"] for run in group) for group in (few, many)]
        found.append(
            figures.Figure(
                name=f"delivery to {MANY:,} sinks, {name}", unit="s", ours=[run["seconds"] for run in many],
                against=f"{FEW:,} sinks", theirs=[run["seconds"] for run in few], limit=10.5, at_least=False,
                remark=f"{rate:.0f} packets/s; {work[1] / work[0]:.1f} times the processor's time"))
        found.append(
            figures.Figure(
                name=f"memory for {MANY:,} sinks, {name}", unit="MB", ours=[run["kilobytes"] / 1024 for run in many],
                against=f"{FEW:,} sinks", theirs=[run["kilobytes"] / 1024 for run in few], limit=2, at_least=False,
                remark="most that was resident at one moment"))
    return found


if __name__ == "__main__":
    figures.main(measure)
