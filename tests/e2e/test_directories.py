"""Directories: static and SQLite, passwords checked here or by the backend, and nothing to enumerate (A5, A21, A22)."""

import contextlib
import json
import os
import sqlite3
import statistics
import time
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, PASSWORD, Imap, Platform, Pop3, plain, run, sanitized

OURS = "canary-Directory-password"  # known to the directory, not to the Dovecots
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def master(mode):
    """[auth.backend_login] with a password file that nobody else may read."""
    path = os.path.join(platform.scratch(), "master")
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(MASTER_PASSWORD + "\n")
    return f'[auth.backend_login]\nmode = "{mode}"\nmaster_user = "{MASTER}"\nmaster_password_file = "{path}"\n'


def sha512(password):
    return "{SHA512-CRYPT}" + run("openssl", "passwd", "-6", "-stdin", input=password).stdout.strip()


def directory(kind, users=(), check=False, **more):
    text = f'[[directory]]\nname = "people"\ntype = "{kind}"\ncheck_password = {str(check).lower()}\n'
    text += "".join(f'{key} = "{value}"\n' for key, value in more.items())
    for user in users:
        text += "[[directory.user]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in user.items())
    return text


def known(user):
    """An entry with the directory's password."""
    return {"name": user, "password": "{PLAIN}" + OURS}


def answers(door, user, password, mechanism="LOGIN"):
    """What one attempt gets, on either protocol."""
    with Imap.open(door) as wire:
        if mechanism == "LOGIN":
            return wire.login(user, password)[-1]
        if mechanism == "PLAIN":
            return wire.command(f"AUTHENTICATE PLAIN {plain(user, password)}")[-1]
    with Pop3.open(door) as wire:
        if mechanism == "AUTH":
            return wire.command(f"AUTH PLAIN {plain(user, password)}")
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


class PasswordsCheckedHere(unittest.TestCase):
    """check_password = true: the backend sees the master's credentials only."""

    def test_both_master_modes_and_all_mechanisms(self):
        for mode in ("master_authzid", "master_separator"):
            users = [{"name": "alice", "password": sha512(OURS)}, {"name": "bob", "password": "{PLAIN}" + OURS}]
            door = platform.postigo(auth=master(mode), directories=directory("static", users, check=True))
            for user in ("alice", "bob"):
                for mechanism in ("LOGIN", "PLAIN", "PASS", "AUTH"):
                    with self.subTest(mode=mode, user=user, mechanism=mechanism):
                        self.assertRegex(answers(door, user, OURS, mechanism), rb"^(OK|\+OK)")
                        self.assertRegex(answers(door, user, PASSWORD, mechanism), REFUSED, "the backend's password")
            door.stop()
        logs = "".join(dovecot.log() for dovecot in platform.dovecots.values())
        self.assertIn("Master user logging in as alice", logs)
        self.assertNotIn(OURS, logs)

    def test_the_mailbox_is_the_users(self):
        user = platform.fresh_user()
        platform.deliver(user, b"Subject: mine\r\n\r\n" + user.encode() + b"\r\n")
        door = platform.postigo(auth=master("master_separator"),
                                directories=directory("static", [known(user)], check=True))
        with Imap.open(door) as wire:
            wire.logged_in(user, OURS).ok("SELECT INBOX")
            self.assertIn(user.encode(), b"".join(wire.ok("FETCH 1 BODY[]")))
        door.stop()

    def test_a_refused_master_is_our_fault(self):
        """Who was verified hears that the server is away, and the operator hears why; on every mechanism and protocol."""
        for mode in ("master_authzid", "master_separator"):
            auth = master(mode).replace(f'"{MASTER}"', '"nobodys-master"')
            door = platform.postigo(auth=auth, directories=directory("static", [known("alice")], check=True))
            for mechanism in ("LOGIN", "PLAIN", "PASS", "AUTH"):
                with self.subTest(mode=mode, mechanism=mechanism):
                    self.assertRegex(answers(door, "alice", OURS, mechanism), rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])")
                    self.assertRegex(answers(door, "alice", "wrong", mechanism), REFUSED)
            events = [json.loads(line) for line in door.log_text().splitlines()]
            errors = [event for event in events if event["level"] == "error"]
            self.assertEqual(["master_refused"] * 4, [event["event"] for event in errors])
            self.assertEqual({"master_refused"}, {event["error"] for event in errors})
            self.assertNotIn(MASTER_PASSWORD, door.log_text())
            counted = door.metrics()
            self.assertEqual(4, counted.sum("postigo_backend_errors_total", reason="master_refused"))
            self.assertEqual(4, counted.sum("postigo_auth_attempts_total", result="unavailable"))
            door.stop()

    def test_the_separator_in_a_users_name_does_not_make_him_somebody_else(self):
        door = platform.postigo(auth=master("master_separator"),
                                directories=directory("static", [known("alice")], check=True))
        for name in ("bob*alice", "alice*bob", f"bob*{MASTER}", "alice*"):
            with self.subTest(name):
                self.assertRegex(answers(door, name, OURS), b"^(NO|BAD)")
        door.stop()


