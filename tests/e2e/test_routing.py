"""Who is served where, and what others notice when one backend is down: nothing."""

import json
import socket
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, wait_for

platform = proxy = None
RULES = """
[[routing.rule]]
user = "alice"
pool = "main"
shard = "a"
[[routing.rule]]
user = "bob"
pool = "main"
shard = "b"
[[routing.rule]]
domain = "example.com"
pool = "main"
shard = "a"
[[routing.rule]]
regex = "frank@.*"
pool = "main"
shard = "b"
"""


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.postigo(routing=RULES)


def served_by(user):
    return [name for name, dovecot in platform.dovecots.items() if dovecot.logins(user)]


def errors_of(door, backend):
    return sum(value for name, has, value in door.metrics().samples
               if name.endswith("backend_errors_total") and has.get("backend") == backend)


class Rules(unittest.TestCase):
    """Explicit places first, the hash for everybody else."""

    def test_by_user_domain_and_regex(self):
        for user, shard in (("alice", "a"), ("bob", "b"), ("ALICE", "a"), ("erin@example.com", "a"),
                            ("frank@example.net", "b")):
            with self.subTest(user), Imap.open(proxy) as wire:
                wire.logged_in(user, PASSWORD)
                said = proxy.tool("route", user.lower()).stdout
                self.assertIn(shard, said)
        self.assertEqual(["a"], served_by("alice"))
        self.assertEqual(["b"], served_by("bob"))
        self.assertEqual(["a"], served_by("erin@example.com"))
        self.assertEqual(["b"], served_by("frank@example.net"))

    def test_hash_spreads_and_stays(self):
        users = [platform.fresh_user() for _ in range(40)]
        for kind in (Imap, Pop3):
            for user in users:
                with kind.open(proxy) as wire:
                    wire.logged_in(user, PASSWORD)
        places = {user: served_by(user) for user in users}
        self.assertEqual([], [user for user, names in places.items() if len(names) != 1], "served by two backends")
        share = sum(names == ["a"] for names in places.values())
        self.assertTrue(8 <= share <= 32, f"{share} of 40 on a")

    def test_sessions_are_counted_per_backend(self):
        with Imap.open(proxy) as one, Imap.open(proxy) as two:
            one.logged_in("alice", PASSWORD)
            two.logged_in("bob", PASSWORD)
            scrape = proxy.metrics()
            for backend in ("a", "b"):
                self.assertGreaterEqual(scrape.sum("postigo_backend_sessions", backend=backend), 1, scrape.text[-3000:])


class OneBackendDown(unittest.TestCase):
    """Its users are told at once to try later, which is counted; nobody else notices."""

    @classmethod
    def setUpClass(cls):
        cls.proxy = platform.postigo(routing=RULES)
        cls.addClassCleanup(cls.proxy.stop)

    def test_down_and_up_again(self):
        with Imap.open(self.proxy) as idle:
            idle.logged_in("bob", PASSWORD).ok("SELECT INBOX")
            platform.a.stop()
            try:
                before = errors_of(self.proxy, "a")
                started = time.monotonic()
                with Imap.open(self.proxy) as wire:
                    self.assertRegex(wire.login("alice", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")
                    self.assertLess(time.monotonic() - started, 1, "not at once")
                    self.assertRegex(wire.command("NOOP")[-1], b"^OK")
                with Pop3.open(self.proxy) as wire:
                    wire.ok("USER alice")
                    self.assertRegex(wire.command(f"PASS {PASSWORD}"), rb"^-ERR \[SYS/TEMP\]")
                self.assertGreaterEqual(errors_of(self.proxy, "a") - before, 2)
                self.assertEqual(0, errors_of(self.proxy, "b"))
                for _ in range(5):
                    with Imap.open(self.proxy) as wire:
                        wire.logged_in("bob", PASSWORD)
                idle.ok("NOOP")
            finally:
                platform.a.start()
        with Imap.open(self.proxy) as wire:
            wire.logged_in("alice", PASSWORD)

    def test_a_second_backend_of_the_shard_takes_over(self):
        platform.a.stop()
        try:
            pool = '[[pool]]\nname = "main"\n[[pool.shard]]\nname = "one"\nbackends = ["a", "b"]'
            door = platform.postigo(pool=pool)
            user = platform.fresh_user()
            with Imap.open(door) as wire:
                wire.logged_in(user, PASSWORD)
            wait_for(lambda: served_by(user) == ["b"], 20, what="b has written it down")
            door.stop()
        finally:
            platform.a.start()

    def test_a_backend_that_does_not_answer_at_all(self):
        """A listener whose queue is full drops packets: the connect runs into its time."""
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            port = deaf.getsockname()[1]
            full = [socket.socket() for _ in range(3)]
            for each in full:
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))

            class Deaf:
                imap = imaps = port
                pop3 = pop3s = 0

            door = platform.postigo({"deaf": Deaf}, limits='[limits]\nbackend_connect_timeout = "500ms"')
            with Imap.open(door) as wire:
                started = time.monotonic()
                self.assertRegex(wire.login("alice", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")
                self.assertTrue(0.3 < time.monotonic() - started < 3, time.monotonic() - started)
            door.stop()
            for each in full:
                each.close()


class TheLogTells(unittest.TestCase):
    """The session line names the backend and the shard."""

    def test_fields(self):
        with Imap.open(proxy) as wire:
            wire.logged_in("bob", PASSWORD).ok("LOGOUT")
        lines = proxy.wait_session(user="bob", protocol="imap", reason="logout")
        self.assertEqual("b", lines[-1]["backend"], json.dumps(lines[-1]))
        self.assertEqual("b", lines[-1]["shard"])


if __name__ == "__main__":
    unittest.main()
