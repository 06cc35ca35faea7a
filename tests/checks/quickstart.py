#!/usr/bin/python3
"""The quick start serves every login, also when a port that it would like is taken by somebody who does not answer.

    quickstart.py SOURCE_DIR     (POSTIGO_BUILD_DIR as for quickstart.sh)
"""

import os
import re
import socket
import subprocess
import sys

USUAL = 1143


def main():
    script = os.path.join(sys.argv[1], "deploy", "quickstart.sh")
    with socket.socket() as kept:
        try:
            kept.bind(("127.0.0.1", USUAL))  # and never listens: only binding shows that it is taken
        except OSError:
            pass  # somebody else did it for us
        done = subprocess.run([script, "--check"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    said = re.search(r"IMAP (\d+),", done.stdout)
    good = done.returncode == 0 and said is not None and int(said[1]) != USUAL
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
