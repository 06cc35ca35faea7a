"""Nobody starves and nothing grows: bulk transfers (A39), memory before login (A12), a backend that hangs."""

import resource
import statistics
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, Wire, sanitized, wait_for
from tests.fakes.backend import FakeBackend, endless_mail, imap_server

CROWD = 200 if sanitized() else min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 500)
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class UnderBulk(unittest.TestCase):
    """A39: sixteen downloads on one worker, and those who knock are let in at once. A loop that starves them does so each
    time; a machine that is busy with other things only now and then: so the quick tenth of the greetings is judged."""

    downloads = 16

    def setUp(self):
        self.fake = FakeBackend(imap=imap_server(command=endless_mail))
        self.addCleanup(self.fake.stop)
        self.proxy = platform.postigo({"fake": self.fake}, server='[server]\nhostname = "mail.example.com"\nworkers = 1')
        self.stop = threading.Event()

    def download(self, mode):
        wire = Imap.open(self.proxy, mode).logged_in("u", "p")
        wire.send("x FETCH 1 BODY[]\r\n")

        def read():
            buffer = bytearray(1 << 18)
            while not self.stop.is_set() and wire.socket.recv_into(buffer):
                pass
            wire.reset()

        thread = threading.Thread(target=read)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.stop.set)

    def greetings(self, count):
        took = []
        for _ in range(count):
            started = time.monotonic()
            with Imap.open(self.proxy, "off"):
                took.append(time.monotonic() - started)
            time.sleep(0.01)
        return took

    def test_a39_greetings_beside_downloads(self):
        for number in range(self.downloads):
            self.download(("off", "implicit")[number % 2])
        time.sleep(1)
        before = self.proxy.metrics().sum("postigo_bytes_total")
        started = time.monotonic()
        took = self.greetings(150)
        rate = (self.proxy.metrics().sum("postigo_bytes_total") - before) / (time.monotonic() - started)
        self.stop.set()
        print(f"greeting: median {statistics.median(took) * 1000:.2f} ms, worst {max(took) * 1000:.2f} ms, "
              f"beside {rate / (1 << 20):.0f} MiB/s")
        self.assertGreater(rate, 1 << 20, "the downloads went on meanwhile")
        self.assertLess(statistics.quantiles(took, n=10)[0], 0.1 if sanitized() else 0.01)


