#!/usr/bin/python3
"""Runs every benchmark, prints one table, and writes it to docs/benchmarks: results.json, results.svg and the table of README.md.

usage: run.py [PART...]

RUNS (5) is how often each measurement is repeated. With fewer than five, or with PARTs named, nothing is written. Ends with 1 where
a part could not be measured; a figure that misses its limit is one to look at, and no failure.
"""

import datetime
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import traceback

import figures

# In the order of the table. Each is a file here with a function `measure`.
PARTS = ["micro", "tpm", "sink", "link", "many", "board"]
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"


def first_line(*command):
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60).stdout.decode()
    return output.strip().splitlines()[0]


def field(path, name, separator):
    """The first value of that name in a file of names and values."""
    with open(path) as file:
        for line in file:
            key, _, value = line.partition(separator)
            if key.strip() == name:
                return value.strip().strip('"')
    return "unknown"


def version(package):
    return first_line("dpkg-query", "--show", "--showformat=${Version}", package)


def machine():
    packages = ["openssl", "libsodium23", "libtss2-esys-3.0.2-0", "swtpm", "qemu-user-static", "libcurl4"]
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{field('/proc/cpuinfo', 'model name', ':')}, {os.cpu_count()} processors, {platform.machine()}",
        "system": f"{field('/etc/os-release', 'PRETTY_NAME', '=')}, Linux {platform.release()}",
        "compiler": first_line("swift", "--version").partition("(")[0].strip(),
        "versions": {package: version(package) for package in packages},
    }


def measure(parts, runs):
    """The figures of each part, and the parts that failed."""
    results, failed = [], []
    for name in parts:
        with tempfile.TemporaryDirectory(prefix=f"bench.{name}.") as scratch:
            os.chmod(scratch, 0o755)
            try:
                results += importlib.import_module(name).measure(figures.bench(scratch, runs))
            except Exception:
                traceback.print_exc()
                figures.say(f"{name}: could not be measured")
                failed.append(name)
    return results, failed


def as_json(each):
    return {
        "name": each.name, "unit": each.unit, "runs": each.ours, "median": statistics.median(each.ours),
        "against": each.against, "against_runs": each.theirs,
        "ratio": each.result if each.theirs else None, "limit": each.limit,
        "limit_is": "at least" if each.at_least else "at most", "reached": each.is_met, "remark": each.remark,
    }


def plot(list, path):
    """A bar for each figure that has a limit: how far beyond it, or short of it, on a logarithmic scale."""
    import matplotlib

    matplotlib.use("svg")
    # The same picture for the same numbers: no date and no random names in it.
    matplotlib.rcParams["svg.hashsalt"] = "entropyshare"
    from matplotlib import pyplot

    judged = [each for each in list if each.limit is not None][::-1]
    figure, axes = pyplot.subplots(figsize=(11, 1.2 + 0.42 * len(judged)), layout="constrained")
    colors = ["#2a7f62" if each.is_met else "#c2453a" for each in judged]
    # From the limit, which is 1, to the right or to the left.
    axes.barh(range(len(judged)), [each.score - 1 for each in judged], left=1, color=colors, height=0.6)
    axes.set_yticks(range(len(judged)), [each.name for each in judged])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    least = min(0.5, *(0.8 * each.score for each in judged))
    most = max(2, *(4 * each.score for each in judged))  # with room for what stands beside the bar
    axes.set_xlim(least, most)
    axes.margins(y=0.02)
    ticks = [tick for tick in [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50] if least <= tick <= most]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    for place, each in enumerate(judged):
        unit = "" if each.theirs else f" {each.unit}"
        comparison = "≥" if each.at_least else "≤"
        text = f"{figures.number(each.result)}{unit} ({comparison} {figures.number(each.limit)})"
        axes.annotate(
            text, (max(each.score, 1), place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xlabel("result beside its limit: to the right of 1 it is reached")
    figure.savefig(path, metadata={"Date": None})


def write(place, results, about, runs):
    os.makedirs(place, exist_ok=True)
    with open(f"{place}/results.json", "w") as file:
        json.dump({**about, "runs": runs, "figures": [as_json(each) for each in results]}, file, indent=1)
        file.write("\n")
    plot(results, f"{place}/results.svg")
    with open(f"{place}/README.md") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    facts = f"{about['date']}; {about['machine']}; {about['system']}; {about['compiler']}; {versions}. Medians of {runs} runs.\n"
    with open(f"{place}/README.md", "w") as file:
        file.write(before + BEGIN + facts + "\n" + figures.table(results) + END + after)
    figures.say(f"{place} was written")


def main():
    named = sys.argv[1:]
    runs = int(os.environ.get("RUNS") or 5)
    for name in named:
        if name not in PARTS:
            sys.exit(f"bench: {name}: one of {', '.join(PARTS)} is expected")
    results, failed = measure(named or PARTS, runs)
    print(figures.table(results), end="")
    missed = [each.name for each in results if each.is_met is False]
    figures.say(f"{len(results)} figures, {len(missed)} beside their limits" + "".join(f"\n    {name}" for name in missed))
    if not named and not failed and runs >= 5:
        root = figures.bench("", runs).root
        write(f"{root}/docs/benchmarks", results, machine(), runs)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
