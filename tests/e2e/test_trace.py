"""`postigo ctl trace`: what goes over the wire is in a file, and no password is, whatever form it came in."""

import base64
import os
import re
import shutil
import stat
import subprocess
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3, wait_for
from tests.e2e.harness.dovecot import MASTER, MASTER_PASSWORD, PASSWORD
from tests.e2e.harness.postigo import postigo

OURS = "canary-0urs/word"

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def encoded(*parts):
    return base64.b64encode("\0".join(parts).encode()).decode()


class Trace(unittest.TestCase):
    auth, password = "", PASSWORD

    def setUp(self):
        self.folder = platform.scratch("traces")
        os.chmod(self.folder, 0o777)  # whatever account the process becomes
        self.user, self.other = platform.fresh_user(), platform.fresh_user()
        self.proxy = platform.postigo(start=False, auth=self.auth.replace("USER", self.user).replace("OTHER", self.other))
        os.chmod(self.proxy.file, 0o600)
        self.proxy.sections["admin"] += f'\ntrace_folder = "{self.folder}"'
        self.proxy.write()
        self.proxy.start()
        self.addCleanup(self.proxy.stop)

    def trace(self, whom, *words):
        return self.proxy.ctl("trace", whom, *words)["file"]

    def text(self, file):
        with open(file, encoding="ascii") as traced:
            return traced.read()

    def tried(self, *words):
        done = subprocess.run([postigo(), "ctl", "--socket", self.proxy.admin_socket, *words], capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stderr

    def session(self, user=None):
        with Imap.open(self.proxy, "off") as wire:
            wire.logged_in(user or self.user, self.password).ok("SELECT INBOX")
            wire.ok("LOGOUT")

    # --- whose, where, how long ---
    def test_both_sides_of_the_relay(self):
        file = self.trace("127.0.0.0/8")
        facts = os.stat(file)
        self.assertEqual((self.folder, 0o600), (os.path.dirname(file), stat.S_IMODE(facts.st_mode)))
        self.session()
        text = wait_for(lambda: " -- the end: " in self.text(file) and self.text(file), 10, "the end")
        line = r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f]{16} "
        for who, said in (("client>", r"c2 SELECT INBOX\\r\\n"), (">backend", r"c2 SELECT INBOX\\r\\n"),
                          ("backend>", r"c2 OK .*\\r\\n"), (">client", r"c2 OK .*\\r\\n"), ("--", "command"), ("--", "relay"),
                          ("--", f"{self.user} is logged in at a .*"), ("--", "the end: logout ?")):
            self.assertRegex(text, line + re.escape(who) + " " + said + "$")

    def test_of_a_user_and_of_nobody_else(self):
        file = self.trace(self.user.upper(), "--for", "1m")
        self.assertEqual("", self.text(file))
        self.session(self.other)
        self.session()
        text = wait_for(lambda: " -- the end: " in self.text(file) and self.text(file), 10, "the end")
        self.assertIn("SELECT INBOX", text)
        self.assertEqual(1, len({line.split()[1] for line in text.splitlines()}), "one session")

    def test_it_ends_by_itself(self):
        file = self.trace("127.0.0.1", "--for", "700ms")
        wire = Imap.open(self.proxy, "off").logged_in(self.user, self.password)
        self.addCleanup(wire.close)
        wait_for(lambda: " -- relay" in self.text(file), 10, "the relay")
        time.sleep(1)
        size = os.path.getsize(file)
        wire.ok("SELECT INBOX")
        self.session()
        self.assertEqual(size, os.path.getsize(file))

    def test_another_address(self):
        file = self.trace("10.0.0.0/8")
        self.session()
        self.assertEqual("", self.text(file))

    def test_what_makes_no_sense(self):
        for words, why in ((("x", "--for", "0s"), "for: must be longer than 0 and at most 1d"),
                           (("x", "--for", "2d"), "for: must be longer than 0 and at most 1d")):
            self.assertEqual((1, f"postigo ctl: {why}\n"), self.tried("trace", *words))
        for _ in range(8):
            self.trace("10.0.0.1")
        self.assertEqual((1, "postigo ctl: as many traces as may be are under way\n"), self.tried("trace", "10.0.0.1"))
        plain = platform.postigo()
        self.addCleanup(plain.stop)
        done = subprocess.run([postigo(), "ctl", "--socket", plain.admin_socket, "trace", "x"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((1, "postigo ctl: there is no [admin] trace_folder\n"), (done.returncode, done.stderr))

    def test_a_folder_that_is_gone(self):
        shutil.rmtree(self.folder)
        code, err = self.tried("trace", "x")
        self.assertEqual(1, code)
        self.assertRegex(err, r"^postigo ctl: cannot make \S+: No such file or directory\n$")

    # --- what it must not hold ---
    def say_everything(self):
        user, password = self.user, self.password
        plain, size = encoded("", user, password), len(password)
        for command in (f'LOGIN "{user}" "{password}"', f"LOGIN {{{len(user)}+}}\r\n{user} {{{size}+}}\r\n{password}",
                        f"AUTHENTICATE PLAIN {plain}"):
            with Imap.open(self.proxy, "off") as wire:
                # The same once more, ahead of the answer: it is relayed.
                wire.send(f"a {command}\r\nb {command}\r\n")
                self.assertTrue(wire.until("a")[-1].startswith(b"a OK"), command)
                wire.until("b")
                wire.ok("NOOP")
        with Imap.open(self.proxy, "off") as wire:
            wire.send(f"a LOGIN {{{len(user)}}}\r\n")
            wire.line()
            wire.send(f"{user} {{{size}}}\r\n")
            wire.line()
            wire.send(f"{password}\r\n")
            self.assertTrue(wire.until("a")[-1].startswith(b"a OK"))
        for mechanism, lines in (("PLAIN", [plain]), ("LOGIN", [encoded(user), encoded(password)])):
            with Imap.open(self.proxy, "off") as wire:
                wire.send(f"a AUTHENTICATE {mechanism}\r\n")
                for line in lines:
                    wire.line()
                    wire.send(line + "\r\n")
                self.assertTrue(wire.until("a")[-1].startswith(b"a OK"), mechanism)
                wire.ok("NOOP")
            with Pop3.open(self.proxy, "off") as wire:
                wire.send(f"AUTH {mechanism}\r\n")
                for line in lines:
                    wire.line()
                    wire.send(line + "\r\n")
                self.assertTrue(wire.line().startswith(b"+OK"), mechanism)
                wire.ok("NOOP")
        with Pop3.open(self.proxy, "off") as wire:
            wire.send(f"AUTH PLAIN {plain}\r\nAUTH PLAIN {plain}\r\n")
            self.assertTrue(wire.line().startswith(b"+OK"))
            wire.line()
            wire.ok("NOOP")
        with Pop3.open(self.proxy, "off") as wire:
            wire.send(f"USER {user}\r\nPASS {password}\r\nPASS {password}\r\n")
            for _ in range(3):
                wire.line()
            wire.ok("NOOP")
        with Imap.open(self.proxy, "off") as wire:
            wire.login(user, password + "-wrong")

    def test_a33_no_password_in_any_form(self):
        files = [self.trace("127.0.0.1"), self.trace(self.user)]
        self.say_everything()
        wait_for(lambda: self.text(files[0]).count(" -- the end: ") >= 9, 20, "the end of all sessions")
        text = "".join(self.text(file) for file in files)
        for name, secret in (("ours", self.password), ("master", MASTER_PASSWORD)):
            needles = [secret, encoded(secret), encoded(secret).rstrip("=")[:-1], encoded("", self.user, secret),
                       encoded("", self.user, secret)[8:-4], encoded(self.user, MASTER, secret)[:-4],
                       encoded("", self.user + "*" + MASTER, secret)[:-4]]
            for needle in needles:
                self.assertNotIn(needle, text, name)
        self.assertIn("***", text, "what was relayed of it")
        self.assertIn("NOOP", text)


class TraceWithAMaster(Trace):
    """The same where we check passwords and the backend sees the master's."""

    password = OURS
    auth = (f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "{MASTER}"\nmaster_password = "{MASTER_PASSWORD}"\n'
            '[[directory]]\ntype = "static"\ncheck_password = true\n' + "".join(
                f'[[directory.user]]\nname = "{name}"\npassword = "{{PLAIN}}{OURS}"\n' for name in ("USER", "OTHER")))


if __name__ == "__main__":
    unittest.main()
