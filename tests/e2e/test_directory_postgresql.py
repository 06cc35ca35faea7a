"""Users in a real PostgreSQL: right verdicts, and none while the database is away (A5, A21, A22). The same cases are
MariaDB's (test_directory_mysql.py)."""

import base64
import concurrent.futures
import contextlib
import hashlib
import os
import signal
import time
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, PASSWORD, Imap, Platform, Pop3, plain, run, wait_for
from tests.e2e.harness.databases import DATABASE_PASSWORD, Postgresql

OURS = "canary-Directory-password"  # known to the directory, not to the Dovecots
PROGRAM = "canary-Program-password"  # of one of a user's programs
PROGRAM_HASH = "{SHA256}" + base64.b64encode(hashlib.sha256(PROGRAM.encode()).digest()).decode()
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
UNAVAILABLE = rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])"
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def answers(door, user, password, mechanism="LOGIN"):
    """What one attempt gets, over TLS."""
    with (Pop3 if mechanism in ("PASS", "AUTH") else Imap).open(door) as wire:
        if mechanism == "LOGIN":
            return wire.login(user, password)[-1]
        if mechanism == "PLAIN":
            return wire.command(f"AUTHENTICATE PLAIN {plain(user, password)}")[-1]
        if mechanism == "AUTH":
            return wire.command(f"AUTH PLAIN {plain(user, password)}")
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