class OneText(unittest.TestCase):
    """A21: whoever checks the password, on every mechanism, the words are the same for every kind of no."""

    def same(self, door, attempts):
        for mechanism in ("LOGIN", "PLAIN", "PASS", "AUTH"):
            told = {who: answers(door, user, password, mechanism) for who, user, password in attempts}
            with self.subTest(mechanism):
                self.assertEqual(1, len(set(told.values())), told)
                self.assertRegex(told["wrong"], REFUSED)

    def test_a21_checked_here(self):
        users = [known("alice"), dict(known("carol"), disabled=True), {"name": "dora"}]
        door = platform.postigo(auth=master("master_separator"), directories=directory("static", users, check=True))
        self.same(door, [("wrong", "alice", "wrong"), ("unknown", "nobody-at-all", OURS), ("disabled", "carol", OURS),
                         ("disabled and wrong", "carol", "wrong"), ("without a password", "dora", "wrong")])
        door.stop()

    def test_a21_a_real_backend_decides(self):
        door = platform.postigo()
        self.same(door, [("wrong", platform.fresh_user(), "wrong"), ("unknown", "nobody-at-all", PASSWORD)])
        door.stop()


class PasswordsCheckedByTheBackend(unittest.TestCase):
    """check_password = false: the directory only says who exists and where."""

    @classmethod
    def setUpClass(cls):
        users = [{"name": "alice", "pool": "main", "shard": "b"}, {"name": "bob", "pool": "main", "shard": "a"},
                 {"name": "carol", "disabled": True},
                 {"name": "nick", "backend_user": "dave", "pool": "main", "shard": "a"}, {"name": "@example.com", "pool": "main", "shard": "b"}]
        cls.door = platform.postigo(directories=directory("static", users))
        cls.addClassCleanup(cls.door.stop)

    def test_places(self):
        for user, name in (("alice", "b"), ("bob", "a"), ("erin@example.com", "b")):
            with self.subTest(user):
                self.assertRegex(answers(self.door, user, PASSWORD), b"^OK")
                self.assertTrue(platform.dovecots[name].wait_login(user))

    def test_another_name_at_the_backend(self):
        self.assertRegex(answers(self.door, "nick", PASSWORD), b"^OK")
        self.assertTrue(platform.a.wait_login("dave"))

    def test_a21_one_text_for_every_kind_of_no(self):
        for mechanism in ("LOGIN", "PLAIN", "PASS", "AUTH"):
            told = {who: answers(self.door, user, password, mechanism) for who, user, password in (
                ("wrong", "alice", "wrong"), ("unknown", "nobody-at-all", PASSWORD), ("disabled", "carol", PASSWORD))}
            with self.subTest(mechanism):
                self.assertEqual(1, len(set(told.values())), told)

    def test_disabled_and_unknown_do_not_reach_a_backend(self):
        answers(self.door, "carol", PASSWORD)
        answers(self.door, "nobody-else", PASSWORD)
        logs = "".join(dovecot.log() for dovecot in platform.dovecots.values())
        self.assertNotIn("carol", logs)
        self.assertNotIn("nobody-else", logs)

    def test_accept_unknown(self):
        users = [{"name": "alice"}, {"name": "carol", "disabled": True}]
        door = platform.postigo(auth="[auth]\naccept_unknown = true\n", directories=directory("static", users))
        self.assertRegex(answers(door, platform.fresh_user(), PASSWORD), b"^OK")
        self.assertRegex(answers(door, "carol", PASSWORD), b"^NO")
        door.stop()

    def test_a5_a6_names_that_are_code(self):
        for name in ("' OR 1=1 --", "%{pass}", "*)(uid=*", "alice'--", '"; DROP TABLE users; --', "%u" * 100, "$(id)"):
            with self.subTest(name):
                self.assertRegex(answers(self.door, name.replace("\\", "\\\\").replace('"', '\\"'), PASSWORD), b"^NO")


