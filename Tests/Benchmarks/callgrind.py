"""Instructions by library, as valgrind's callgrind counts them."""

import re
import subprocess


def count(command, output, **options):
    """Runs a command under callgrind; returns how many instructions were executed in each of its files, by their paths."""
    tool = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={output}"]
    # Without debugging information, of which valgrind cannot read every form; it is not needed for counts by file.
    program = f"{output}.program"
    subprocess.run(["strip", "--strip-debug", "-o", program, command[0]], check=True)
    finished = subprocess.run([*tool, program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    if finished.returncode != 0:
        raise RuntimeError(f"{command[0]} under valgrind: {finished.stderr[-2000:]}")
    return read(output)


def read(path):
    names, counts = {}, {}
    current = None
    is_call = False
    with open(path, errors="replace") as file:
        for line in file:
            if line.startswith("ob="):
                number, name = re.match(r"ob=\((\d+)\)(?: (.*))?", line).groups()
                current = names.setdefault(number, name)
            elif line.startswith("cob="):
                number, name = re.match(r"cob=\((\d+)\)(?: (.*))?", line).groups()
                names.setdefault(number, name)
            elif line.startswith("calls="):
                is_call = True
            elif re.match(r"[+*\d-]", line):
                # The line after a call is what was called, which counts itself elsewhere.
                if not is_call:
                    counts[current] = counts.get(current, 0) + int(line.split()[-1])
                is_call = False
    return counts
