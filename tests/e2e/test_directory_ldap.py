"""Users in LDAP, with a real OpenLDAP server: who comes in and where he goes, TLS, and a server that is away."""

import json
import os
import signal
import time
import unittest

from tests.e2e.harness import MASTER_PASSWORD, PASSWORD, Imap, Platform, Pop3, plain, sanitized, wait_for
from tests.e2e.harness.slapd import BASE, READER, READER_PASSWORD, Slapd, person
from tests.e2e.harness.users import MASTER_AUTH, attempt, own_user
from tests.e2e.test_secrets import places_of

OURS = "canary-Ldap/word"  # known to the LDAP server, not to the Dovecots
WRONG = "canary-wrong/of-ldap"
REFUSED = rb"NO \[AUTHENTICATIONFAILED\]"
LATER = rb"NO \[UNAVAILABLE\]"
FIELDS = '["uid=user", "l=shard", "employeeType=disabled"]'
STATIC = own_user("bob", OURS)
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def slapd():
    people = [person("alice", OURS, l="a", mail="alice@example.com"), person("carol", OURS, l="b"),
              person("dave", OURS, employeeType="TRUE"), person("nopass"), person("t000", OURS)]
    made = Slapd(platform.scratch("ldap"), platform.certificates, people)
    unittest.addModuleCleanup(made.stop)
    return made


def directory(servers, more="", ldap="", check=True, filter="(|(uid=%u)(mail=%u))", login=True):
    """The section of a configuration."""
    own = f'login = "{READER}"\npassword = "{READER_PASSWORD}"\n' if login else ""
    return (f'[[directory]]\nname = "people"\ntype = "ldap"\ncheck_password = {str(check).lower()}\n'
            f"servers = {json.dumps(servers)}\nfields = {FIELDS}\n{own}{more}"
            f'[directory.ldap]\nbase = "{BASE}"\nfilter = "{filter}"\n{ldap}')


def place(door, name, user):
    """Where a session is whose client calls himself `name`; its user is `user`."""
    with Imap.open(door) as wire:
        wire.logged_in(name, OURS)
        rows = wait_for(lambda: [row for row in door.ctl("who", "--user", user)["sessions"] if row["phase"] == "relay"])
        return rows[0]["backend"]


class Ldap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = slapd()

    def proxy(self, *sections, auth=MASTER_AUTH, **options):
        made = platform.postigo(auth=auth, pool=POOL, directories="\n".join(sections), **options)
        self.addCleanup(made.stop)
        return made


POOL = '[[pool]]\nname = "main"\nbackends = ["a", "b"]'


