"""A21-A23: who guesses waits, however many connections he opens; who is known does not; nobody hears a difference."""

import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, Wire, postigo, run, wait_for
from tests.e2e.harness import proxy_header

# Short enough for a test; loopback is counted, too.
PENALTY = '[penalty]\nfree = 3\nparallel = 4\ndelay = "{delay}"\ndelay_max = "{most}"\nforget = "10m"\nexempt = [{exempt}]\n'
LIMITS = '[limits]\nauth_failure_delay = "100ms"'
DIRECTORY = ('[[directory]]\nname = "d"\ntype = "static"\n[[directory.user]]\nname = "alice"\n'
             '[[directory.user]]\nname = "bob"\n[[directory.user]]\nname = "locked"\ndisabled = true\n')
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def proxy_with(delay="5s", most="10s", exempt="", limits=LIMITS, **sections):
    return platform.postigo(limits=limits, directories=DIRECTORY,
                            penalty=PENALTY.format(delay=delay, most=most, exempt=exempt), **sections)


def guess(proxy, user="nobody", source="127.0.0.9", password=None):
    """One connection, one guess: what was said, and after how long."""
    with Imap.open(proxy, mode="off", source=source) as wire:
        start = time.monotonic()
        said = wire.login(user, password or f"wrong{time.monotonic_ns()}")[-1]
        return said, time.monotonic() - start


class Alone(unittest.TestCase):
    """One after the other."""

    def test_delays_are_logged_counted_shown_and_forgiven(self):
        proxy = proxy_with()
        words = {guess(proxy)[0] for _ in range(3)}
        said, seconds = guess(proxy)
        self.assertEqual(words, {said})
        self.assertGreater(seconds, 1)
        delayed = [line for line in proxy.wait_lines("login_refused", 4) if "delayed" in line]
        self.assertEqual(1, len(delayed))
        self.assertGreater(delayed[0]["delayed"], 1)
        scrape = proxy.metrics()
        self.assertEqual(1, scrape.sum("postigo_logins_delayed_total"))
        self.assertGreater(scrape.sum("postigo_penalties"), 0)
        self.assertGreater(scrape.sum("postigo_penalties_limit"), 1000)
        rows = proxy.ctl("penalties")["penalties"]
        self.assertIn(("127.0.0.9/32", "address"), {(row["whom"], row["kind"]) for row in rows})
        self.assertIn(("nobody", "user"), {(row["whom"], row["kind"]) for row in rows})
        self.assertEqual(1, len(proxy.ctl("penalties", "--limit", "1")["penalties"]))
        self.assertEqual(1, proxy.ctl("forgive", "127.0.0.0/24")["forgiven"])
        self.assertEqual(1, proxy.ctl("forgive", "nobody")["forgiven"])
        self.assertEqual([], proxy.ctl("penalties")["penalties"])
        self.assertEqual(0, proxy.ctl("forgive", "nobody")["forgiven"])
        self.assertEqual(3, len(proxy.wait_lines("admin_action", 3, verb="forgive")))
        self.assertNotIn("delayed", self.refused_next(proxy))

    def test_a_slip_is_no_user(self):
        proxy = proxy_with()
        for slip in ("127.0.0.300", "10.0.0.0/99", "10.0.0.1/8", ""):
            done = run(postigo(), "ctl", "--socket", proxy.admin_socket, "forgive", slip, check=False)
            self.assertEqual((1, 1), (done.returncode, len(done.stderr.splitlines())), done)
            self.assertIn("whom: ", done.stderr)

    def test_who_leaves_while_we_hold_him_has_not_guessed(self):
        proxy = proxy_with()
        proxy.ctl("hold", "alice", "--max", "5m")
        for _ in range(6):
            with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
                wire.send(f"a LOGIN alice {PASSWORD}\r\n")
                wait_for(lambda: proxy.metrics().sum("postigo_logins_held") == 1, what="a login on hold")
                wire.reset()
            wait_for(lambda: proxy.metrics().sum("postigo_logins_held") == 0, what="its end")
        self.assertEqual([], proxy.ctl("penalties")["penalties"])

    def refused_next(self, proxy):
        before = len(proxy.lines("login_refused"))
        guess(proxy)
        return proxy.wait_lines("login_refused", before + 1)[-1]

    def test_each_protocol_and_mechanism_waits(self):
        proxy = proxy_with()
        for _ in range(3):
            guess(proxy)
        with Pop3.open(proxy, mode="off", source="127.0.0.9") as wire:
            wire.ok("USER alice")
            start = time.monotonic()
            self.assertTrue(wire.command("PASS wrong").startswith(b"-ERR"))
            self.assertGreater(time.monotonic() - start, 1)

    def test_the_same_wrong_password_again_costs_nothing(self):
        proxy = proxy_with()
        for _ in range(12):
            guess(proxy, user="alice", password="last year's")
        self.assertEqual([], [line for line in proxy.wait_lines("login_refused", 12) if "delayed" in line])

    def test_off_and_exempt(self):
        for proxy in (proxy_with(exempt='"127.0.0.0/8"'),
                      platform.postigo(limits=LIMITS, directories=DIRECTORY, penalty="[penalty]\nenabled = false\nexempt = []")):
            for _ in range(8):
                guess(proxy)
            self.assertEqual([], [line for line in proxy.wait_lines("login_refused", 8) if "delayed" in line])
            self.assertEqual([], proxy.ctl("penalties")["penalties"])

    def test_rules_change_by_a_reload(self):
        proxy = proxy_with()
        for _ in range(3):
            guess(proxy)
        proxy.write(penalty=PENALTY.format(delay="5s", most="10s", exempt='"127.0.0.0/8"'))
        proxy.ctl("reload")
        self.assertNotIn("delayed", self.refused_next(proxy))

    def test_the_address_is_the_one_that_the_balancer_tells(self):
        proxy = platform.postigo(start=False, limits=LIMITS, directories=DIRECTORY,
                                 penalty=PENALTY.format(delay="5s", most="10s", exempt='"127.0.0.0/8"'))
        proxy.write(listeners=proxy.listener("imap", proxy.imap, "off", proxy_protocol='"require"') +
                    'proxy_trusted = ["127.0.0.0/8"]\n')
        proxy.start()
        for number in range(4):
            with Wire((proxy.host, proxy.imap)) as wire:
                wire.send(proxy_header.v2(source=("192.0.2.7", 4000 + number)))
                wire.line()
                wire.send(f"a LOGIN nobody {number}\r\n")
                self.assertIn(b"a NO", wire.line())
        self.assertTrue(proxy.wait_lines("login_refused", 4)[-1].get("delayed", 0) > 1)


