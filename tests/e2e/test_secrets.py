"""A33: what the memory, the account and the core files of a running Postigo give away: nothing but what must be there.

The process forbids others to look into it, so only root can; the scan is skipped for everybody else.
"""

import os
import re
import subprocess
import unittest
import urllib.error
import urllib.request

from tests.e2e.harness import MASTER_PASSWORD, PASSWORD, Imap, Platform, Pop3, plain, postigo, sanitized, wait_for
from tests.e2e.harness.ports import free_ports

SHORT = "kAn4ry"  # fits where long strings do not: in a std::string itself, in two registers
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def memory_of(pid):
    """Yields (name of the mapping, its octets) of everything that is or was writable: heaps, stacks, data."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line)
            begin, end, rights, name = int(match[1], 16), int(match[2], 16), match[3], match[4]
            private = rights.startswith("r") and (rights[1] == "w" or not name)
            if not private or name in ("[vvar]", "[vsyscall]"):
                continue
            memory.seek(begin)
            try:
                yield name or f"{begin:x}", memory.read(end - begin)
            except OSError:
                continue  # a guard page


def places_of(pid, *needles):
    """[(mapping, offset, what stands around it)] of every needle."""
    found = []
    for name, octets in memory_of(pid):
        for needle in needles:
            at = octets.find(needle)
            while at >= 0:
                found.append((name, at, octets[max(0, at - 24):at + len(needle) + 24]))
                at = octets.find(needle, at + 1)
    return found


def status_of(pid, task=None):
    path = f"/proc/{pid}/status" if task is None else f"/proc/{pid}/task/{task}/status"
    with open(path, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@unittest.skipIf(os.geteuid() != 0, "only root may look into the process")
@unittest.skipIf(sanitized(), "a sanitizer keeps what is freed, and its origins")
class Memory(unittest.TestCase):
    """A scan of all that is writable, while sessions that have logged in go on."""

    @classmethod
    def setUpClass(cls):
        cls.open = []

    @classmethod
    def tearDownClass(cls):
        for wire in cls.open:
            wire.close()

    def log_in(self, door, user, password, *, succeed):
        """Every way in, in clear and over TLS. Sessions that succeed stay open."""
        for mode in ("off", "implicit", "starttls"):
            for protocol, ways in ((Imap, (self.imap_login, self.imap_plain)), (Pop3, (self.pop3_pass, self.pop3_plain))):
                for way in ways:
                    wire = protocol.open(door, mode)
                    self.open.append(wire)
                    said = way(wire, user, password)
                    self.assertEqual(succeed, re.search(rb"OK", said) is not None, (mode, way.__name__, said))

    @staticmethod
    def imap_login(wire, user, password):
        return wire.login(user, password)[-1]

    @staticmethod
    def imap_plain(wire, user, password):
        return wire.command(f"AUTHENTICATE PLAIN {plain(user, password)}")[-1]

    @staticmethod
    def pop3_pass(wire, user, password):
        wire.command(f"USER {user}")
        return wire.command(f"PASS {password}")

    @staticmethod
    def pop3_plain(wire, user, password):
        return wire.command(f"AUTH PLAIN {plain(user, password)}")

    def needles(self, *texts):
        """As they are, and at each of the three places where base64 may begin; without the ends, which depend."""
        import base64
        found = []
        for text in texts:
            octets = text.encode()
            found.append(octets)
            for shift in range(3):
                coded = base64.b64encode(b"\0" * shift + octets)
                found.append(coded[(0, 2, 3)[shift]:len(coded) - 4])
        return [needle for needle in found if len(needle) >= 6]

    def settle(self, door, attempts):
        wait_for(lambda: door.metrics().sum("postigo_auth_attempts_total") >= attempts, what="all attempts are counted")

    def test_a33_the_backend_checks(self):
        door = platform.postigo(limits='[limits]\nauth_failure_delay = "1ms"')
        user = platform.fresh_user()
        self.log_in(door, user, PASSWORD, succeed=True)
        self.log_in(door, user, "canary-wrong/password", succeed=False)
        self.log_in(door, user, SHORT, succeed=False)
        self.settle(door, 36)
        self.assertEqual([], places_of(door.program.pid, *self.needles(PASSWORD, "canary-wrong/password", SHORT)))

    def check_master(self, name, setting, environment=None, master=MASTER_PASSWORD):
        door = platform.postigo(
            start=False, limits='[limits]\nauth_failure_delay = "1ms"',
            auth=f'[auth.backend_login]\nmode = "{name}"\nmaster_user = "master"\n{setting}\n',
            directories='[[directory]]\ntype = "sqlite"\npath = "users.db"\ncheck_password = true\n')
        os.chmod(door.file, 0o600)
        user = platform.fresh_user()
        saved = dict(os.environ)
        os.environ.update(environment or {})
        try:
            door.tool("user", "add", user, "--password-stdin", input="canary-cl13nt/word\n")
            door.start()
        finally:
            os.environ.clear()
            os.environ.update(saved)
        self.log_in(door, user, "canary-cl13nt/word", succeed=True)
        self.log_in(door, user, SHORT, succeed=False)
        self.settle(door, 24)
        self.assertEqual([], places_of(door.program.pid, *self.needles("canary-cl13nt/word", SHORT)), "clients' passwords")
        kept = places_of(door.program.pid, *self.needles(master))
        self.assertEqual(1, len(kept), kept)
        with open(f"/proc/{door.program.pid}/smaps", encoding="ascii") as file:
            region = next(text for text in re.split(r"\n(?=[0-9a-f]+-)", file.read()) if text.startswith(kept[0][0] + "-"))
        flags = re.search(r"VmFlags: (.*)", region)[1].split()
        self.assertIn("dd", flags, "it would be in a core file")
        self.assertNotIn("wr", flags, "it can be overwritten")
        if "lo" not in flags:
            self.assertNotEqual(0, resource_limit(door.program.pid), "it may be swapped out")
        return door

    def test_a33_tokens_of_the_api(self):
        token, wrong = "canary-t0ken-of-the-api", "canary-wr0ng-token-of-the-api"
        port, = free_ports(1)
        door = platform.postigo(start=False)
        door.sections["admin"] += (f'\napi_address = "127.0.0.1:{port}"\n[[admin.token]]\nname = "t"\nrole = "operate"\n'
                                   'token_env = "POSTIGO_TEST_TOKEN"')
        door.write()
        os.environ["POSTIGO_TEST_TOKEN"] = token
        try:
            door.start()
        finally:
            del os.environ["POSTIGO_TEST_TOKEN"]
        for given, status in ((token, 200), (wrong, 401)):
            for path in ("status", "who", "config"):
                request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", headers={"Authorization": f"Bearer {given}"})
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        self.assertEqual(status, answer.status)
                        answer.read()
                except urllib.error.HTTPError as refusal:
                    with refusal:
                        self.assertEqual(status, refusal.code)
        # What a connection has read goes with it, once both sides have closed it.
        wait_for(lambda: not places_of(door.program.pid, wrong.encode()), 20, what="the end of the wrong token")
        kept = places_of(door.program.pid, token.encode())
        self.assertEqual(1, len(kept), kept)

    def test_a33_a_master_password_in_a_file(self):
        path = os.path.join(platform.scratch(), "master")
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(MASTER_PASSWORD + "\n")
        self.check_master("master_authzid", f'master_password_file = "{path}"')

    def test_a33_a_master_password_in_the_configuration(self):
        self.check_master("master_separator", f'master_password = "{MASTER_PASSWORD}"')

    def test_a33_a_master_password_in_the_environment(self):
        door = self.check_master("master_separator", 'master_password_env = "POSTIGO_TEST_MASTER"',
                                 {"POSTIGO_TEST_MASTER": MASTER_PASSWORD})
        with open(f"/proc/{door.program.pid}/environ", "rb") as file:
            self.assertNotIn(MASTER_PASSWORD.encode(), file.read())


def resource_limit(pid):
    """How much may be locked in memory."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("Max locked memory")).split()[3].replace("unlimited", "-1"))


@unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
class Account(unittest.TestCase):
    """Who serves, and what he may do."""

    def run_as_nobody(self, **options):
        scratch = platform.scratch()
        os.chmod(scratch, 0o777)
        log = os.path.join(scratch, "postigo.log")
        door = platform.postigo(server='[server]\nhostname = "mail.example.com"\nworkers = 2\nuser = "nobody"',
                                log=f'[log]\nfile = "{log}"', **options)
        return door, log

    def test_the_account_and_its_privileges(self):
        door, log = self.run_as_nobody()
        pid = door.program.pid
        for task in os.listdir(f"/proc/{pid}/task"):
            status = status_of(pid, task)
            self.assertEqual({"65534"}, set(status["Uid"].split()), status["Name"])
            self.assertEqual(1, len(set(status["Gid"].split())))
            self.assertEqual(status["Gid"].split()[:1], status["Groups"].split())
            self.assertEqual("1", status["NoNewPrivs"])
            for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual("0" * 16, status[caps], caps)
        self.assertEqual(0o100640, os.stat(log).st_mode)
        self.assertEqual(65534, os.stat(log).st_uid)
        with Imap.open(door) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD).ok("NOOP")

    @unittest.skipIf(sanitized(), "the leak sanitizer must look into the process")
    def test_a33_no_core_file_and_no_debugger(self):
        door, _ = self.run_as_nobody()
        pid = door.program.pid
        self.assertEqual(0, os.stat(f"/proc/{pid}/environ").st_uid, "its /proc belongs to root: it is not dumpable")
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            self.assertEqual(["0", "0"], next(line for line in file if "core file" in line).split()[4:6])
        look = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", f"/proc/{pid}/mem"],
                              capture_output=True, check=False)
        self.assertIn(b"Permission denied", look.stderr)

    def test_a37_the_log_is_not_opened_through_a_link(self):
        """CVE-2016-1247: the account of the service puts a link where root would write."""
        scratch = platform.scratch()
        os.chmod(scratch, 0o777)
        victim = os.path.join(platform.scratch(), "victim")
        log = os.path.join(scratch, "postigo.log")
        with open(victim, "w", encoding="ascii") as file:
            file.write("before")
        os.symlink(victim, log)
        for user in ("", '\nuser = "nobody"'):
            door = platform.postigo(start=False, server='[server]\nhostname = "m.example.com"' + user,
                                    log=f'[log]\nfile = "{log}"')
            for command in ("check", "serve"):
                done = subprocess.run([postigo(), command, "-c", door.file], capture_output=True, text=True, timeout=20,
                                      check=False)
                self.assertEqual(3, done.returncode, done.stderr)
                self.assertRegex(done.stderr, r"postigo\.toml:\d+:\d+: log\.file: .*symbolic link")
        with open(victim, encoding="ascii") as file:
            self.assertEqual("before", file.read())

    def test_a37_the_log_is_opened_as_the_account(self):
        """A folder that only root can write to is no place for the account's log."""
        log = os.path.join(platform.scratch(), "postigo.log")
        door = platform.postigo(start=False, log=f'[log]\nfile = "{log}"',
                                server='[server]\nhostname = "m.example.com"\nuser = "nobody"')
        for command in ("check", "serve"):
            done = subprocess.run([postigo(), command, "-c", door.file], capture_output=True, text=True, timeout=20,
                                  check=False)
            self.assertEqual(3, done.returncode, done.stderr)
            self.assertRegex(done.stderr, r"log\.file: .*Permission denied \(as nobody\)")
        self.assertFalse(os.path.exists(log))


if __name__ == "__main__":
    unittest.main()
