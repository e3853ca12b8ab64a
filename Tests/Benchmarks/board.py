"""The board's source: its size, its memory, and what it computes for a packet.

Memory is that of the program for armv7 under qemu-user, without qemu's own: the emulated addresses begin at an address that qemu is
told, so that the kernel itself says which pages are the program's. What is its own is what no other program could use and no kernel
can drop: what it allocated and what it wrote to. What is resident has in it the pages of Debian's libraries that the kernel has
mapped because one of their neighbours was used.
"""

import os
import shutil
import subprocess
import time

import callgrind
import figures
from figures import Figure
from sinks import Sinks, tail
from swtpm import SoftwareTPM, make_keys

SIZE, MEMORY = 400_000, 6_000_000
# What was reached, and a little more: so that it does not become worse unnoticed.
RESIDENT, OUTSIDE, CRYPTOGRAPHY = 10_500_000, 850_000, 9_000_000
GROWTH = 1.05
# Packets after which the memory is looked at: the peak of the first ones is held against that of all.
EARLY, LATE = (100, 200), (500, 1000, 1500, 2000)
SOFTWARE = ["--software-only", "--noise", "kernel"]
# Where the emulated addresses begin.
BASE = 0x300000000000


class Board:
    def __init__(self, bench):
        self.program = f"{bench.board}/entropy-source"
        self.sysroot = f"{os.path.dirname(os.path.dirname(bench.board))}/sdk/bbb.artifactbundle/bbb/sysroot"

    def command(self, *arguments):
        places = ":".join(f"{self.sysroot}/{place}/arm-linux-gnueabihf" for place in ("lib", "usr/lib"))
        emulator = ["qemu-arm-static", "-cpu", "cortex-a8", "-B", hex(BASE), "-L", self.sysroot]
        return [*emulator, "-E", f"LD_LIBRARY_PATH={places}", self.program, *arguments]


def memory(process):
    """Bytes of emulated memory: what is the program's own, and what is resident."""
    own = resident = 0
    is_emulated = False
    with open(f"/proc/{process.pid}/smaps") as file:
        for line in file:
            word, value = line.split()[:2]
            if not word.endswith(":"):
                is_emulated = BASE <= int(word.split("-")[0], 16) < BASE + (1 << 32)
            elif is_emulated and word in ("Private_Dirty:", "Swap:"):
                own += 1024 * int(value)
            elif is_emulated and word == "Rss:":
                resident += 1024 * int(value)
    return own, resident


def size(bench):
    stripped = f"{bench.scratch}/stripped"
    # The toolchain's own: Debian's strips programs of this machine only. As the packages are made.
    objcopy = f"{os.path.dirname(os.path.realpath(shutil.which('swift')))}/llvm-objcopy"
    subprocess.run([objcopy, "--strip-all", f"{bench.board}/entropy-source", stripped], check=True)
    return Figure(
        "entropy-source for armv7, stripped", "bytes", [os.path.getsize(stripped)], "", [], SIZE, False,
        "the original's style of program has 4.2 MB",
    )  # fmt: skip


def serving(directory, command, sinks, looks):
    """Runs a source; what `looks` find after so many packets each, by their number."""
    with open(f"{directory}/log", "w") as log:
        source = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        found = []
        for count, look in looks:
            sinks.wait(count, 240)
            time.sleep(1)  # what follows a delivery
            found.append(look(source))
        return found
    except TimeoutError as error:
        raise RuntimeError(f"{error}: {tail(log.name)}") from error
    finally:
        source.terminate()
        source.wait()
        sinks.close()


def one_delivery(bench, board):
    """With the TPM, as on the board."""
    tpm = SoftwareTPM(f"{bench.scratch}/tpm")
    try:
        directory = f"{bench.scratch}/one"
        public = make_keys(bench, directory, ["--tcti", tpm.tcti])
        own, resident = [], []
        for _ in range(bench.runs):
            sinks = Sinks()
            sinks.write_list(f"{directory}/targets.json", public, 1)
            command = board.command("--tcti", tpm.tcti, "--noise", "tpm,kernel")
            [found] = serving(directory, command, sinks, [(1, memory)])
            own.append(found[0])
            resident.append(found[1])
    finally:
        tpm.close()
    return [
        Figure(
            "its own memory after one delivery, armv7", "bytes", own, "", [], MEMORY, False,
            "allocated or written to; under qemu-user, without qemu's own",
        ),
        Figure(
            "resident after one delivery, armv7", "bytes", resident, "", [], RESIDENT, False,
            "with the pages of Debian's libraries that are mapped; a bound against growth",
        ),
    ]  # fmt: skip


def growth(bench, board):
    """A hundred sinks, again and again."""
    directory = f"{bench.scratch}/growth"
    public = make_keys(bench, directory, ["--software", "--algorithm", "ecdsa"])
    early, late = [], []
    for _ in range(bench.runs):
        sinks = Sinks()
        sinks.write_list(f"{directory}/targets.json", public, 100)
        command = board.command("--interval", "1s", "--scan", "1s", *SOFTWARE)
        found = serving(directory, command, sinks, [(count, memory) for count in EARLY + LATE])
        resident = [each for _, each in found]
        early.append(max(resident[: len(EARLY)]))
        late.append(max(resident))
    return Figure(
        "resident in 2,000 packets, the most of six looks, armv7", "bytes", late, "in the first 200 of them", early, GROWTH, False,
        "100 sinks, one program",
    )  # fmt: skip


def instructions(bench):
    """What one delivery more costs."""
    directory = f"{bench.scratch}/instructions"
    public = make_keys(bench, directory, ["--software"])
    few, many = 20, 120
    outside, inside = [], []
    for _ in range(bench.runs):
        totals = {}
        for number in (few, many):
            sinks = Sinks()
            sinks.write_list(f"{directory}/targets.json", public, number)
            program = [f"{bench.programs}/entropy-source", "--once", *SOFTWARE]
            counts = callgrind.count(program, f"{directory}/counts", cwd=directory, timeout=300)
            sinks.close()
            cryptography = sum(n for path, n in counts.items() if "libcrypto" in path or "libsodium" in path)
            totals[number] = (sum(counts.values()) - cryptography, cryptography)
        outside.append((totals[many][0] - totals[few][0]) / (many - few))
        inside.append((totals[many][1] - totals[few][1]) / (many - few))
    return [
        Figure(
            "instructions for a packet outside libcrypto and libsodium", "instructions", outside, "", [], OUTSIDE, False,
            "this machine's build, by callgrind: 120 deliveries less 20; a bound against growth",
        ),
        Figure(
            "instructions for a packet in libcrypto and libsodium", "instructions", inside, "", [], CRYPTOGRAPHY, False,
            "with an RSA-2048 key in software",
        ),
    ]  # fmt: skip


def measure(bench):
    board = Board(bench)
    bench.say("the board's source: its size, its memory after one packet and after 2,000, and what a packet costs")
    return [size(bench), *one_delivery(bench, board), growth(bench, board), *instructions(bench)]


if __name__ == "__main__":
    figures.main(measure)
