"""Users in a passwd-file of Dovecot's: what its own tool hashes and its own format says, exchanged under logins, and
large."""

import contextlib
import os
import shutil
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, run, wait_for
from tests.e2e.harness.users import MASTER_AUTH, SHARDS, attempt

OURS = "canary-Passwd/word"  # known to the file, not to the Dovecots
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
LATER = rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])"
LIMITS = '[limits]\nauth_failure_delay = "100ms"\nlookup_timeout = "30s"\n[penalty]\nexempt = ["127.0.0.0/8"]'
SCHEMES = ("PLAIN", "SSHA", "SSHA256", "SSHA512", "SHA256", "SHA512", "SMD5", "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT",
           "BLF-CRYPT", "PBKDF2", "ARGON2ID", "ARGON2I", "SCRAM-SHA-1", "SCRAM-SHA-256", "CRAM-MD5")
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def pop3(door, user, password=OURS):
    with Pop3.open(door) as wire:
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class File(unittest.TestCase):
    def setUp(self):
        self.path = os.path.join(platform.scratch(), "passwd")

    def write(self, text):
        """As whoever does it right: another file, renamed over it."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path + ".new", self.path)

    def proxy(self, auth=MASTER_AUTH, check=True, start=True, **options):
        section = f'[[directory]]\nname = "people"\ntype = "passwd-file"\ncheck_password = {str(check).lower()}\npath = "{self.path}"\n'
        options.setdefault("limits", LIMITS)
        made = platform.postigo(auth=auth, pool=SHARDS, directories=section, start=start, **options)
        self.addCleanup(made.stop)
        return made


class Format(File):
    @unittest.skipUnless(shutil.which("doveadm"), "needs doveadm")
    def test_what_doveadm_hashes(self):
        made = {}
        for scheme in SCHEMES:
            done = run("doveadm", "pw", "-s", scheme, "-p", OURS, check=False)
            if done.returncode == 0:
                made[platform.fresh_user()] = done.stdout.strip()
        self.assertGreater(len(made), 12)
        self.write("".join(f"{user}:{stored}:1000:1000::/home/{user}:/bin/false\n" for user, stored in made.items()))
        door = self.proxy()
        for user, stored in made.items():
            with self.subTest(stored.partition("}")[0]):
                self.assertRegex(attempt(door, user, OURS), rb"^OK")
                self.assertRegex(attempt(door, user, OURS + "x"), REFUSED)
        text = door.log_text() + door.program.output()
        self.assertNotIn("canary", text)

    def test_extra_fields(self):
        me, elsewhere = "127.0.0.0/8", "192.0.2.0/24"
        lines = {"alice": "host=b", "bob": "host=b user=u1", "carol": f"allow_nets={me},{elsewhere} shard=a",
                 "dave": f"allow_nets={elsewhere}", "u2": "nologin=y reason=gone", "t000": "proxy=y nologin=y host=a",
                 "t001": f"host=a pass={PASSWORD}", "t002": "protocols=pop3", "t003": "valid_until=2020-01-01",
                 "t004": "host=nowhere", "t005": "userdb_mail=maildir:~/x userdb_quota_rule=*:storage=1G"}
        self.write("# users\n\n" + "".join(f"{user}:{{PLAIN}}{OURS}:1000:1000:A, B:/home/{user}:/bin/sh:{extra}\n"
                                           for user, extra in lines.items()) + "t006:*:::::\nt007::::::\n")
        door = self.proxy()
        for user, name, at in (("alice", "alice", platform.b), ("bob", "u1", platform.b), ("carol", "carol", platform.a),
                               ("t000", "t000", platform.a), ("t001", "t001", platform.a)):
            with self.subTest(user):
                before = len(at.logins(name))
                self.assertRegex(attempt(door, user, OURS), rb"^OK")
                self.assertRegex(pop3(door, user), rb"^\+OK")
                at.wait_login(name, before + 2)
        self.assertRegex(attempt(door, "t005", OURS), rb"^OK")
        self.assertRegex(pop3(door, "t002"), rb"^\+OK")
        for user, password in (("dave", OURS), ("u2", OURS), ("t002", OURS), ("t003", OURS), ("t006", OURS), ("t006", ""),
                               ("t006", "*"), ("t007", ""), ("t007", OURS), ("nobody", OURS), ("# users", OURS),
                               ("alice", PASSWORD)):
            with self.subTest(user=user, password=password):
                self.assertRegex(attempt(door, user, password), REFUSED)
        self.assertNotRegex(attempt(door, "t004", OURS), rb"^OK")

    def test_the_backend_checks_and_the_file_says_where(self):
        self.write("alice:::::::host=b\nbob:::::::nologin\n")
        door = self.proxy(auth="", check=False)
        self.assertRegex(attempt(door, "alice", PASSWORD), rb"^OK")
        platform.b.wait_login("alice")
        self.assertRegex(attempt(door, "bob", PASSWORD), REFUSED)

    def test_what_is_wrong_in_itself_is_refused_with_its_line(self):
        for text, reason in ((None, "No such file"), (f"joe:{{PLAIN}}x\n{OURS}\n", "line 2: "), (":x\n", "line 1: the name is empty")):
            with self.subTest(reason):
                if text is not None:
                    self.write(text)
                done = self.proxy(start=False).tool("serve", check=False)
                self.assertNotEqual(0, done.returncode)
                self.assertIn(reason, done.stderr)
                self.assertIn("directory people: ", done.stderr)
                self.assertNotIn("canary", done.stdout + done.stderr)


class Exchange(File):
    def test_renamed_under_logins(self):
        """Whoever stands in both files comes in at any moment, who stands in none at none, and the newest counts soon."""
        def text(number):
            return f"alice:{{PLAIN}}{OURS}::::::host=a\nbob:{{PLAIN}}{number}::::::host=b\n" + "".join(
                f"x{each}:{{PLAIN}}x\n" for each in range(2000))

        self.write(text(0))
        door = self.proxy()
        over, wrong = threading.Event(), []

        def log_in(user, password, hears):
            while not over.is_set():
                answer = attempt(door, user, password)
                if not answer.startswith(hears):
                    wrong.append((user, answer))

        threads = [threading.Thread(target=log_in, args=row) for row in
                   (("alice", OURS, b"OK"), ("alice", OURS, b"OK"), ("carol", OURS, b"NO [AUTH"), ("alice", "x", b"NO [AUTH"))]
        for thread in threads:
            thread.start()
        try:
            for number in range(1, 8):
                self.write(text(number))
                wait_for(lambda: attempt(door, "bob", str(number)).startswith(b"OK"), 60, what="the new password", step=0.2)
                self.assertRegex(attempt(door, "bob", str(number - 1)), REFUSED)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual([], wrong)

    def test_a_file_that_is_broken_or_gone_changes_nothing(self):
        self.write(f"alice:{{PLAIN}}{OURS}\n")
        door = self.proxy()
        self.assertRegex(attempt(door, "alice", OURS), rb"^OK")
        for break_it, reason in ((lambda: self.write(f"alice:{{PLAIN}}x\n{OURS}\n"), "line 2: "), (lambda: os.unlink(self.path), "No such file"),
                                 (lambda: self.write("joe\0:x\n"), "a NUL in it")):
            break_it()
            wait_for(lambda: attempt(door, "alice", OURS) and reason in door.log_text(), 60, what=reason, step=0.3)
            self.assertRegex(attempt(door, "alice", OURS), rb"^OK")
            self.assertRegex(attempt(door, "alice", "x"), REFUSED)
            self.assertRegex(attempt(door, "nobody", OURS), REFUSED)
        self.assertNotIn("canary", door.log_text())
        self.write("alice:{PLAIN}x\n")
        wait_for(lambda: attempt(door, "alice", "x").startswith(b"OK"), 60, what="the new file", step=0.3)

    def test_a_reload_and_a_large_file(self):
        """100,000 users: a fraction of a second of processor time, in which others log in."""
        lines = "".join(f"user{number}@example.com:{{SSHA}}H+R9yrHS2uLDmhnptpLprextnKbzQ25z:1000:1000::/var/vmail/example.com/"
                        f"user{number}:/bin/false:userdb_mail=maildir:~/Maildir\n" for number in range(100_000))
        self.write(f"alice:{{PLAIN}}{OURS}\n")
        door = self.proxy()
        session = Imap.open(door)
        with contextlib.closing(session):
            session.logged_in("alice", OURS)
            before = processor_seconds(door.program.pid)
            self.write(lines + f"alice:{{PLAIN}}{OURS}\nt009:{{PLAIN}}{OURS}\n")
            wait_for(lambda: attempt(door, "t009", OURS).startswith(b"OK"), 120, what="the large file", step=0.2)
            spent = processor_seconds(door.program.pid) - before
            session.ok("NOOP")
        print(f"100,000 users: {spent:.2f} s of processor time, {door.memory() >> 20} MiB", flush=True)
        self.assertLess(spent, 10)
        self.assertRegex(attempt(door, "user99999@example.com", "wrong"), REFUSED)
        began = time.monotonic()
        door.ctl("reload")
        self.assertRegex(attempt(door, "t009", OURS), rb"^OK")
        self.assertLess(time.monotonic() - began, 60)


if __name__ == "__main__":
    unittest.main()
