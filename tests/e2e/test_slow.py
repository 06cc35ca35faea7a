"""Time: idle and slow clients cost little and end on time; others do not notice (A24, T35)."""

import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Gone, Imap, Platform, Pop3, Wire, wait_for
from tests.fakes.backend import FakeBackend, imap_server

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def ended_after(wire, seconds):
    """How long until the other side closes; what it says meanwhile is in wire.heard."""
    started = time.monotonic()
    wire.socket.settimeout(seconds)
    try:
        wire.rest()
    except AssertionError:
        return None
    return time.monotonic() - started


class BeforeLogin(unittest.TestCase):
    """Two seconds to log in, one for a handshake: every way of not doing it."""

    @classmethod
    def setUpClass(cls):
        cls.proxy = platform.postigo(
            limits='[limits]\nlogin_timeout = "2s"\ntls_handshake_timeout = "1s"\nauth_failure_delay = "10ms"')
        cls.addClassCleanup(cls.proxy.stop)

    def test_silence_after_the_greeting(self):
        for kind, bye in ((Imap, b"* BYE"), (Pop3, b"-ERR")):
            for mode in ("off", "implicit"):
                with self.subTest(kind=kind, mode=mode), kind.open(self.proxy, mode) as wire:
                    took = ended_after(wire, 6)
                    self.assertIsNotNone(took, "still open after 6 s")
                    self.assertTrue(1 < took < 4, took)
                    self.assertIn(bye, wire.heard)

    def test_noop_does_not_prolong(self):
        with Imap.open(self.proxy) as wire:
            started = time.monotonic()
            with self.assertRaises((Gone, OSError)):
                while time.monotonic() - started < 6:
                    wire.command("NOOP")
                    time.sleep(0.2)
            self.assertTrue(1 < time.monotonic() - started < 4)

    def test_a_literal_that_never_ends(self):
        with Imap.open(self.proxy) as wire:
            wire.send("a LOGIN {10}\r\n")
            wire.line()
            wire.send("abc")
            self.assertTrue(1 < (ended_after(wire, 6) or 99) < 4)

    def test_a24_three_hundred_dripping_clients(self):
        wires = [Wire((self.proxy.host, (self.proxy.imaps, self.proxy.imap)[number % 2])) for number in range(300)]
        stop = threading.Event()

        def drip():
            while not stop.wait(0.3):
                for wire in wires:
                    try:
                        wire.socket.send(b"\x16" if wire.socket.getpeername()[1] == self.proxy.imaps else b"a")
                    except OSError:
                        pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            for _ in range(5):  # good clients meanwhile
                started = time.monotonic()
                with Imap.open(self.proxy) as wire:
                    wire.logged_in(platform.fresh_user(), PASSWORD)
                self.assertLess(time.monotonic() - started, 1.5)
            wait_for(lambda: self.proxy.descriptors() < 100, 8, "the dripping clients to be gone")
        finally:
            stop.set()
            thread.join()
            for wire in wires:
                wire.close()


class Backends(unittest.TestCase):
    """A backend that does not answer costs the configured time, not the client's patience."""

    def proxy_to(self, script, **limits):
        fake = FakeBackend(imap=script)
        self.addCleanup(fake.stop)
        text = "".join(f'{name} = "{value}"\n' for name, value in limits.items())
        proxy = platform.postigo({"fake": fake}, limits=f'[limits]\nauth_failure_delay = "10ms"\n{text}')
        self.addCleanup(proxy.stop)
        return fake, proxy

    def test_silent_greeting(self):
        _, proxy = self.proxy_to(lambda peer: time.sleep(8), backend_login_timeout="1s")
        with Imap.open(proxy) as wire:
            started = time.monotonic()
            self.assertRegex(wire.login("u", "p")[-1], rb"^NO \[UNAVAILABLE\]")
            self.assertTrue(0.7 < time.monotonic() - started < 4)
            self.assertRegex(wire.command("NOOP")[-1], b"^OK")

    def test_slow_but_within_the_time(self):
        _, proxy = self.proxy_to(imap_server(size=7, pause=0.02), backend_login_timeout="8s")
        with Imap.open(proxy) as wire:
            wire.logged_in("u", "p")
            wire.ok("NOOP")

    def test_client_leaves_while_the_backend_thinks(self):
        """By RST: a FIN is a half-close, after which the answer is still wanted (T58)."""
        def script(peer):
            peer.send("* OK ready\r\n")
            peer.wait_end()

        fake, proxy = self.proxy_to(script)
        wire = Imap.open(proxy)
        wire.send("a LOGIN u p\r\n")
        wait_for(lambda: fake.peers and fake.last.said(), 20, "the login to reach the backend")
        wire.reset()
        wait_for(lambda: fake.last.closed_by, 20, "the backend's connection to end")


class AfterLogin(unittest.TestCase):
    """T35: the idle time may not be configured below what the RFCs promise to clients."""

    def test_too_short_times_are_refused(self):
        for name, value in (("imap_idle_timeout", "29m"), ("pop3_idle_timeout", "9m")):
            with self.subTest(name):
                proxy = platform.postigo(start=False, limits=f'[limits]\n{name} = "{value}"')
                done = proxy.tool("check", check=False)
                self.assertNotEqual(0, done.returncode)
                self.assertIn(name, done.stdout + done.stderr)

    def test_login_timeout_ends_with_the_login(self):
        proxy = platform.postigo(limits='[limits]\nlogin_timeout = "1s"\nauth_failure_delay = "10ms"')
        with Imap.open(proxy) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            time.sleep(2)
            wire.ok("NOOP")
        proxy.stop()


if __name__ == "__main__":
    unittest.main()
