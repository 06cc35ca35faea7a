#!/usr/bin/python3
"""The unit in deploy/systemd means what it says, to systemd itself, and leaves the service little to do harm with.

    systemd.py SOURCE_DIR PROGRAM
"""

import os
import shutil
import subprocess
import sys
import tempfile

MOST = 15  # tenths of systemd's measure of exposure: 0 is a service that can do nothing, 100 one that can do all


def analyze(*words):
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def main(source, program):
    if not shutil.which("systemd-analyze"):
        print("skipped: no systemd-analyze here (package systemd)")
        return 77
    with open(os.path.join(source, "deploy/systemd/postigo.service"), encoding="utf-8") as file:
        unit = file.read().replace("/usr/bin/postigo", os.path.abspath(program))
    with tempfile.TemporaryDirectory(prefix="pgo-unit-") as folder:
        path = os.path.join(folder, "postigo.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit)
        code, said = analyze("verify", "--man=no", path)
        if code or said:
            print(f"systemd-analyze verify: {code}\n{said}")
            return 1
        code, said = analyze("security", "--offline=true", f"--threshold={MOST}", path)
        print(said.splitlines()[-1] if said else "systemd-analyze security said nothing")
        return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
