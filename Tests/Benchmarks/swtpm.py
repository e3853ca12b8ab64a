"""A software TPM of one's own, and the keys in it."""

import os
import subprocess
import time

# /proc/net/unix: a socket that listens (__SO_ACCEPTCON).
LISTENS = "00010000"


class SoftwareTPM:
    def __init__(self, directory):
        os.makedirs(directory)
        self.socket = f"{directory}/s"
        self.tcti = f"swtpm:path={self.socket}"
        self.process = subprocess.Popen(
            [
                "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}",
                "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl",
                "--flags", "not-need-init,startup-clear",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not all(self._listens(name) for name in (self.socket, self.socket + ".ctrl")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("swtpm did not start")
            time.sleep(0.02)

    @staticmethod
    def _listens(name):
        with open("/proc/net/unix") as table:
            rows = [line.split() for line in table]
        return any(row[-1] == name and row[3] == LISTENS for row in rows)

    def close(self):
        self.process.terminate()
        self.process.wait()


def make_keys(bench, directory, options):
    """A signing key by rsagen with these options, and a sink's key pair; returns the sink's public key in base64."""
    import base64

    os.makedirs(directory)
    for command in (["rsagen", *options], ["curve25519gen"]):
        program = f"{bench.programs}/{command[0]}"
        subprocess.run([program, *command[1:]], cwd=directory, check=True, capture_output=True, timeout=120)
    with open(f"{directory}/decrypt.pub", "rb") as file:
        return base64.b64encode(file.read()).decode()
