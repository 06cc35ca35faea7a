"""Users that PAM knows: a service in /etc/pam.d with a password file, modules that refuse, and one that hangs.

PAM looks in /etc/pam.d and nowhere else, which is root's: without that the tests are skipped.
"""

import os
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, run
from tests.e2e.harness.users import MASTER_AUTH, attempt, own_user

OURS = "canary-Pam/word"
FOLDER = "/etc/pam.d"
REFUSED = rb"NO \[AUTHENTICATIONFAILED\]"
LATER = rb"NO \[UNAVAILABLE\]"
STATIC = own_user("bob", OURS)
platform = None


def setUpModule():
    global platform
    if not os.access(FOLDER, os.W_OK):
        raise unittest.SkipTest(f"{FOLDER} cannot be written: only root may make a service of PAM")
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


class Pam(unittest.TestCase):
    def service(self, text):
        """Writes a service that is gone with the test; returns its name."""
        name = f"postigo-test-{os.getpid()}-{self._testMethodName[:40]}"
        path = os.path.join(FOLDER, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        self.addCleanup(os.unlink, path)
        return name

    def proxy(self, service, check=True, more="", **options):
        section = (f'[[directory]]\nname = "system"\ntype = "pam"\ncheck_password = {str(check).lower()}\n'
                   f'pam_service = "{service}"\n{more}')
        made = platform.postigo(auth=MASTER_AUTH if check else "", directories=(STATIC if check else "") + section, **options)
        self.addCleanup(made.stop)
        return made

    def with_password_file(self, account="pam_permit.so"):
        path = os.path.join(platform.scratch(), "passwords")
        with open(path, "w", encoding="ascii") as file:
            for user in ("alice", "carol"):
                file.write(f"{user}:{run('openssl', 'passwd', '-6', '-stdin', input=OURS).stdout.strip()}\n")
        if not any(os.path.exists(f"{folder}/security/pam_pwdfile.so") for folder in
                   ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib")):
            self.skipTest("libpam-pwdfile is not installed")
        return f"auth required pam_pwdfile.so pwdfile={path}\naccount required {account}\n"

    def auth_test(self, door, user, password):
        """What `postigo auth test` makes of it."""
        return door.tool("auth", "test", user, input=password + "\n", check=False).returncode

    def test_who_comes_in(self):
        door = self.proxy(self.service(self.with_password_file()))
        for user in ("alice", "carol", "bob"):
            self.assertRegex(attempt(door, user, OURS), rb"OK", user)
        for user, password in (("alice", "wrong"), ("alice", PASSWORD), ("nobody", OURS), ("../alice", OURS),
                               ("-alice", OURS)):
            self.assertRegex(attempt(door, user, password), REFUSED, user)
        with Pop3.open(door) as wire:
            wire.ok("USER alice")
            self.assertTrue(wire.command(f"PASS {OURS}").startswith(b"+OK"))
        self.assertEqual(0, self.auth_test(door, "alice", OURS))
        self.assertEqual(1, self.auth_test(door, "alice", "wrong"))
        self.assertNotIn(OURS, door.log_text() + door.program.output())

    def test_who_may_not_come_in(self):
        door = self.proxy(self.service(self.with_password_file("pam_debug.so acct=acct_expired")))
        self.assertRegex(attempt(door, "alice", OURS), REFUSED)
        self.assertRegex(attempt(door, "alice", "wrong"), REFUSED)

    def test_the_backend_checks_and_pam_says_who_is_known(self):
        door = self.proxy(self.service("auth required pam_deny.so\naccount required pam_succeed_if.so quiet user = alice\n"),
                          check=False)
        self.assertRegex(attempt(door, "alice", PASSWORD), rb"OK")
        self.assertRegex(attempt(door, "alice", "wrong"), REFUSED)

    def test_accounts_of_the_machine(self):
        """pam_unix, in a mount namespace of its own, where /etc/passwd and /etc/shadow are ours."""
        folder, stored = platform.scratch(), run("openssl", "passwd", "-6", "-stdin", input=OURS).stdout.strip()
        accounts = {"alice": f"{stored}:19000:0:99999:7:::", "carol": f"!{stored}:19000:0:99999:7:::",
                    "dave": f"{stored}:19000:0:99999:7::100:", "u1": f"{stored}:0:0:99999:7:::", "u2": "*:19000:0:99999:7:::"}
        lines = {"passwd": [f"{name}:x:{54321 + number}:65534::/nonexistent:/usr/sbin/nologin"
                            for number, name in enumerate(accounts)], "shadow": [f"{name}:{rest}" for name, rest in accounts.items()]}
        for name, mode in (("passwd", 0o644), ("shadow", 0o600)):
            with open(f"/etc/{name}", encoding="utf-8") as file, open(f"{folder}/{name}", "w", encoding="utf-8") as copy:
                copy.write(file.read() + "".join(line + "\n" for line in lines[name]))
            os.chmod(f"{folder}/{name}", mode)
        mount = f"mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/shadow /etc/shadow"
        if run("unshare", "--mount", "sh", "-c", mount, check=False).returncode != 0:
            self.skipTest("there is no mount namespace to be had")
        door = self.proxy(self.service("auth required pam_unix.so\naccount required pam_unix.so\n"), start=False)
        door.start(under=("unshare", "--mount", "sh", "-c", mount + ' && exec "$@"', "sh"))
        self.assertRegex(attempt(door, "alice", OURS), rb"OK")
        for user, password in (("alice", "wrong"), ("alice", ""), ("carol", OURS), ("dave", OURS), ("u1", OURS), ("u2", OURS),
                               ("u2", "*"), ("root", OURS), ("nobody", ""), ("u1@example.com", OURS)):
            with self.subTest(user=user, password=password):
                self.assertRegex(attempt(door, user, password), REFUSED)
        self.assertRegex(attempt(door, "bob", OURS), rb"OK", "of another directory")

    def test_a_source_that_is_away_is_try_later(self):
        door = self.proxy(self.service("auth required pam_debug.so auth=authinfo_unavail\naccount required pam_permit.so\n"))
        self.assertRegex(attempt(door, "alice", OURS), LATER)
        self.assertEqual(75, self.auth_test(door, "alice", OURS))
        self.assertRegex(attempt(door, "bob", OURS), rb"OK", "of another directory")
        self.assertIn("directory system: ", door.log_text())

    def test_a_module_that_hangs_stops_nobody_else(self):
        """Its thread is its own; who waits for it hears "try later", and a stop does not wait at all."""
        sleep = self.service("auth required pam_exec.so quiet /bin/sleep 15\naccount required pam_permit.so\n")
        door = self.proxy(sleep, more="threads = 1\n", limits='[limits]\nauth_failure_delay = "200ms"\nlookup_timeout = "2s"')
        with Imap.open(door) as session:
            session.logged_in("bob", OURS)
            waiting = [Imap.open(door) for _ in range(4)]
            for wire in waiting:
                wire.send(f"a LOGIN alice {OURS}\r\n".encode())
            for _ in range(3):
                session.ok("NOOP")
                self.assertRegex(attempt(door, "bob", OURS), rb"OK")
            for wire in waiting:
                self.assertRegex(wire.until("a")[-1], LATER)
                wire.close()
        begun = time.monotonic()
        door.stop()
        self.assertLess(time.monotonic() - begun, 10)

    def test_a_service_without_a_file_is_refused(self):
        section = '[[directory]]\nname = "system"\ntype = "pam"\npam_service = "postigo-none"\n'
        refused = platform.postigo(start=False, directories=section).tool("serve", check=False)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("directory system: pam_service: cannot read /etc/pam.d/postigo-none", refused.stderr)


if __name__ == "__main__":
    unittest.main()
