"""How many sessions a user, an address and a network may have, how often they may come; what they hear beyond."""

import threading
import time
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, PASSWORD, Gone, Imap, Platform, Pop3, Wire
from tests.e2e.harness import proxy_header
from tests.fakes.backend import FakeBackend, imap_server

LIMITS = '[limits]\nauth_failure_delay = "10ms"\n'
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a", "b"))
    unittest.addModuleCleanup(platform.stop)


class Open(unittest.TestCase):
    """Sessions that a test holds, and that go with it."""

    def imap(self, proxy, user=None, **options):
        wire = Imap.open(proxy, mode=options.pop("mode", "off"), **options)
        self.addCleanup(wire.close)
        return wire.logged_in(user, PASSWORD) if user else wire

    def refused_greeting(self, proxy, mode="off", cls=Imap, **options):
        with cls.open(proxy, mode=mode, **options) as wire:
            said = wire.greeting
            self.assertEqual(b"", wire.rest())
            return said


class Users(Open):
    """Counted when the password was right, over protocols, workers and backends."""

    def test_imap_and_pop3_together_with_the_codes_of_each(self):
        proxy = platform.postigo(limits=LIMITS + "sessions_per_user = 2")
        user, other = platform.fresh_user(), platform.fresh_user()
        first = self.imap(proxy, user)
        second = Pop3.open(proxy, mode="off")
        self.addCleanup(second.close)
        second.logged_in(user, PASSWORD)
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login(user, PASSWORD)[-1], rb"^NO \[LIMIT\]")
            self.assertRegex(wire.login(user, "wrong")[-1], rb"^NO \[AUTHENTICATIONFAILED\]")  # a stranger learns nothing
            wire.logged_in(other, PASSWORD)
        with Pop3.open(proxy) as wire:
            wire.ok(f"USER {user}")
            self.assertRegex(wire.command(f"PASS {PASSWORD}"), rb"^-ERR \[IN-USE\]")
        self.assertEqual(2, len(proxy.wait_lines("login_refused", 2, reason="user_limit")))
        scrape = proxy.metrics()
        self.assertEqual(2, scrape.sum("postigo_limit_refused_total", reason="sessions_per_user"))
        self.assertEqual(2, scrape.sum("postigo_most_sessions", kind="user"))
        self.assertEqual(2, scrape.sum("postigo_most_sessions_limit", kind="user"))
        first.ok("LOGOUT")
        proxy.wait_session(user=user)
        self.imap(proxy, user)

    def test_a_login_that_fails_after_all_leaves_nothing(self):
        directory = ('[[directory]]\nname = "d"\ntype = "static"\ncheck_password = true\n'
                     '[[directory.user]]\nname = "anna"\npassword = "{PLAIN}right"\n'
                     '[[directory.user]]\nname = "bert"\npassword = "{PLAIN}right"\n')
        auth = (f'[auth.backend_login]\nmode = "master_separator"\nmaster_user = "{MASTER}"\n'
                f'master_password = "{MASTER_PASSWORD}"\n')
        fake = FakeBackend(imap=imap_server(login=lambda peer, tag: peer.send(f"{tag} NO [UNAVAILABLE] x\r\n")))
        self.addCleanup(fake.stop)
        proxy = platform.postigo(backends={"f": fake}, directories=directory, auth=auth, limits=LIMITS + "sessions_per_user = 1")
        with Imap.open(proxy, mode="off") as first, Imap.open(proxy, mode="off") as second:
            for wire in (first, second):  # the first session stays, and counts nowhere any more
                self.assertRegex(wire.login("anna", "right")[-1], rb"^NO \[UNAVAILABLE\]")
        self.assertEqual(0, proxy.metrics().sum("postigo_limit_refused_total", reason="sessions_per_user"))

    def test_who_breaks_off_gives_his_place_back(self):
        proxy = platform.postigo(limits=LIMITS + "sessions_per_user = 1")
        user = platform.fresh_user()
        for _ in range(5):
            wire = self.imap(proxy, user)
            before = len(proxy.sessions(user=user))
            wire.reset()
            proxy.wait_session(before + 1, user=user)

    def test_many_at_a_time_are_never_more(self):
        proxy = platform.postigo(limits=LIMITS + "sessions_per_user = 5", server="[server]\nworkers = 4")
        user = platform.fresh_user()
        inside, refused, lock = [], [], threading.Lock()

        def login():
            wire = Imap.open(proxy, mode="off")
            said = wire.login(user, PASSWORD)[-1]
            with lock:
                (inside if said.startswith(b"OK") else refused).append(wire)

        threads = [threading.Thread(target=login) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual((5, 25), (len(inside), len(refused)))
        for wire in inside + refused:
            wire.close()

    def test_from_each_address(self):
        proxy = platform.postigo(limits=LIMITS + "sessions_per_user_address = 1")
        user = platform.fresh_user()
        self.imap(proxy, user, source="127.0.0.5")
        self.imap(proxy, user, source="127.0.0.6")
        with Imap.open(proxy, mode="off", source="127.0.0.5") as wire:
            self.assertRegex(wire.login(user, PASSWORD)[-1], rb"^NO \[LIMIT\]")

    def test_classes_and_a_reload(self):
        classes = ('sessions_per_user = 1\n[[limits.class]]\nuser = "{user}"\nsessions_per_user = 2\n')
        user, other = platform.fresh_user(), platform.fresh_user()
        proxy = platform.postigo(limits=LIMITS + classes.format(user=user))
        self.imap(proxy, user)
        self.imap(proxy, user)
        self.imap(proxy, other)
        for name in (user, other):
            with Imap.open(proxy, mode="off") as wire:
                self.assertRegex(wire.login(name, PASSWORD)[-1], rb"^NO \[LIMIT\]")
        proxy.write(limits=LIMITS + "sessions_per_user = 3")
        proxy.ctl("reload")
        self.imap(proxy, user)
        with Imap.open(proxy, mode="off") as wire:
            self.assertRegex(wire.login(user, PASSWORD)[-1], rb"^NO \[LIMIT\]")


class Addresses(Open):
    """Before anything was said."""

    def test_an_address_and_its_network(self):
        proxy = platform.postigo(limits=LIMITS + "sessions_per_address = 2\nsessions_per_network = 3")
        self.imap(proxy, source="127.0.0.5")
        self.imap(proxy, source="127.0.0.5")
        self.assertRegex(self.refused_greeting(proxy, source="127.0.0.5"), rb"^\* BYE")
        self.assertRegex(self.refused_greeting(proxy, mode="implicit", source="127.0.0.5"), rb"^\* BYE")
        self.assertRegex(self.refused_greeting(proxy, cls=Pop3, source="127.0.0.5"), rb"^-ERR")
        self.imap(proxy, source="127.0.0.6")
        self.assertRegex(self.refused_greeting(proxy, source="127.0.0.7"), rb"^\* BYE")
        self.imap(proxy, source="127.0.1.7")
        proxy.wait_session(4, reason="address_limit")
        scrape = proxy.metrics()
        self.assertEqual(3, scrape.sum("postigo_limit_refused_total", reason="sessions_per_address"))
        self.assertEqual(1, scrape.sum("postigo_limit_refused_total", reason="sessions_per_network"))

    def test_exempt(self):
        proxy = platform.postigo(limits=LIMITS + 'sessions_per_address = 1\nexempt = ["127.0.0.5"]')
        for _ in range(3):
            self.imap(proxy, source="127.0.0.5")

    def test_behind_a_balancer_its_clients_count(self):
        proxy = platform.postigo(start=False, limits=LIMITS + "sessions_per_address = 1")
        proxy.write(listeners=proxy.listener("imap", proxy.imap, "off", proxy_protocol='"require"') +
                    'proxy_trusted = ["127.0.0.0/8"]\n')
        proxy.start()

        def greeting(source):
            wire = Wire((proxy.host, proxy.imap))
            self.addCleanup(wire.close)
            wire.send(proxy_header.v2(source=(source, 4000), destination=proxy_header.SERVER6))
            return wire.line()

        self.assertRegex(greeting("2001:db8:0:1::1"), rb"^\* OK")
        self.assertRegex(greeting("2001:db8:0:2::1"), rb"^\* OK")
        self.assertRegex(greeting("2001:db8:0:1::ffff"), rb"^\* BYE")

    def test_all_are_given_back(self):
        proxy = platform.postigo(limits=LIMITS + "sessions_per_address = 3\nsessions_per_user = 3")
        user = platform.fresh_user()
        for number in range(12):
            wire = self.imap(proxy, user if number % 2 else None)
            wire.ok("NOOP")
            wire.close()
            proxy.wait_session(number + 1)


class Rates(Open):
    """How often in a second."""

    def come(self, proxy, count, mode="off", **options):
        """How many of so many connections got a greeting."""
        served = 0
        for _ in range(count):
            try:
                self.imap(proxy, mode=mode, **options)
                served += 1
            except (Gone, OSError):
                pass
        return served

    def test_a25_connections_of_an_address(self):
        proxy = platform.postigo(limits=LIMITS + "address_connections_per_s = 1")
        start = time.monotonic()
        served = self.come(proxy, 20, source="127.0.0.5")
        self.assertLessEqual(served, 2 + time.monotonic() - start + 1)
        self.assertGreaterEqual(served, 2)
        self.assertEqual(1, self.come(proxy, 1, source="127.0.0.6"))
        self.assertGreater(proxy.metrics().sum("postigo_limit_refused_total", reason="address_connections_per_s"), 0)

    def test_a25_handshakes(self):
        proxy = platform.postigo(limits=LIMITS + "handshakes_per_s = 1")
        start = time.monotonic()
        served = self.come(proxy, 20, mode="implicit")
        self.assertLessEqual(served, 2 + time.monotonic() - start + 1)
        self.assertEqual(1, self.come(proxy, 1), "without TLS there is none")

    def test_logins(self):
        proxy = platform.postigo(limits=LIMITS + "address_logins_per_s = 1")
        user = platform.fresh_user()
        start, said = time.monotonic(), []

        def login():
            with Imap.open(proxy, mode="off") as wire:
                said.append(wire.login(user, PASSWORD)[-1])

        threads = [threading.Thread(target=login) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        served = sum(line.startswith(b"OK") for line in said)
        self.assertLessEqual(served, 2 + time.monotonic() - start + 1)
        self.assertEqual(20 - served, sum(line.startswith(b"NO [UNAVAILABLE]") for line in said))
        self.assertLess(served, 20)
        self.assertEqual(20 - served, len(proxy.wait_lines("login_refused", 20 - served, reason="rate_limit")))
