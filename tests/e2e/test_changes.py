"""A35: what is changed in a SQLite directory counts for the next login, whatever else goes on with the file."""

import contextlib
import os
import sqlite3
import threading
import time
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, Imap, Platform, wait_for

OURS = "canary-Changes-password"
OTHER = "canary-Changes-other"
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Load:
    """Logins by `count` clients at a time, until stop(); what they were told, and how long that took at most."""

    def __init__(self, door, user, count):
        self.door, self.user = door, user
        self.told, self.slowest = {}, 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def _run(self):
        while not self._stop.is_set():
            started = time.perf_counter()
            said = login(self.door, self.user, OURS)
            with self._lock:
                self.told[said] = self.told.get(said, 0) + 1
                self.slowest = max(self.slowest, time.perf_counter() - started)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_for(lambda: sum(self.told.values()) >= len(self._threads), what="as many logins as clients")
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def login(door, user, password):
    """OK, or the code of the refusal."""
    with Imap.open(door, "off") as wire:
        said = wire.login(user, password)[-1]
        return "OK" if said.startswith(b"OK") else said.split(b"[", 1)[1].split(b"]", 1)[0].decode()


class Changes(unittest.TestCase):
    """One proxy, a second process that changes its users, and forty clients that log in meanwhile."""

    def setUp(self):
        folder = platform.scratch()
        self.path = os.path.join(folder, "users.db")
        master = os.path.join(folder, "master")
        with open(master, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(MASTER_PASSWORD + "\n")
        self.door = platform.postigo(
            start=False, limits='[limits]\nauth_failure_delay = "0s"',
            auth=f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "{MASTER}"\n'
                 f'master_password_file = "{master}"\n',
            directories=f'[[directory]]\nname = "people"\ntype = "sqlite"\ncheck_password = true\npath = "{self.path}"\n')
        self.addCleanup(self.door.stop)
        self.store("alice", "dave")
        self.door.start()

    def store(self, *names, password=OURS, replace=()):
        """Cheap to check, so that many log in."""
        self.user("import", *replace, "-", input="".join(f"{name}:{{PLAIN}}{password}\n" for name in names))

    def user(self, *arguments, **options):
        return self.door.tool("user", *arguments, **options)

    def expect(self, said, password=OURS, user="alice"):
        self.assertEqual(said, login(self.door, user, password))

    def changes(self):
        """Each is seen by the login behind it."""
        self.expect("OK")
        self.user("set", "alice", "--disabled")
        self.expect("AUTHENTICATIONFAILED")
        self.user("set", "alice", "--enabled")
        self.expect("OK")
        self.store("alice", password=OTHER, replace=("--replace",))
        self.expect("AUTHENTICATIONFAILED")
        self.expect("OK", OTHER)
        self.user("del", "alice")
        self.expect("AUTHENTICATIONFAILED", OTHER)
        self.store("alice")
        self.expect("OK")

    def test_a35_five_changes_in_a_row_under_load(self):
        with Load(self.door, "dave", 40) as load:
            self.changes()
        self.assertEqual({"OK"}, set(load.told), load.told)

    def test_a35_restored_from_a_backup_under_load(self):
        """VACUUM INTO beside the running proxy, renamed over the file, copied into the file."""
        backup = self.path + ".backup"
        with Load(self.door, "dave", 10) as load:
            for restore in (os.rename, self.copy_into):
                with contextlib.closing(sqlite3.connect(self.path)) as database:
                    database.execute("VACUUM INTO ?", (backup,))
                self.user("set", "alice", "--disabled")
                self.expect("AUTHENTICATIONFAILED")
                restore(backup, self.path)
                self.expect("OK")
                self.changes()
                if os.path.exists(backup):
                    os.unlink(backup)
        self.assertLessEqual(set(load.told), {"OK", "UNAVAILABLE"}, "half a copy is no answer")
        self.assertGreater(load.told["OK"], 0)

    def copy_into(self, source, target):
        with open(source, "rb") as one, open(target, "r+b") as other:
            octets = one.read()
            other.write(octets)
            other.truncate(len(octets))

    def test_a35_a_change_right_behind_a_rename(self):
        """Nobody has logged in between: the change must go to the new file, and be the proxy's."""
        self.expect("OK")
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            database.execute("VACUUM INTO ?", (self.path + ".new",))
        self.user("set", "alice", "--disabled")
        os.rename(self.path + ".new", self.path)
        self.store("bob")
        self.expect("OK")
        self.expect("OK", user="bob")
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall())

    def test_a_long_reader_holds_up_the_change_and_no_login(self):
        reader = sqlite3.connect(self.path, check_same_thread=False)
        self.addCleanup(reader.close)
        rows = reader.execute("SELECT name FROM users")
        rows.fetchone()
        with Load(self.door, "dave", 4) as load:
            started = time.monotonic()
            threading.Timer(1.5, rows.close).start()
            self.user("set", "alice", "--disabled")
            self.assertGreater(time.monotonic() - started, 1.4, "the reader was not in the way: this shows nothing")
        self.assertEqual({"OK"}, set(load.told), load.told)
        self.assertLess(load.slowest, 1)
        self.expect("AUTHENTICATIONFAILED")

    def test_a_reader_that_never_ends_fails_the_change_clearly(self):
        with contextlib.closing(sqlite3.connect(self.path)) as reader:
            rows = reader.execute("SELECT name FROM users")
            rows.fetchone()
            failed = self.user("set", "alice", "--disabled", check=False)
            self.assertEqual(1, failed.returncode)
            self.assertIn("database is locked", failed.stderr)
            self.expect("OK")
            rows.close()

    def test_a_big_import_and_logins(self):
        with Load(self.door, "dave", 10) as load:
            self.store(*(f"user{number}" for number in range(50_000)), "bob")
        self.assertEqual({"OK"}, set(load.told), load.told)
        self.expect("OK", user="bob")

    def test_the_folder_belongs_to_somebody_else(self):
        """What the proxy only reads needs no right to write beside it."""
        os.chmod(os.path.dirname(self.path), 0o555)
        self.addCleanup(os.chmod, os.path.dirname(self.path), 0o755)
        self.expect("OK")
        self.assertEqual({"users.db", "master"}, set(os.listdir(os.path.dirname(self.path))))


if __name__ == "__main__":
    unittest.main()