class Sqlite(unittest.TestCase):
    """The embedded directory and its commands; each change counts for the next login."""

    def setUp(self):
        self.path = os.path.join(platform.scratch(), "users.db")
        self.door = platform.postigo(start=False, auth=master("master_authzid"),
                                     directories=directory("sqlite", check=True, path=self.path))

    def user(self, *arguments, check=True, **options):
        return self.door.tool("user", *arguments, check=check, **options)

    def test_life_of_a_user(self):
        self.user("add", "alice", "--password-stdin", input=OURS + "\n")
        self.assertEqual(0, os.stat(self.path).st_mode & 0o077, "the database can be read by others")
        self.door.start()
        self.assertRegex(answers(self.door, "alice", OURS), b"^OK")
        self.assertRegex(answers(self.door, "alice", OURS, "PASS"), rb"^\+OK")
        self.assertRegex(answers(self.door, "bob", OURS), b"^NO")
        self.user("add", "bob", "--password-stdin", "--shard", "b", "--pool", "main", input=OURS + "\n")
        self.assertRegex(answers(self.door, "bob", OURS), b"^OK")
        self.assertTrue(platform.b.wait_login("bob"))
        self.user("set", "alice", "--password-stdin", input="another\n")
        self.assertRegex(answers(self.door, "alice", OURS), b"^NO")
        self.assertRegex(answers(self.door, "alice", "another"), b"^OK")
        listed = self.user("list").stdout
        self.assertIn("alice", listed)
        self.assertIn("bob", listed)
        self.assertNotIn(OURS, listed)
        self.assertNotIn("$argon2", listed)
        self.user("del", "bob")
        self.assertRegex(answers(self.door, "bob", OURS), b"^NO")
        self.assertNotEqual(0, self.user("del", "bob", check=False).returncode)
        self.assertNotEqual(0, self.user("add", "alice", "--password-stdin", check=False, input="x\n").returncode)

    def test_import(self):
        path = os.path.join(platform.scratch(), "list")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"# people\ncarol:{{PLAIN}}{OURS}\nDave:{sha512(OURS)}:main:b\n")
        self.user("import", path)
        self.door.start()
        self.assertRegex(answers(self.door, "carol", OURS), b"^OK")
        self.assertRegex(answers(self.door, "dave", OURS), b"^OK")
        with open(path, "w", encoding="utf-8") as file:
            file.write("erin:{NONSENSE}x\nfrank\nann:{PLAIN}x\n")
        failed = self.user("import", path, check=False)
        self.assertEqual(1, failed.returncode)
        self.assertIn(f"{path}:1: ", failed.stderr)
        self.assertIn(f"{path}:2: ", failed.stderr)
        self.assertNotIn("ann", self.user("list").stdout, "all or nothing")

    def test_import_of_dovecots_passwd_file(self):
        self.user("import", "-", input=f"bob:{{PLAIN}}{OURS}:1000:1000::/var/vmail/bob:/bin/false:userdb_mail=maildir:~/m\n"
                                       f"nick:{{PLAIN}}{OURS}::::::user=dave\nhome:{{PLAIN}}x:1:1::/h::nologin\n")
        self.door.start()
        self.assertRegex(answers(self.door, "bob", OURS), b"^OK")
        self.assertRegex(answers(self.door, "nick", OURS), b"^OK")
        self.assertRegex(answers(self.door, "home", "x"), b"^NO")

    def test_import_of_anything_else(self):
        """No password becomes a name, or a word of a complaint; what is the same mistake is not told a thousand times."""
        rows = "".join(f"user{number},{OURS}\n" for number in range(1000))
        for text in (rows, "user,password\n" + rows, rows.replace(",", ";"), rows.replace(",", "\t"), "\ufeff" + rows,
                     rows.replace(",", " : "), f'"user":"{OURS}"\n', f"a:{OURS}\n", f"a:{{{OURS}}}\n", f"{OURS}\n"):
            with self.subTest(text[:40]):
                failed = self.user("import", "-", check=False, input=text)
                self.assertEqual(1, failed.returncode)
                self.assertNotIn(OURS, failed.stdout + failed.stderr)
                self.assertLessEqual(len(failed.stderr.splitlines()), 22, "complaints without end")
                self.assertFalse(os.path.exists(self.path), "a database for nothing")
        self.assertIn("and 980 more", self.user("import", "-", check=False, input=rows.replace(",", " ")).stderr)

    def test_no_database_means_try_later_not_no(self):
        """A directory that cannot answer must never look like a wrong password."""
        self.user("add", "alice", "--password-stdin", input=OURS + "\n")
        self.door.start()
        self.assertRegex(answers(self.door, "alice", OURS), b"^OK")
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                database.execute(f"DROP TABLE IF EXISTS {table}")
            database.commit()
        said = answers(self.door, "somebody-new", OURS)
        self.assertRegex(said, rb"^NO \[(UNAVAILABLE|SERVERBUG)\]")


