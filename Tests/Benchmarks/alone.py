"""Runs one part of the benchmarks by itself."""

import os
import statistics
import sys
import tempfile

from figures import Bench


def run(measure):
    """Measures with what was built last (make build, make board, and the benchmark package), and prints the figures."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(
            runs=int(os.environ.get("RUNS", "5")),
            root=root,
            programs=f"{root}/.build/release",
            board=f"{root}/.build-board/build/release",
            scratch=scratch,
            peers=f"{root}/.build-benchmarks/release",
            say=lambda line: print(line, file=sys.stderr),
        )
        figures = measure(bench)
    for figure in figures:
        word = "at least" if figure.at_least else "at most"
        print(f"{figure.name}: {statistics.median(figure.ours):.6g} {figure.unit}")
        if figure.theirs:
            print(f"    {figure.against}: {statistics.median(figure.theirs):.6g}")
        print(f"    {figure.result:.6g}, {word} {figure.limit:g}: {'met' if figure.is_met else 'NOT MET'}. {figure.remark}")
    sys.exit(0 if all(figure.is_met for figure in figures) else 1)