class BeforeLogin(unittest.TestCase):
    """A12: 2,000 connections that hold all they may cost less than 64 MiB together, and nobody else notices."""

    def hoard(self, count, mode, octets):
        wires = []
        for _ in range(count):
            wire = Wire((self.proxy.host, self.proxy.imap if mode == "off" else self.proxy.imaps))
            wires.append(wire)
            self.addCleanup(wire.close)
            try:
                if mode == "implicit":
                    wire.tls(platform.certificates.client_context())
                wire.socket.settimeout(5)
                wire.send(octets)
            except OSError:
                pass  # it had to make room already
        return wires

    def judge(self, mode, octets):
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        self.proxy = platform.postigo({"fake": fake}, limits='[limits]\nlogin_timeout = "10m"\ntls_handshake_timeout = "9m"')
        self.addCleanup(self.proxy.stop)
        before = self.proxy.memory()
        self.hoard(CROWD, mode, octets)
        growth = self.proxy.memory() - before
        scrape = self.proxy.metrics()
        print(f"{mode}: {growth / (1 << 20):.1f} MiB, {scrape.sum('postigo_login_bytes') / (1 << 20):.1f} MiB counted")
        self.assertLessEqual(scrape.sum("postigo_login_bytes"), scrape.sum("postigo_login_bytes_limit"))
        if not sanitized():
            self.assertLess(growth, 64 << 20)
        with Imap.open(self.proxy) as wire:
            wire.logged_in("u", "p").ok("NOOP")
        return self.proxy

    def test_a12_commands_without_an_end(self):
        proxy = self.judge("off", b"a ID (" + b"x" * 63000)
        # They do not answer our FIN, and are counted when close_timeout (5 s) is over.
        wait_for(lambda: proxy.metrics().sum("postigo_disconnects_total", reason="login_memory") > 0 or sanitized(), 30,
                 "the largest to go")
        if not sanitized():
            self.assertIn("login_memory", proxy.log_text())

    def test_a12_commands_and_records_without_an_end(self):
        self.judge("implicit", b"a ID (" + b"x" * 63000)

    def test_a12_hellos_without_an_end(self):
        hello = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xf0" + b"\x03\x03" + b"x" * 16000
        self.proxy = None
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        self.proxy = platform.postigo({"fake": fake}, limits='[limits]\ntls_handshake_timeout = "9m"\nlogin_timeout = "10m"')
        self.addCleanup(self.proxy.stop)
        before = self.proxy.memory()
        wires = []
        for _ in range(CROWD):
            wires.append(Wire((self.proxy.host, self.proxy.imaps)))
            self.addCleanup(wires[-1].close)
            wires[-1].send(hello)
        time.sleep(0.5)
        growth = self.proxy.memory() - before
        print(f"hellos: {growth / (1 << 20):.1f} MiB")
        if not sanitized():
            self.assertLess(growth, 64 << 20)
        with Imap.open(self.proxy) as wire:
            wire.logged_in("u", "p").ok("NOOP")

    def test_a12_failed_logins_with_much_behind_them(self):
        """While a login is tried nothing more is read, so that what is behind it stays with the kernel."""
        fake = FakeBackend(imap=lambda peer: time.sleep(15))
        self.addCleanup(fake.stop)
        self.proxy = platform.postigo({"fake": fake}, limits='[limits]\nbackend_login_timeout = "12s"')
        self.addCleanup(self.proxy.stop)
        before, count = self.proxy.memory(), 200
        for _ in range(count):
            wire = Wire((self.proxy.host, self.proxy.imap))
            self.addCleanup(wire.close)
            wire.line()
            wire.send(b"a LOGIN u p\r\n")
            wire.send(b"x" * 100_000)
        growth = (self.proxy.memory() - before) / count
        print(f"{growth / 1024:.1f} KiB each")
        if not sanitized():
            self.assertLess(growth, 40 * 1024)


class HungBackend(unittest.TestCase):
    """One backend that does not answer takes a share of the sessions, not all of them."""

    def test_users_of_the_other_backend_log_in(self):
        hung = FakeBackend(imap=lambda peer: time.sleep(30))
        healthy = FakeBackend(imap=imap_server())
        for each in (hung, healthy):
            self.addCleanup(each.stop)
        rules = "\n".join(f'[[routing.rule]]\nuser = "{user}"\nshard = "{shard}"'
                          for user, shard in (("stuck", "hung"), ("fine", "healthy")))
        proxy = platform.postigo({"hung": hung, "healthy": healthy}, routing=rules, limits=(
            '[limits]\nsessions_max = 60\nauth_failure_delay = "10ms"\nbackend_login_timeout = "25s"'))
        self.addCleanup(proxy.kill)
        wires = [Imap.open(proxy, "off") for _ in range(50)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.send("a LOGIN stuck p\r\n")
        wait_for(lambda: proxy.metrics().sum("postigo_backend_errors_total", backend="hung", reason="full") == 20, 10,
                 "those who are too many to be refused")
        scrape = proxy.metrics()
        self.assertEqual(30, scrape.sum("postigo_backend_logins", backend="hung"), "half of the sessions")
        self.assertEqual(30, scrape.sum("postigo_backend_logins_limit", backend="hung"))
        wait_for(lambda: sum(not wire.quiet(0.01) for wire in wires) >= 20, 10, "the refusals")
        refused = [wire for wire in wires if not wire.quiet(0.01)]
        self.assertEqual(20, len(refused))
        for wire in refused:
            self.assertIn(b"[UNAVAILABLE]", wire.line())
        with Imap.open(proxy, "off") as wire:
            wire.logged_in("fine", "p").ok("NOOP")


if __name__ == "__main__":
    unittest.main()