class Refusals(unittest.TestCase):
    """A21, A22: what is said, and when, tells nothing about a name."""

    def test_a21_one_text_for_all_that_is_refused(self):
        proxy = proxy_with(delay="40s", most="40s")
        words = {guess(proxy, user=user)[0] for user in ("alice", "nobody", "locked")}
        waiting = []
        for _ in range(3):  # the queue is full with them
            waiting.append(Imap.open(proxy, mode="off", source="127.0.0.9"))
            waiting[-1].send("w LOGIN nobody again\r\n")
            self.addCleanup(waiting[-1].close)
        proxy.wait_lines("login_refused", reason="penalty")
        for user in ("alice", "bob", "nobody", "locked"):
            said, seconds = guess(proxy, user=user)
            words.add(said)
            self.assertGreater(seconds, 0.09)
        self.assertEqual(1, len(words), words)
        asked = proxy.metrics().sum("postigo_route_lookups_total")
        guess(proxy, user="alice", password=PASSWORD)
        self.assertEqual(asked, proxy.metrics().sum("postigo_route_lookups_total"), "no directory is asked")

    def test_a22_who_is_known_here_is_refused_as_late_as_others(self):
        proxy = proxy_with(delay="10s", most="10s")
        with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
            wire.logged_in("alice", PASSWORD)
        for _ in range(3):
            guess(proxy)
        said, seconds = guess(proxy, user="alice")
        self.assertGreater(seconds, 3)
        with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
            start = time.monotonic()
            wire.logged_in("alice", PASSWORD)
        login = proxy.wait_lines("login", 2, user="alice")[-1]
        self.assertNotIn("delayed", login)


class Together(unittest.TestCase):
    """A23: many connections at a time."""

    def test_a23_parallel_guesses_are_as_slow_as_one_after_the_other(self):
        proxy = proxy_with(delay="1s", most="1s")
        stop = time.monotonic() + 5
        tried = []

        def guesses(number):
            while time.monotonic() < stop:
                tried.append(guess(proxy, user=f"u{number}", source="127.0.0.9"))

        threads = [threading.Thread(target=guesses, args=(number,)) for number in range(60)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        seconds = time.monotonic() - start
        scrape = proxy.metrics()
        self.assertGreater(len(tried), 60)
        # free + parallel + one a second, over all workers.
        self.assertLessEqual(scrape.sum("postigo_route_lookups_total"), 3 + 4 + seconds + 4)
        self.assertGreater(scrape.sum("postigo_logins_refused_total", reason="penalty"), 0)

    def test_a23_beside_them_a_known_user_behind_the_same_address_gets_in(self):
        proxy = proxy_with(delay="1s", most="2s")
        with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
            wire.logged_in("alice", PASSWORD)
        stop = time.monotonic() + 4
        over = threading.Event()

        def guesses(number):
            while time.monotonic() < stop and not over.is_set():
                guess(proxy, user=f"u{number}")

        threads = [threading.Thread(target=guesses, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: proxy.lines("login_refused", reason="penalty"), what="a refusal by the penalty")
            with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
                wire.logged_in("alice", PASSWORD)
            with Imap.open(proxy, mode="off", source="127.0.0.10") as wire:
                wire.logged_in("bob", PASSWORD)
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        self.assertNotIn("delayed", proxy.wait_lines("login", 2, user="alice")[-1])
        self.assertNotIn("delayed", proxy.wait_lines("login", 1, user="bob")[-1])

    def test_a_crowd_that_is_right_gets_in(self):
        proxy = proxy_with(most="50s")
        failed = []

        def login():
            try:
                with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
                    wire.logged_in("bob", PASSWORD)
            except Exception as error:  # noqa: BLE001
                failed.append(error)

        threads = [threading.Thread(target=login) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([], failed)