class WhoComesIn(Ldap):
    def test_by_bind_and_by_hash(self):
        for way in ("", 'password = "userPassword"\n'):
            door = self.proxy(directory([self.server.url], ldap=way))
            with self.subTest(way):
                for user in ("alice", "alice@example.com", "ALICE", "carol"):
                    self.assertRegex(attempt(door, user, OURS), rb"^\S* ?OK", user)
                for user, password in (("alice", "wrong"), ("alice", PASSWORD), ("dave", OURS), ("dave", "wrong"),
                                       ("nopass", OURS), ("nobody", OURS), ("*)(uid=*", OURS), ("*", OURS)):
                    self.assertRegex(attempt(door, user, password), REFUSED, user)
                names = (("alice", "alice"), ("carol", "carol"), ("alice@example.com", "alice"))
                self.assertEqual(["a", "b", "a"], [place(door, *name) for name in names])
                self.assertRegex(door.tool("auth", "test", "alice@example.com", input=OURS + "\n").stdout,
                                 r"(?s)user = alice\n.*shard = a\n.*login: +let in .*\nbackend: +a ")
                for user, password in (("alice", "wrong"), ("dave", OURS), ("nobody", OURS)):
                    self.assertEqual(1, door.tool("auth", "test", user, input=password + "\n", check=False).returncode)
                self.assertRegex(door.tool("route", "carol").stdout, r"directory: +people \(user\)\n(?s:.*)backend: +b ")
                with Pop3.open(door) as wire:
                    wire.ok("USER alice")
                    self.assertTrue(wire.command(f"PASS {OURS}").startswith(b"+OK"))
            for secret in (OURS, READER_PASSWORD, MASTER_PASSWORD):
                self.assertNotIn(secret, door.log_text() + door.program.output())

    def test_an_empty_password_never_binds(self):
        door = self.proxy(directory([self.server.url]))
        before = self.server.log().count("BIND")
        with Imap.open(door) as wire:
            self.assertIn(b"NO", wire.command('LOGIN alice ""')[-1])
        with Imap.open(door) as wire:
            self.assertNotIn(b"OK", wire.command(f"AUTHENTICATE PLAIN {plain('alice', '')}")[-1])
        log = self.server.log()
        self.assertNotIn('BIND dn="cn=alice,' + BASE, "BIND".join(log.split("BIND")[before + 1:]))

    def test_by_template_without_a_search(self):
        section = directory([self.server.url], login=False).split("[directory.ldap]", maxsplit=1)[0].replace(
            f"fields = {FIELDS}\n", "")
        door = self.proxy(section + f'[directory.ldap]\nbind_dn = "cn=%u,{BASE}"\n')
        self.assertRegex(attempt(door, "alice", OURS), rb"OK")
        for user, password in (("alice", "wrong"), ("nobody", OURS), (f"alice,{BASE}", OURS)):
            self.assertRegex(attempt(door, user, password), REFUSED, user)

    def test_the_backend_checks_and_ldap_says_where(self):
        door = self.proxy(directory([self.server.url], check=False), auth="")
        self.assertRegex(attempt(door, "alice", PASSWORD), rb"OK")
        self.assertRegex(attempt(door, "alice", OURS), REFUSED)
        self.assertRegex(attempt(door, "dave", PASSWORD), REFUSED)
        self.assertRegex(attempt(door, "bob", PASSWORD), REFUSED, "the directory does not know him")


class Tls(Ldap):
    def test_starttls_and_ldaps_are_verified(self):
        ca = f'tls_ca = "{platform.certificates.ca}"\n'
        starttls = 'tls = "starttls"\n'
        good = (([self.server.tls_url], ca), ([self.server.url], starttls + ca),
                ([self.server.tls_url], "tls_verify = false\n"), ([self.server.url], starttls + "tls_verify = false\n"))
        for servers, more in good:
            with self.subTest(servers=servers, more=more):
                self.assertRegex(attempt(self.proxy(directory(servers, 'timeout = "20s"\n' + more)), "alice", OURS), rb"OK")
        bad = (([self.server.tls_url], ""), ([self.server.url], starttls))
        for servers, more in bad:
            with self.subTest(servers=servers, more=more):
                door = self.proxy(directory(servers, more))
                self.assertRegex(attempt(door, "alice", OURS), LATER)
                self.assertIn("directory people: ldap", door.log_text())

    def test_the_name_counts(self):
        pair = platform.certificates.pair("elsewhere", names=("ldap.elsewhere.example",))

        class Named:
            ca, server = platform.certificates.ca, pair

        server = Slapd(platform.scratch("named"), Named, [person("alice", OURS)])
        self.addCleanup(server.stop)
        door = self.proxy(directory([server.tls_url], f'tls_ca = "{Named.ca}"\n'))
        self.assertRegex(attempt(door, "alice", OURS), LATER)
        self.assertNotIn("BIND", server.log(), "nobody was told a password")


@unittest.skipIf(os.geteuid() != 0, "only root may look into the process")
@unittest.skipIf(sanitized(), "a sanitizer keeps what is freed, and its origins")
class Memory(Ldap):
    """A33: a password that was told to the server is nowhere afterwards, nor is one that was refused."""

    def test_a33_what_was_bound_with_is_gone(self):
        ca = f'tls_ca = "{platform.certificates.ca}"\n'
        for server, more in ((self.server.url, ""), (self.server.tls_url, ca)):
            with self.subTest(server):
                door = self.proxy(directory([server], 'timeout = "20s"\n' + more))
                with Imap.open(door) as session:
                    session.logged_in("alice", OURS)
                    self.assertRegex(attempt(door, "alice", WRONG), REFUSED)
                    self.assertRegex(attempt(door, "nobody", WRONG), REFUSED)
                    needles = [OURS.encode(), WRONG.encode()]
                    wait_for(lambda: not places_of(door.program.pid, *needles), 20, step=1,
                             what=lambda: f"no password: {places_of(door.program.pid, *needles)}")


