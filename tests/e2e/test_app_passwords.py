"""Passwords for programs, in SQLite: added, listed and revoked while sessions run; for a protocol, a network, a time; and
users whose own password opens nothing here, so that a second factor at the web front means something."""

import contextlib
import os
import re
import sqlite3
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, plain, wait_for
from tests.e2e.harness.users import MASTER_AUTH, attempt

OURS = "canary-App/word"
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
LIMITS = '[limits]\nauth_failure_delay = "100ms"\nlookup_timeout = "30s"\n[penalty]\nexempt = ["127.0.0.0/8"]'
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def pop3(door, user, password):
    with Pop3.open(door) as wire:
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


class AppPasswords(unittest.TestCase):
    def setUp(self):
        self.path = os.path.join(platform.scratch(), "users.db")
        self.door = platform.postigo(start=False, auth=MASTER_AUTH, limits=LIMITS, directories='[[directory]]\nname = "users"\n'
                                     f'type = "sqlite"\ncheck_password = true\npath = "{self.path}"\n')
        self.addCleanup(self.door.stop)
        for user in ("alice", "bob"):
            self.user("add", user, "--password-stdin", input=OURS + "\n")
        self.door.start()

    def user(self, *words, check=True, **options):
        return self.door.tool("user", *words, check=check, **options)

    def add(self, user, label, *more):
        """The new password, as it is shown."""
        done = self.user("app-password", "add", user, label, *more)
        self.assertRegex(done.stdout, r"^[a-z0-9]+(-[a-z0-9]+)+\n$")
        return done.stdout.strip()

    def rows(self, user):
        lines = self.user("app-password", "list", user).stdout.splitlines()[1:]
        return {line.split()[0]: line.split()[1:] for line in lines}

    def test_a_life(self):
        phone, laptop = self.add("alice", "phone"), self.add("alice", "laptop")
        for password in (phone, phone.replace("-", ""), phone.upper(), phone.replace("-", " "), laptop, OURS):
            self.assertRegex(attempt(self.door, "alice", password), rb"^OK", password.replace(phone, "..."))
            self.assertRegex(pop3(self.door, "alice", password), rb"^\+OK")
        for user, password in (("bob", phone), ("alice", phone[:-1]), ("alice", phone + laptop), ("alice", ""), ("alice", PASSWORD)):
            self.assertRegex(attempt(self.door, user, password), REFUSED)
        self.assertEqual({"phone", "laptop"}, set(self.rows("alice")))
        with Imap.open(self.door) as session:
            session.logged_in("alice", phone)
            self.user("app-password", "revoke", "alice", "phone")
            self.assertRegex(attempt(self.door, "alice", phone), REFUSED)
            self.assertRegex(pop3(self.door, "alice", phone), REFUSED)
            session.ok("NOOP")  # who is in stays, until somebody kicks him
            self.door.ctl("kick", "--user", "alice")
            self.assertTrue(session.rest().startswith(b"* BYE"))
        for password in (laptop, OURS):
            self.assertRegex(attempt(self.door, "alice", password), rb"^OK")
        self.assertEqual({"laptop"}, set(self.rows("alice")))
        self.assertNotEqual(0, self.user("app-password", "revoke", "alice", "phone", check=False).returncode)
        self.assertNotEqual(0, self.user("app-password", "add", "alice", "laptop", check=False).returncode)
        self.assertNotEqual(0, self.user("app-password", "add", "nobody", "phone", check=False).returncode)
        self.user("del", "alice")
        self.assertRegex(attempt(self.door, "alice", laptop), REFUSED)
        self.user("add", "alice", "--password-stdin", input=OURS + "\n")
        self.assertRegex(attempt(self.door, "alice", laptop), REFUSED, "he is another one")

    def test_nothing_of_them_is_kept_or_told(self):
        made = self.add("alice", "phone")
        self.assertRegex(attempt(self.door, "alice", made), rb"^OK")
        bare = made.replace("-", "")
        with open(self.path, "rb") as file:
            kept = file.read()
        for text in (made, bare):
            self.assertNotIn(text.encode(), kept)
            self.assertNotIn(text, self.door.log_text() + self.user("app-password", "list", "alice").stdout)
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            self.assertIn("phone", str([database.execute(f"SELECT * FROM {table}").fetchall() for (table,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]))

    def test_for_a_protocol_a_network_and_a_time(self):
        mail = self.add("alice", "pop3-only", "--protocols", "pop3")
        self.assertRegex(pop3(self.door, "alice", mail), rb"^\+OK")
        self.assertRegex(attempt(self.door, "alice", mail), REFUSED)
        here, away = (self.add("alice", f"from-{label}", "--networks", network)
                      for label, network in (("here", "127.0.0.0/8,::1"), ("away", "192.0.2.0/24")))
        self.assertRegex(attempt(self.door, "alice", here), rb"^OK")
        self.assertRegex(attempt(self.door, "alice", away), REFUSED)
        past = self.add("alice", "past", "--valid-until", "2020-01-01 00:00")
        self.assertRegex(attempt(self.door, "alice", past), REFUSED)
        soon = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8))
        short = self.add("alice", "short", "--valid-until", soon)
        self.assertRegex(attempt(self.door, "alice", short), rb"^OK")
        wait_for(lambda: attempt(self.door, "alice", short).startswith(b"NO"), 60, what="its end", step=0.5)
        self.assertRegex(attempt(self.door, "alice", OURS), rb"^OK", "the main one goes on")
        self.assertEqual("pop3", self.rows("alice")["pop3-only"][0])
        self.assertEqual("127.0.0.0/8,::1", self.rows("alice")["from-here"][1])
        for words in (("--protocols", "nntp"), ("--networks", "everywhere"), ("--valid-until", "tomorrow")):
            self.assertNotEqual(0, self.user("app-password", "add", "alice", "x", *words, check=False).returncode, words)

    def test_the_main_password_is_barred(self):
        made = self.add("alice", "phone")
        self.user("set", "alice", "--main-password", "no")
        for enter in (attempt, pop3):
            self.assertRegex(enter(self.door, "alice", OURS), REFUSED)
            self.assertRegex(enter(self.door, "alice", made), rb"^(OK|\+OK)")
        with Imap.open(self.door) as wire:
            self.assertRegex(wire.command(f"AUTHENTICATE PLAIN {plain('alice', OURS)}")[-1], REFUSED)
        self.user("set", "alice", "--disabled")
        self.assertRegex(attempt(self.door, "alice", made), REFUSED)
        self.user("set", "alice", "--enabled", "--main-password", "yes")
        self.assertRegex(attempt(self.door, "alice", OURS), rb"^OK")

    def test_the_last_use_is_seen(self):
        used, unused = self.add("alice", "used"), self.add("alice", "unused")
        self.assertTrue(unused)
        self.assertRegex(attempt(self.door, "alice", OURS), rb"^OK")
        self.assertRegex(attempt(self.door, "alice", used), rb"^OK")
        wait_for(lambda: self.rows("alice")["used"][-1] != "-", 60, what="the last use", step=0.3)
        self.assertTrue(re.match(time.strftime("%Y", time.gmtime()), " ".join(self.rows("alice")["used"][3:]).strip()[-20:]) or
                        self.rows("alice")["used"][-1])
        self.assertEqual("-", self.rows("alice")["unused"][-1])

    def test_many_cost_no_more_than_one(self):
        """Each guess costs one slow hash, however many passwords a user has; one of them costs none."""
        for number in range(20):
            last = self.add("alice", f"device{number}")
        for password, cost, hears in (("wrong", 1, REFUSED), (last, 0, rb"^OK"), (OURS, 1, rb"^OK")):
            before = self.door.metrics().sum("postigo_password_checks_total")
            self.assertRegex(attempt(self.door, "alice", password), hears)
            self.assertEqual(before + cost, self.door.metrics().sum("postigo_password_checks_total"))


if __name__ == "__main__":
    unittest.main()