class Common:
    """For either database."""

    server = None  # a class of the harness
    query = "SELECT password, pool, shard, active AS enabled FROM mailbox WHERE username = %u"

    @classmethod
    def setUpClass(cls):
        hashed = "{SHA512-CRYPT}" + run("openssl", "passwd", "-6", "-stdin", input=OURS).stdout.strip()
        rows = ", ".join(f"('{name}', '{hashed}', 'main', '{shard}', {active})" for name, shard, active in (
            ("alice", "b", 1), ("bob", "a", 1), ("carol", "a", 0), ("dave", "b", 1)))
        cls.database = cls.server(os.path.join(platform.folder, cls.server.type), platform.certificates,
                                  "CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255), pool"
                                  " VARCHAR(64), shard VARCHAR(64), active INTEGER);INSERT INTO mailbox VALUES " + rows +
                                  ";CREATE TABLE program (username VARCHAR(255), label VARCHAR(64), password VARCHAR(255), "
                                  "protocols VARCHAR(64), uses INTEGER);INSERT INTO program VALUES "
                                  f"('dave', 'phone', '{PROGRAM_HASH}', 'imap', 0), ('bob', 'phone', '{PROGRAM_HASH}', NULL, 0)")
        cls.addClassCleanup(cls.database.stop)

    def sections(self, check=True, query=None, servers=None, sql="", **more):
        """[auth] and the directories: one in the file, then the database."""
        auth = (f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "{MASTER}"\nmaster_password_file = '
                f'"{platform.secret(MASTER_PASSWORD)}"\n') if check else ""
        values = {"timeout": "1s", **more}
        text = (f'[[directory]]\nname = "few"\ntype = "static"\ncheck_password = {str(check).lower()}\n[[directory.user]]\n'
                f'name = "u1"\n' + (f'password = "{{PLAIN}}{OURS}"\n' if check else ""))
        text += (f'[[directory]]\nname = "people"\ntype = "{self.database.type}"\ncheck_password = {str(check).lower()}\n'
                 f'login = "postigo"\npassword_file = "{platform.secret(DATABASE_PASSWORD)}"\n'
                 f'servers = ["{servers or self.database.server}"]\n')
        text += "".join(f'{key} = "{value}"\n' for key, value in values.items())
        text += f'[directory.sql]\ndatabase = "mail"\nquery = "{query or self.query}"\n{sql}'
        return {"auth": auth, "directories": text}

    def door(self, start=True, **options):
        door = platform.postigo(start=start, **self.sections(**options))
        self.addCleanup(door.stop)
        return door

    def expect_all_well(self, door):
        self.assertRegex(answers(door, "dave", OURS), b"^OK")
        self.assertRegex(answers(door, "dave", "wrong"), REFUSED)
        self.assertRegex(answers(door, "nobody-at-all", OURS), REFUSED)

    def expect_away(self, door):
        """Nobody is wrong or unknown now, and whom another directory knows comes in."""
        for user, password in (("dave", OURS), ("dave", "wrong"), ("nobody-at-all", OURS), ("carol", OURS)):
            with self.subTest(user=user, password=password):
                self.assertRegex(answers(door, user, password), UNAVAILABLE)
        self.assertRegex(answers(door, "u1", OURS), b"^OK")
        self.assertRegex(answers(door, "u1", "wrong"), REFUSED)

    def expect_back(self, door):
        wait_for(lambda: answers(door, "dave", OURS).startswith(b"OK"), 60, what="a login after the database is back")
        self.expect_all_well(door)

    def test_users_are_where_their_rows_say(self):
        door = self.door()
        for user, name in (("alice", "b"), ("bob", "a")):
            for mechanism in ("LOGIN", "PLAIN", "PASS", "AUTH"):
                with self.subTest(user=user, mechanism=mechanism):
                    before = len(platform.dovecots[name].logins(user))
                    self.assertRegex(answers(door, user, OURS, mechanism), rb"^(OK|\+OK)")
                    self.assertTrue(platform.dovecots[name].wait_login(user, before + 1))
        self.assertNotIn(DATABASE_PASSWORD, door.log_text() + door.program.output())
        self.assertNotIn(OURS, door.log_text() + door.program.output())

    def test_a21_one_text_for_every_kind_of_no(self):
        door = self.door()
        for mechanism in ("LOGIN", "PLAIN", "PASS", "AUTH"):
            told = {who: answers(door, user, password, mechanism) for who, user, password in (
                ("wrong", "alice", "wrong"), ("unknown", "nobody-at-all", OURS), ("disabled", "carol", OURS),
                ("the backend's", "alice", PASSWORD), ("code", "' OR 1=1 --", OURS))}
            with self.subTest(mechanism):
                self.assertEqual(1, len(set(told.values())), told)
                self.assertRegex(told["wrong"], REFUSED)

    def test_a22_one_hash_for_each_attempt(self):
        door = self.door()
        for user in ("alice", "carol", "nobody-at-all"):
            before = door.metrics().sum("postigo_password_checks_total")
            answers(door, user, "wrong")
            self.assertEqual(before + 1, door.metrics().sum("postigo_password_checks_total"), user)

    def test_the_backend_checks_the_password(self):
        door = self.door(check=False)
        self.assertRegex(answers(door, "alice", PASSWORD), b"^OK")
        self.assertRegex(answers(door, "alice", OURS), b"^NO")
        self.assertRegex(answers(door, "nobody-at-all", PASSWORD), b"^NO")

    def test_tls_to_the_database_beside_tls_of_clients(self):
        """The database's library brings OpenSSL, we have BoringSSL: each handshake of either is its own."""
        door = self.door(tls="on", tls_ca=platform.certificates.ca)
        with concurrent.futures.ThreadPoolExecutor(4) as many:
            said = list(many.map(lambda number: answers(door, "alice" if number % 2 else "bob", OURS),
                                 range(16)))
        self.assertTrue(all(each.startswith(b"OK") for each in said), said)
        wrong = platform.postigo(**self.sections(tls="on"))  # nobody whom the system trusts has signed it
        self.addCleanup(wrong.stop)
        self.assertRegex(answers(wrong, "alice", OURS), UNAVAILABLE)

    def test_killed_and_back(self):
        door = self.door()
        self.expect_all_well(door)
        self.database.kill()
        try:
            self.expect_away(door)
        finally:
            self.database.start()
        self.expect_back(door)
        self.assertIn(f"directory people: {self.database.server}: ", door.log_text())

    def test_stopped_and_back(self):
        """It takes connections and says nothing: many logins at once wait for it, and nobody else does."""
        door = self.door()
        self.expect_all_well(door)
        self.database.signal(signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor(12) as many:
                waiting = [many.submit(answers, door, "dave", OURS) for _ in range(12)]
                began = time.monotonic()
                self.assertRegex(answers(door, "u1", OURS), b"^OK")
                self.assertLess(time.monotonic() - began, 15)
                for each in waiting:
                    self.assertRegex(each.result(60), UNAVAILABLE)
            self.expect_away(door)
        finally:
            self.database.signal(signal.SIGCONT)
        self.expect_back(door)

    def test_our_end_does_not_wait_for_its(self):
        """Look-ups that hang are left behind."""
        door = self.door(timeout="60s", tls="on", tls_ca=platform.certificates.ca)
        self.expect_all_well(door)
        self.database.signal(signal.SIGSTOP)
        try:
            with contextlib.ExitStack() as wires:
                for _ in range(3):
                    wire = wires.enter_context(Imap.open(door))
                    wire.send(f"a LOGIN dave {OURS}\r\n")
                time.sleep(0.5)
                door.stop()  # fails unless it ends by itself, and well
        finally:
            self.database.signal(signal.SIGCONT)

    def test_away_when_we_start(self):
        self.database.kill()
        try:
            door = self.door(start=False)
            said = door.tool("check")
            self.assertIn(f"directory people: {self.database.server}: ", said.stdout + said.stderr)
            door.start()
            self.expect_away(door)
        finally:
            self.database.start()
        self.expect_back(door)

    def test_a_wrong_query_is_told_with_its_key(self):
        for query, word in ((self.query.replace("shard", "shrad"), "shrad"), (self.query.replace("mailbox", "mailbix"), "mailbix"),
                            (self.query.replace("%u", "'%u'"), "stands in quotes")):
            with self.subTest(query):
                said = self.door(start=False, query=query).tool("check", check=False)
                self.assertEqual(3, said.returncode)
                self.assertRegex(said.stdout + said.stderr, rf"directory people: sql\.query: .*{word}")
                self.assertNotIn(DATABASE_PASSWORD, said.stdout + said.stderr)

    def test_passwords_for_programs(self):
        """They let in where they may be used, take no other's place, and the database learns of it."""
        door = self.door(
            query="SELECT password, pool, shard, username <> 'bob' AS main_password FROM mailbox WHERE username = %u",
            sql='app_passwords = "SELECT label, password, protocols FROM program WHERE username = %u"\n'
                'used = "UPDATE program SET uses = uses + 1 WHERE username = %u AND label = %l"\n')
        self.expect_all_well(door)
        self.assertRegex(answers(door, "dave", PROGRAM), b"^OK")
        self.assertRegex(answers(door, "dave", PROGRAM, "PASS"), REFUSED)
        self.assertRegex(answers(door, "bob", OURS), REFUSED, "his main password is barred")
        self.assertRegex(answers(door, "bob", PROGRAM, "PASS"), rb"^\+OK")
        self.assertRegex(answers(door, "nobody-at-all", PROGRAM), REFUSED)
        count = self.door(start=False, query="SELECT password, concat('used', (SELECT SUM(uses) FROM program)) AS backend_user"
                                             " FROM mailbox WHERE username = %u")
        wait_for(lambda: "there as:  used2" in count.tool("route", "dave").stdout, 60, what="both uses written down")
        self.assertNotIn(PROGRAM, door.log_text() + door.program.output())

    def test_several_servers(self):
        door = self.door(servers=f'127.0.0.1:1", "{self.database.server}')
        self.expect_all_well(door)


class InPostgresql(Common, unittest.TestCase):
    server = Postgresql

    def test_a_reload_keeps_connections(self):
        door = self.door()
        self.expect_all_well(door)
        before = self.database.connections()
        self.assertTrue(before)
        door.write(limits='[limits]\nauth_failure_delay = "100ms"')
        door.ctl("reload")
        self.expect_all_well(door)
        self.assertEqual(before, self.database.connections() & before)


if __name__ == "__main__":
    unittest.main()
