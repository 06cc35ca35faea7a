"""`postigo auth test`: what an operator is told of a login, over a real PostgreSQL and an issuer of tokens, and that his
terminal is as it was whatever ends it."""

import json
import os
import signal
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, Platform, postigo, run
from tests.e2e.harness.databases import DATABASE_PASSWORD, Postgresql
from tests.e2e.harness.terminal import Terminal
from tests.e2e.test_oauth import Issuer

OURS = "canary-Directory-password"
platform = database = issuer = proxy = None

TABLE = ("CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255), shard VARCHAR(64), active INTEGER,"
         " networks VARCHAR(64));INSERT INTO mailbox VALUES ")


def setUpModule():
    global platform, database, issuer, proxy
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)
    hashed = "{SHA512-CRYPT}" + run("openssl", "passwd", "-6", "-stdin", input=OURS).stdout.strip()
    rows = (("alice", hashed, "b", 1, ""), ("bob", "{PLAIN}" + OURS, "a", 1, ""), ("carol", hashed, "a", 0, ""),
            ("ines", hashed, "a", 1, "10.0.0.0/8"))
    database = Postgresql(os.path.join(platform.folder, "postgresql"), platform.certificates,
                          TABLE + ", ".join(str(row) for row in rows))
    unittest.addModuleCleanup(database.stop)
    issuer = Issuer(platform.scratch())
    unittest.addModuleCleanup(issuer.close)

    class Door:
        imap, imaps, pop3, pop3s = 10143, 10993, 10110, 10995

    proxy = platform.postigo({"a": Door, "b": Door}, start=False, auth=(
        '[auth]\nmechanisms = ["SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "PLAIN"]\n[auth.backend_login]\n'
        f'mode = "master_separator"\nmaster_user = "{MASTER}"\nmaster_password_file = "{platform.secret(MASTER_PASSWORD)}"\n'),
        directories=(
        '[[directory]]\nname = "people"\ntype = "postgresql"\ncheck_password = true\nlogin = "postigo"\ntimeout = "1s"\n'
        f'password_file = "{platform.secret(DATABASE_PASSWORD)}"\nservers = ["{database.server}"]\n[directory.sql]\n'
        'database = "mail"\nquery = "SELECT password, shard, active AS enabled, networks FROM mailbox WHERE username = %u"\n'
        f'[[directory]]\nname = "tokens"\ntype = "oauth"\n[directory.oauth]\nissuer = "{issuer.url}"\n'
        'audiences = ["imap"]\nscopes = ["mail"]\n'))


def ask(user, *words, secret=OURS):
    done = proxy.tool("auth", "test", user, *words, input=secret + "\n", check=False)
    for canary in (OURS, DATABASE_PASSWORD, MASTER_PASSWORD):
        assert canary not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


class Verdicts(unittest.TestCase):
    def expect(self, done, code, *told):
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        for each in told:
            self.assertRegex(done.stdout, each)

    def test_right_and_wrong(self):
        self.expect(ask("Alice"), 0, "people about alice: the password is right", r"login: +let in", r"backend: +b ",
                    rf"there as: +alice\*{MASTER}, by the master's password")
        self.expect(ask("alice", secret="wrong"), 1, "refused: wrong")
        self.expect(ask("nobody-at-all"), 1, "refused: unknown")
        self.expect(ask("carol"), 1, "refused: disabled", r"because: +disabled")
        self.expect(ask("ines"), 1, "refused: not_here", r"because: +networks \(10\.0\.0\.0/8\)")
        self.expect(ask("ines", "--address", "10.1.2.3"), 0)

    def test_proofs(self):
        scram = ("--mechanism", "SCRAM-SHA-256")
        self.expect(ask("bob", *scram), 0, r"backend: +a ")
        self.expect(ask("bob", *scram, secret="wrong"), 1, "refused: wrong")
        self.expect(ask("alice", *scram), 1, r"because: +what is kept of him is of no use for SCRAM-SHA-256")

    def test_tokens(self):
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            with self.subTest(mechanism):
                words = ("--mechanism", mechanism)
                self.expect(ask("bob", *words, secret=issuer.token("bob")), 0, "tokens about bob: the token is good")
                self.expect(ask("bob", *words, secret=issuer.token("bob", exp=1)), 1, "the token is refused")
                self.expect(ask("bob", *words, secret=issuer.token("alice")), 1, "refused: not_allowed")

    def test_json(self):
        said = json.loads(ask("alice", "--json").stdout)
        self.assertEqual(("ok", "b"), (said["login"], said["place"]["backends"][0]["name"]))
        self.assertEqual("{SHA512-CRYPT}", said["asked"][0]["facts"]["password"])

    def test_route_asks_servers(self):
        self.expect(proxy.tool("route", "alice"), 0, r"directory: +people \(user\)", r"backend: +b ")
        self.expect(proxy.tool("route", "nobody-at-all", check=False), 1, "refused: unknown")

    def test_servers_that_are_away(self):
        """Nothing is said of anybody then, and soon it is as it was."""
        for away, back in ((database.kill, database.start),
                           (lambda: database.signal(signal.SIGSTOP), lambda: database.signal(signal.SIGCONT))):
            away()
            try:
                self.expect(ask("alice"), 75, "people about alice: it cannot say now", "try later: directory_away")
                self.expect(ask("nobody-at-all"), 75)
                self.assertEqual(75, proxy.tool("route", "alice", check=False).returncode)
            finally:
                back()
            self.expect(ask("alice"), 0)


class AtTheTerminal(unittest.TestCase):
    @staticmethod
    def command():
        return f"{postigo()} auth test alice -c {proxy.file}"

    def shell(self):
        terminal = Terminal("sh", environment=dict(os.environ, PS1="$ "))
        self.addCleanup(terminal.close)
        terminal.read_until(r"\$ ")
        return terminal

    def expect_echo(self, terminal):
        terminal.type("stty -a | tr ';' '\\n' | grep -c -- '-echo ' ; echo over\n")
        self.assertRegex(terminal.read_until(r"\r\nover"), r"\r\n(\$ )*0\r\n")

    def test_the_secret_is_not_shown(self):
        terminal = self.shell()
        terminal.type(self.command() + "\n")
        terminal.read_until("Password: ")
        terminal.type(OURS + "\n")
        shown = terminal.read_until("there as: .*\n")
        self.assertRegex(shown, "login: +let in")
        self.assertNotIn(OURS, shown)
        self.expect_echo(terminal)

    def test_whatever_ends_it_the_terminal_is_as_it_was(self):
        """^C, and a signal from elsewhere; and that is what ends it: a shell's loop around it ends, too."""
        for number, end in ((signal.SIGINT, lambda terminal, _: terminal.type("half a sec\x03")),
                            (signal.SIGTERM, lambda _, child: os.kill(child, signal.SIGTERM))):
            with self.subTest(number):
                terminal = self.shell()
                terminal.type(self.command() + "; echo status $?\n")
                terminal.read_until("Password: ")
                with open(f"/proc/{terminal.pid}/task/{terminal.pid}/children", encoding="ascii") as file:
                    end(terminal, int(file.read().split()[0]))
                terminal.read_until(r"\$ " if number == signal.SIGINT else f"status {128 + number}")
                self.expect_echo(terminal)


if __name__ == "__main__":
    unittest.main()