class Timing(unittest.TestCase):
    """A22: unknown, disabled and wrong take the same time, with and without the delay of failures."""

    def times(self, door, users, count):
        """Of refusals, users in turn so that the machine's moods hit all alike."""
        times = {user: [] for user in users}
        for _ in range(count):
            for user in users:
                with Imap.open(door, "off") as wire:
                    started = time.perf_counter()
                    said = wire.login(user, "wrong")[-1]
                    times[user].append(time.perf_counter() - started)
                    self.assertTrue(said.startswith(b"NO"), said)
        return times

    def door(self, delay):
        path = os.path.join(platform.scratch(), "users.db")
        made = platform.postigo(start=False, auth=master("master_authzid"),
                                directories=directory("sqlite", check=True, path=path),
                                limits=f'[limits]\nauth_failure_delay = "{delay}"')
        for user in ("alice", "bob", "damaged", "unknown-scheme", "dear"):
            made.tool("user", "add", user, "--password-stdin", input=OURS + "\n")
        made.tool("user", "add", "empty", "--no-password")
        made.tool("user", "set", "bob", "--disabled")
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            for user, stored in (("damaged", "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$c29t"), ("unknown-scheme", "{ROT13}x"),
                                 ("dear", "{ARGON2ID}$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ$" + "A" * 43)):
                database.execute("UPDATE users SET password = ? WHERE name = ?", (stored, user))
        self.addCleanup(made.stop)
        return made.start()

    NAMES = ("alice", "bob", "nobody", "empty", "damaged", "unknown-scheme", "dear", "x" * 300)

    def test_a22_one_hash_for_each_attempt(self):
        """What is executed, not what a clock says: one password is compared with one stored one, whoever is asked for."""
        door = self.door("0s")
        for user in (*self.NAMES, "alice"):
            for password in ("wrong", OURS):
                with self.subTest(user=user, password=password):
                    before = door.metrics().sum("postigo_password_checks_total")
                    answers(door, user, password)
                    self.assertEqual(before + 1, door.metrics().sum("postigo_password_checks_total"))

    def test_a22_nobody_is_refused_before_the_delay(self):
        if sanitized():
            self.skipTest("hashing under a sanitizer takes longer than the delay")
        times = self.times(self.door("300ms"), self.NAMES, 3)
        self.assertGreaterEqual(min(min(values) for values in times.values()), 0.3, times)

    def test_an_entry_of_no_use_is_our_fault(self):
        door = self.door("0s")
        for user in ("damaged", "unknown-scheme", "dear"):
            self.assertRegex(answers(door, user, OURS), rb"^NO \[UNAVAILABLE\]")
        self.assertEqual(3, door.metrics().sum("postigo_route_lookups_total", result="unusable"))

    def test_welch(self):
        """Welch's t over names that exist and names that do not, passwords checked here, no delay. Both must stand out."""
        times = self.times(self.door("0s"), ("alice", "nobody"), 40)
        trimmed = {user: sorted(values)[:30] for user, values in times.items()}
        one, two = trimmed.values()
        spread = (statistics.variance(one) / len(one) + statistics.variance(two) / len(two)) ** 0.5
        difference = abs(statistics.mean(one) - statistics.mean(two))
        self.assertTrue(difference < 0.1 * statistics.mean(one) or difference / spread < 6,
                        f"difference {difference * 1000:.2f} ms, t = {difference / spread:.1f}")


if __name__ == "__main__":
    unittest.main()
