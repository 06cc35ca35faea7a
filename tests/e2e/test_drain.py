"""The orderly end: not ready first, doors later, then sessions one by one, where it cuts nothing, and in time."""

import signal
import socket
import threading
import time
import unittest
import urllib.error
import urllib.request

from tests.e2e.harness import Gone, Imap, Platform, Pop3, Wire, wait_for
from tests.e2e.harness.dovecot import PASSWORD
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def server(drain="0s", delay="0s"):
    return (f'[server]\nhostname = "mail.example.com"\nworkers = 2\nshutdown_delay = "{delay}"\n'
            f'drain_time = "{drain}"')


def slow_mail(peer, tag, verb, rest):
    """FETCH n: a message that takes n seconds, in two halves."""
    if verb != "FETCH":
        return False
    peer.send("* 1 FETCH (BODY[] {10}\r\n01234")
    time.sleep(float(rest.split()[0]))
    peer.send(f"56789)\r\n{tag} OK done\r\n")
    return True


class Drain(unittest.TestCase):
    def proxy(self, drain="0s", delay="0s", **options):
        self.fake = FakeBackend(imap=imap_server(command=slow_mail), pop3=pop3_server())
        self.addCleanup(self.fake.stop)
        proxy = platform.postigo({"fake": self.fake}, server=server(drain, delay), **options)
        self.addCleanup(proxy.kill)
        return proxy

    def relay(self, proxy, mode="off"):
        wire = Imap.open(proxy, mode).logged_in("u", "p")
        self.addCleanup(wire.close)
        return wire

    @staticmethod
    def refused(proxy):
        try:
            socket.create_connection((proxy.host, proxy.imap), 2).close()
        except OSError:
            return True
        return False

    @staticmethod
    def end(proxy, seconds=20):
        """How long it takes from now; the rest is Postigo's own test of a clean end."""
        started = time.monotonic()
        wait_for(lambda: not proxy.program.running(), seconds, "the process to end")
        took = time.monotonic() - started
        proxy.stop()
        return took

    def ends(self, wires, started):
        """When each of them heard its end, in seconds, in order; and what it heard."""
        times, words = [], []

        def listen(wire):
            said = wire.rest()
            times.append(time.monotonic() - started)
            words.append(said)
            wire.close()
        threads = [threading.Thread(target=listen, args=(wire,)) for wire in wires]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return sorted(times), words

    def test_evenly_and_in_time(self):
        proxy = self.proxy(drain="4s")
        wires = [self.relay(proxy, ("off", "implicit")[i % 2]) for i in range(40)]
        wires[-1].ok("NOOP")  # it is counted as one that relays
        started = time.monotonic()
        proxy.program.signal(signal.SIGTERM)
        times, words = self.ends(wires, started)
        self.assertEqual(40, len(times))
        self.assertTrue(all(said.startswith(b"* BYE") for said in words), words)
        for second in range(4):
            gone = sum(second <= each < second + 1 for each in times)
            self.assertTrue(5 <= gone <= 15, (second, times))
        self.end(proxy)
        self.assertLess(time.monotonic() - started, 6.5)
        draining = proxy.lines("draining")[0]
        self.assertEqual((40, 4), (draining["sessions"], draining["seconds"]))
        self.assertEqual(40, len(proxy.sessions(reason="shutting_down")))

    def test_readyz_first_then_doors_then_sessions(self):
        proxy = self.proxy(drain="2s", delay="2s")
        old = self.relay(proxy)
        started = time.monotonic()
        proxy.program.signal(signal.SIGTERM)
        wait_for(lambda: not proxy.ready(), 10, "503")
        with self.assertRaises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(proxy.url("/readyz"), timeout=2)
        self.assertEqual(503, answer.exception.code)
        self.assertEqual(1, proxy.metrics().sum("postigo_draining"))
        late = self.relay(proxy)
        late.ok("NOOP")
        old.ok("NOOP")
        waiting = Imap.open(proxy, "off")
        self.assertIn(b"BYE", waiting.rest())
        self.assertGreater(time.monotonic() - started, 1.8, "before that time a login is welcome")
        wait_for(lambda: self.refused(proxy), 2, "doors that are closed")
        old.ok("NOOP")
        self.ends([old, late], started)
        self.assertGreater(time.monotonic() - started, 3.5)
        self.end(proxy)

    def test_who_has_knocked_is_told(self):
        """T66: all that connect until the doors close hear a greeting and, at the latest then, a BYE."""
        proxy = self.proxy(drain="1s", delay="500ms")
        heard, stop = [], threading.Event()

        def knock():
            while not stop.is_set():
                try:
                    with Wire((proxy.host, proxy.imap), timeout=10) as wire:
                        greeting = wire.line()
                        heard.append((greeting, wire.rest() if proxy.lines("stopping") else b"* BYE"))
                except ConnectionRefusedError:
                    return
                except Gone as gone:
                    heard.append((gone.rest, b""))
        threads = [threading.Thread(target=knock) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        proxy.program.signal(signal.SIGTERM)
        for thread in threads:
            thread.join(15)
        stop.set()
        self.end(proxy)
        self.assertGreater(len(heard), 20)
        self.assertEqual([], [each for each in heard if not each[0].startswith(b"* OK") or b"* BYE" not in each[1]])

    def test_t46_a_response_is_finished_first(self):
        proxy = self.proxy(drain="1s")
        for mode in ("off", "implicit"):
            self.relay(proxy, mode)  # so that those below are not the last
        wires = [self.relay(proxy, mode) for mode in ("off", "implicit") for _ in range(2)]
        for wire in wires:
            wire.send("x FETCH 1.3 BODY[]\r\n")
            self.assertIn(b"* 1 FETCH", wire.line())
        proxy.program.signal(signal.SIGTERM)
        for wire in wires:
            said = wire.rest()
            self.assertTrue(said.startswith(b"0123456789)\r\n"), said)
            self.assertRegex(said.split(b"\r\n")[-2], rb"^\* BYE ", "behind it, and nothing else")
        self.end(proxy)

    def test_t61_idle_is_no_response_under_way(self):
        user = platform.fresh_user()
        proxy = platform.postigo(server=server("1s"))
        self.addCleanup(proxy.kill)
        wires = [Imap.open(proxy).logged_in(user, PASSWORD) for _ in range(4)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.ok("SELECT INBOX")
            wire.send("i IDLE\r\n")
            self.assertTrue(wire.line().startswith(b"+"))
        started = time.monotonic()
        proxy.program.signal(signal.SIGTERM)
        times, words = self.ends(wires, started)
        self.assertTrue(all(b"* BYE" in said for said in words), words)
        self.assertLess(times[-1], 1.8)
        self.end(proxy)

    def test_t49_pop3_keeps_all_mail(self):
        user = platform.fresh_user()
        platform.deliver(user, b"Subject: one\r\n\r\nkeep me\r\n")
        proxy = platform.postigo(server=server("1s"))
        self.addCleanup(proxy.kill)
        wire = Pop3.open(proxy).logged_in(user, PASSWORD)
        self.addCleanup(wire.close)
        wire.ok("DELE 1")
        proxy.program.signal(signal.SIGTERM)
        self.assertEqual(b"", wire.rest(), "no words of ours")
        wire.close()
        self.end(proxy)
        proxy.start()
        with Pop3.open(proxy) as again:
            again.logged_in(user, PASSWORD)
            self.assertTrue(again.ok("STAT").startswith(b"+OK 1 "))
        proxy.stop()

    def test_t49_no_quit_at_the_backend(self):
        proxy = self.proxy(drain="500ms")
        wire = Pop3.open(proxy, "off").logged_in("u", "p")
        proxy.program.signal(signal.SIGTERM)
        self.assertEqual(b"", wire.rest())
        wire.close()
        self.end(proxy)
        self.assertNotIn(b"QUIT", self.fake.last.said())
        self.assertEqual("eof", wait_for(lambda: self.fake.last.closed_by, 5))

    def test_a_compressed_stream_ends_without_words(self):
        proxy = self.proxy(drain="500ms", capabilities="[capabilities.imap]\nallow_compress = true")
        wire = self.relay(proxy)
        wire.ok("COMPRESS DEFLATE")
        proxy.program.signal(signal.SIGTERM)
        self.assertEqual(b"", wire.rest())
        wire.close()
        self.end(proxy)

    def test_t59_the_deadline_is_one(self):
        """What does not come to an end by itself is cut off, and hears that by a reset."""
        proxy = self.proxy(drain="1s")
        wire = self.relay(proxy)
        wire.send("x FETCH 60 BODY[]\r\n")
        wire.line()
        proxy.program.signal(signal.SIGTERM)
        self.assertLess(self.end(proxy), 4)
        with self.assertRaises(ConnectionResetError):
            while wire.socket.recv(100):
                pass

    def test_a_second_signal_is_now(self):
        for delay, drain in (("30s", "0s"), ("0s", "30s")):
            proxy = self.proxy(drain, delay)
            self.relay(proxy)
            proxy.program.signal(signal.SIGTERM)
            proxy.wait_lines("stopping")
            time.sleep(0.2)
            proxy.program.signal(signal.SIGTERM)
            self.assertLess(self.end(proxy), 1.5)

    def test_nobody_there_is_no_time(self):
        proxy = self.proxy(drain="60s")
        with self.relay(proxy) as wire:
            wire.ok("LOGOUT")
        proxy.wait_session()
        proxy.program.signal(signal.SIGTERM)
        self.assertLess(self.end(proxy), 3)

    def test_who_leaves_by_himself_does_so(self):
        proxy = self.proxy(drain="60s")
        wire = self.relay(proxy)
        proxy.program.signal(signal.SIGTERM)
        proxy.wait_lines("draining")
        wire.ok("NOOP")
        said = wire.command("LOGOUT")
        self.assertTrue(said[-1].startswith(b"OK"), said)
        wire.close()
        self.assertLess(self.end(proxy), 3)
        self.assertEqual(1, len(proxy.sessions(reason="logout")))


if __name__ == "__main__":
    unittest.main()