class Trouble(Ldap):
    """No wrong verdict, "try later" at once, back by itself; others are not concerned."""

    def come_back(self, door):
        wait_for(lambda: b"OK" in attempt(door, "alice", OURS), 120, what="LDAP users come in again", step=0.3)

    def suffer(self, door, break_it, mend_it):
        self.assertRegex(attempt(door, "alice", OURS), rb"OK")
        break_it()
        for user, password in (("alice", OURS), ("alice", "wrong"), ("nobody", OURS), ("dave", OURS)):
            self.assertRegex(attempt(door, user, password), LATER, user)
        self.assertRegex(attempt(door, "bob", OURS), rb"OK", "of another directory")
        mend_it()
        self.come_back(door)
        self.assertRegex(attempt(door, "alice", "wrong"), REFUSED)
        self.assertRegex(attempt(door, "nobody", OURS), REFUSED)

    def test_killed_and_back(self):
        door = self.proxy(STATIC, directory([self.server.url]))
        self.suffer(door, self.server.kill, self.server.start)

    def test_stopped_and_back(self):
        door = self.proxy(STATIC, directory([self.server.url], 'timeout = "1s"\n'))
        self.addCleanup(self.server.signal, signal.SIGCONT)
        self.suffer(door, lambda: self.server.signal(signal.SIGSTOP), lambda: self.server.signal(signal.SIGCONT))

    def test_a_stopped_server_keeps_no_worker(self):
        """While logins wait for it, sessions go on and others come in."""
        door = self.proxy(STATIC, directory([self.server.url], 'timeout = "20s"\n'))
        self.addCleanup(self.server.signal, signal.SIGCONT)
        with Imap.open(door) as session:
            session.logged_in("bob", OURS)
            self.server.signal(signal.SIGSTOP)
            waiting = [Imap.open(door) for _ in range(8)]
            for wire in waiting:
                wire.send(f"a LOGIN alice {OURS}\r\n".encode())
            for _ in range(5):
                session.ok("NOOP")
                self.assertRegex(attempt(door, "bob", OURS), rb"OK")
            self.server.signal(signal.SIGCONT)
            for wire in waiting:
                wire.close()
        self.come_back(door)

    def test_the_next_server_is_asked(self):
        other = slapd()
        door = self.proxy(directory([self.server.url, other.url]))
        self.assertRegex(attempt(door, "alice", OURS), rb"OK")
        self.server.kill()
        for _ in range(3):
            self.assertRegex(attempt(door, "alice", OURS), rb"OK")
            self.assertRegex(attempt(door, "alice", "wrong"), REFUSED)
        self.server.start()
        other.kill()
        self.come_back(door)

    def test_away_at_the_start(self):
        self.server.kill()
        door = self.proxy(STATIC, directory([self.server.url]))
        self.assertRegex(attempt(door, "alice", OURS), LATER)
        self.assertRegex(attempt(door, "bob", OURS), rb"OK")
        self.server.start()
        self.come_back(door)

    def test_a_reload_keeps_connections(self):
        door = self.proxy(directory([self.server.url]))
        self.assertRegex(attempt(door, "alice", OURS), rb"OK")
        before = self.server.log().count("ACCEPT")
        door.ctl("reload")
        time.sleep(0.1)
        self.assertRegex(attempt(door, "alice", OURS), rb"OK")
        self.assertEqual(before, self.server.log().count("ACCEPT"))


class Configuration(unittest.TestCase):
    def test_what_is_wrong_in_itself_is_refused_with_its_key(self):
        for filter, reason in (("(uid=%x)", "ldap.filter: %x is not known"), ("(uid=%u", "is no filter")):
            with self.subTest(filter):
                section = directory(["ldap://127.0.0.1:1"], filter=filter)
                refused = platform.postigo(start=False, auth=MASTER_AUTH, directories=section).tool("serve", check=False)
                self.assertNotEqual(0, refused.returncode)
                self.assertRegex(refused.stderr, f"directory people: .*{reason}")


if __name__ == "__main__":
    unittest.main()
