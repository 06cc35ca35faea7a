"""An operator's day under a constant load of real clients: reloads, certificates, listeners, upgrades, drains. Nobody
notices: no login fails, no session is lost, and every counter adds up.

A short day in the test command. A long one (about ten minutes; three Dovecots, 200 reloads, 20 certificates, 10 upgrades):

    POSTIGO_LONG=1 python3 -m tests.e2e tests/e2e/test_day.py
"""

import collections
import imaplib
import os
import poplib
import random
import shutil
import ssl
import subprocess
import threading
import unittest

from tests.e2e.harness import Platform, sanitized, wait_for
from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.succession import Succession, server

LONG = bool(os.environ.get("POSTIGO_LONG"))
RELOADS, CERTIFICATES, UPGRADES, DRAINS = (200, 20, 10, 5) if LONG else (12, 1, 4, 1)
BAD_PROGRAMS = ("exit 1", "exit 1", "exec sleep 100") if LONG else ("exit 1",)
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a", "b", "c") if LONG else ("a",))
    unittest.addModuleCleanup(platform.stop)
    Succession.on(platform)


class Clients:
    """Each of its threads logs in again and again, each time as another client does it."""

    def __init__(self, proxy, users):
        self.proxy, self.users = proxy, users
        self.context = ssl.create_default_context(cafile=proxy.ca)
        self.served, self.failed = collections.Counter(), []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(user,)) for user in users]
        for thread in self.threads:
            thread.start()

    def work(self, user):
        kinds = (self.imaplib, self.poplib, self.curl)
        while not self.over.is_set():
            for kind in kinds:
                try:
                    kind(user)
                    self.served[kind.__name__] += 1
                except Exception as error:  # pylint: disable=broad-except
                    self.failed.append(f"{kind.__name__}: {error!r}")

    def imaplib(self, user):
        with imaplib.IMAP4_SSL("localhost", self.proxy.imaps, ssl_context=self.context, timeout=30) as client:
            client.login(user, PASSWORD)
            if client.select("INBOX")[0] != "OK" or client.noop()[0] != "OK":
                raise AssertionError("SELECT or NOOP")

    def poplib(self, user):
        client = poplib.POP3_SSL("localhost", self.proxy.pop3s, context=self.context, timeout=30)
        client.user(user)
        client.pass_(PASSWORD)
        client.stat()
        client.quit()

    def curl(self, user):
        subprocess.run(["curl", "--silent", "--show-error", "--max-time", "30", "--cacert", self.proxy.ca,
                        "--user", f"{user}:{PASSWORD}", f"imaps://localhost:{self.proxy.imaps}/INBOX", "-X", "NOOP"],
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(120)


class Day(Succession):
    def setUp(self):
        self.user = platform.fresh_user()

    def reload(self, turn):
        limits = '[limits]\nnonsense = 1' if turn % 4 == 3 else f'[limits]\nlogin_timeout = "{60 + turn % 9}s"'
        more = self.proxy.listener("more", self.spare, "starttls") if turn % 3 == 1 else ""
        self.proxy.write(limits=limits, listeners=self.listeners + "\n" + more)
        if turn % 4 == 3:
            with self.assertRaisesRegex(AssertionError, "nonsense"):
                self.proxy.ctl("reload")
            self.proxy.write(limits="")
        else:
            self.proxy.ctl("reload")

    def renew(self, turn):
        """As certbot: other files under the same names; nobody is told."""
        seen = len(self.proxy.lines("reloaded", cause="certificates"))
        fresh = self.proxy.certificates.pair(f"renewed{turn}", ("localhost", "127.0.0.1"))
        for source, target in zip(fresh, self.pair):
            shutil.copy(source, target + ".new")
            os.chmod(target + ".new", 0o640)
            os.replace(target + ".new", target)
        wait_for(lambda: len(self.proxy.lines("reloaded", cause="certificates")) > seen, 30, "the certificate to be taken up")

    def upgraded(self, turn):
        bad = self.bad.get(turn)
        if bad is None:
            self.install()
            self.upgrade()
        else:
            self.install(bad)
            self.refused()

    def drained(self, _):
        self.proxy.ctl("drain", "--over", "1h")
        self.assertEqual("draining", self.proxy.ctl("status")["state"])
        self.proxy.ctl("undrain")

    def test_a_day(self):
        if sanitized():
            self.skipTest("test_upgrade.py has these, one at a time")
        folder = platform.scratch()
        self.pair = [shutil.copy(path, folder) for path in platform.certificates.server]
        self.spare, = free_ports(1)
        proxy = self.make(server=server(timeout="5s"), tls=(
            f'[[tls.certificate]]\ncertificate = "{self.pair[0]}"\nkey = "{self.pair[1]}"'))
        self.listeners = proxy.sections["listeners"]
        held = self.idle(12)
        chance = random.Random(8)
        self.bad = dict(zip(chance.sample(range(UPGRADES), len(BAD_PROGRAMS)), BAD_PROGRAMS))
        acts = [(act, turn) for act, count in ((self.reload, RELOADS), (self.renew, CERTIFICATES),
                                               (self.upgraded, UPGRADES), (self.drained, DRAINS)) for turn in range(count)]
        chance.shuffle(acts)
        clients = Clients(proxy, [platform.fresh_user() for _ in range(3)])
        try:
            for act, turn in acts:
                act(turn)
        finally:
            clients.stop()
        print(f"{len(acts)} acts, {dict(clients.served)}, {len(self.pids) - 1} successors", end=" ", flush=True)
        self.assertEqual([], clients.failed[:5])
        self.assertEqual(3, len(clients.served))
        self.nothing_was_lost(held)
        self.assertEqual(len(BAD_PROGRAMS), len(proxy.lines("upgrade_failed")))


if __name__ == "__main__":
    unittest.main()
