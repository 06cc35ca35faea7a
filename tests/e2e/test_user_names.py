"""A user has one name, however it is written: at directories, backends, in verbs, and where mail is delivered."""

import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform
from tests.e2e.harness.ports import free_ports
from tests.e2e.test_lookup import Asking

platform = None
NAMES = """[names]
domain_aliases = ["example.net=example.com", "bücher.example=example.com"]
delimiter = "+"
allowed = '[a-z0-9.@]+'
[[names.rewrite]]
match = '([^%@]+)%([^%@]+)'
replace = '\\1@\\2'
"""
WAYS = ["erin@example.com", "ERIN@Example.NET", "erin+lists@example.net", "Erin%example.com", "erin@xn--bcher-kva.example",
        "erin@bücher.example"]


def setUpModule():
    global platform
    platform = Platform(dovecots=("a", "b", "c"))
    unittest.addModuleCleanup(platform.stop)


class OneName(unittest.TestCase):
    def setUp(self):
        self.port, = free_ports(1)
        lookup = f'[lookup]\nsocketmap = "127.0.0.1:{self.port}"\ndomains = ["example.com"]\n'
        self.proxy = platform.postigo(lookup=lookup, more=NAMES)
        self.addCleanup(self.proxy.kill)

    def route(self, name):
        return self.proxy.ctl("route", name)

    def log_in(self, name):
        client = Imap.open(self.proxy).logged_in(name, PASSWORD)
        self.addCleanup(client.close)

    def test_logins_verbs_and_deliveries_reach_one_shard(self):
        answers = [self.route(name) for name in WAYS]
        self.assertEqual({"erin@example.com"}, {answer["user"] for answer in answers})
        self.assertEqual([None] + [f"{name} -> erin@example.com" for name in WAYS[1:]], [answer.get("name") for answer in answers])
        self.assertEqual(1, len({answer["backends"][0]["name"] for answer in answers}))
        asking = Asking(("127.0.0.1", self.port))
        self.addCleanup(asking.socket.close)
        replies = {asking(name) for name in WAYS if "@" in name}
        self.assertEqual(1, len(replies), replies)
        self.assertTrue(replies.pop().startswith("OK lmtp:"))
        for name in WAYS:
            self.log_in(name)
        rows = self.proxy.ctl("who")["sessions"]
        self.assertEqual([("erin@example.com", answers[0]["backends"][0]["name"])] * len(WAYS), [(row["user"], row["backend"]) for row in rows])
        self.assertEqual(len(WAYS), len(self.proxy.ctl("who", "--user", WAYS[2])["sessions"]))
        self.assertEqual(len(WAYS), self.proxy.ctl("kick", "--user", WAYS[1])["ended"])

    def test_orders_are_for_the_user(self):
        home = self.route(WAYS[0])["backends"][0]["name"]
        other = next(name for name in ("a", "b", "c") if name != home)
        self.assertEqual("erin@example.com", self.proxy.ctl("move", WAYS[2], other)["user"])
        self.assertEqual({other}, {self.route(name)["backends"][0]["name"] for name in WAYS})
        self.assertEqual("erin@example.com", self.proxy.ctl("hold", WAYS[1])["user"])
        self.assertTrue(self.route(WAYS[0])["on_hold"])
        self.assertTrue(self.proxy.ctl("release", WAYS[3])["released"])

    def test_who_has_no_such_name(self):
        with Imap.open(self.proxy) as client:
            self.assertRegex(client.login("erin smith@example.com", PASSWORD)[-1], rb"^NO \[AUTHENTICATIONFAILED\]")
            self.assertRegex(client.login("erin@example.com", PASSWORD)[-1], b"^OK")
        with self.assertRaises(Exception) as caught:
            self.proxy.ctl("route", "erin smith@example.com")
        self.assertNotIn("Traceback", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
