"""Draws deploy/grafana/*.png from a run of some minutes: two doors, two Dovecots, waves of logins, guesses, an outage.

    POSTIGO_BIN=... python3 -B -m tests.e2e.pictures [MINUTES] [FOLDER]       (default: 6, deploy/grafana)

Not a test: what is drawn is what tests/e2e/test_prometheus.py proves. Needs Debian's python3-matplotlib.
"""

import math
import os
import random
import sys
import threading
import time

from tests.e2e.harness import PASSWORD, SOURCE, Gone, Imap, Platform, Pop3, run
from tests.e2e.harness.prometheus import Prometheus

GRAFANA = os.path.join(SOURCE, "deploy", "grafana")
SETTINGS = {
    "limits": '[limits]\nauth_failure_delay = "100ms"\nsessions_per_user = 20\nsessions_max = 100',
    "pool": '[[pool]]\nname = "main"\nstorage = "shared"\nbackends = ["a", "b"]\nsessions_max = 80\naffinity = true\n',
    "health": '[health]\nretry_max = "5s"\nslow_start = "15s"\n',
    "penalty": '[penalty]\nexempt = ["192.0.2.1"]\nfree = 30\n',
    "directories": '[[directory]]\ntype = "static"\ncheck_password = false\n'
                   + "".join(f'[[directory.user]]\nname = "t{number:03}"\n' for number in range(100)),
}
chance = random.Random(7)


def session(door, seconds):
    """A client that reads a little, and stays."""
    kind, mode = chance.choice((Imap, Imap, Imap, Pop3)), chance.choice(("implicit", "implicit", "starttls"))
    try:
        with kind.open(door, mode) as wire:
            wire.logged_in(f"t{chance.randrange(100):03}", PASSWORD)
            for command in ("SELECT INBOX", "FETCH 1:* BODY[]", "NOOP") if kind is Imap else ("STAT", "NOOP"):
                wire.command(command)
            time.sleep(seconds)
            wire.command("LOGOUT" if kind is Imap else "QUIT")
    except (AssertionError, OSError, Gone):
        pass  # an outage is part of the run


def guess(door):
    try:
        with Imap.open(door) as wire:
            for _ in range(3):
                wire.login(chance.choice(("admin", "info", "t001", "root")), "123456")
    except (AssertionError, OSError, Gone):
        pass


def load(doors, seconds, dovecot):
    """Two logins a second, more in the middle; guesses in the third quarter, and one backend is away for a while."""
    begin, away = time.monotonic(), 0
    while (share := (time.monotonic() - begin) / seconds) < 1:
        stay = 4 + 18 * math.sin(math.pi * share) * chance.random()
        threading.Thread(target=session, args=(chance.choice(doors), stay), daemon=True).start()
        if 0.5 < share < 0.75:
            threading.Thread(target=guess, args=(doors[0],), daemon=True).start()
        if away == 0 and share > 0.6:
            dovecot.stop()
            away = 1
        if away == 1 and share > 0.75:
            dovecot.start()
            away = 2
        time.sleep(0.5 - 0.25 * math.sin(math.pi * share))


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 6
    platform = Platform()
    try:
        for number in range(100):
            platform.deliver(f"t{number:03}", b"Subject: a letter\r\n\r\n" + b"x" * 4000 + b"\r\n")
        doors = [platform.postigo(**SETTINGS) for _ in range(2)]
        prometheus = Prometheus(platform.scratch(), *(door.admin for door in doors))
        load(doors, minutes * 60, platform.b)
        run(sys.executable, os.path.join(GRAFANA, "pictures.py"), f"http://127.0.0.1:{prometheus.port}",
            sys.argv[2] if len(sys.argv) > 2 else GRAFANA, str(minutes), timeout=300)
        prometheus.stop()
    finally:
        platform.stop()


if __name__ == "__main__":
    main()
