"""After login: half-close, back-pressure, exactness at any chunking, keep-alive (T58, T60, T61)."""

import hashlib
import re
import socket
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, sanitized, wait_for
from tests.fakes.backend import FakeBackend, imap_server

BLOCK = bytes(range(33, 97)) * 16384  # 1 MiB, no CR, no LF, no braces
LINES = (b"y NOOP " + b"0123456789abcdef" * 63 + b"1234567\r\n") * 1024  # 1 MiB
GIGABYTE = 1 << 30
HIGH_WATER = 256 * 1024
platform = proxy = fake = None


def commands(peer, tag, verb, rest):
    """FETCH n: a message of n octets. SLOW n: an answer octet by octet. DRAIN n: reads n octets slowly."""
    if verb == "FETCH":
        size = int(rest)
        peer.send(f"* 1 FETCH (BODY[] {{{size}}}\r\n")
        for start in range(0, size, len(BLOCK)):
            peer.socket.sendall(BLOCK[:size - start])
        peer.send(f")\r\n{tag} OK done\r\n")
    elif verb == "SLOW":
        peer.send(TRICKY + f"{tag} OK done\r\n".encode(), size=1)
    elif verb == "DRAIN":
        drain(peer, int(rest))
        peer.send(f"{tag} OK {peer.backend.digest}\r\n")
    else:
        return False
    return True


_INSIDE = b"* CAPABILITY STARTTLS\r\na OK [CAPABILITY X]"
TRICKY = (b"* 1 FETCH (BODY[TEXT] {%d}\r\n%s)\r\n" % (len(_INSIDE), _INSIDE) +
          b'* 2 FETCH (ENVELOPE ("* CAPABILITY COMPRESS=DEFLATE" {0}\r\n NIL))\r\n* 3 EXISTS\r\n')


def drain(peer, size):
    """Starts with a rest of two seconds, then takes everything."""
    peer.backend.stalled.set()
    time.sleep(2)
    hashed = hashlib.sha256()
    while size:
        if not peer.buffer:
            peer.buffer = peer.socket.recv(1 << 20)
            if not peer.buffer:
                break
        data, peer.buffer = peer.buffer[:size], peer.buffer[size:]
        hashed.update(data)
        size -= len(data)
    peer.backend.digest = hashed.hexdigest()


def setUpModule():
    global platform, proxy, fake
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    fake = FakeBackend(imap=imap_server(command=commands))
    fake.stalled, fake.digest = threading.Event(), ""
    unittest.addModuleCleanup(fake.stop)
    proxy = platform.postigo({"fake": fake})


def logged_in(mode="off", door=None):
    return Imap.open(door or proxy, mode).logged_in("user", "password")


class BackPressure(unittest.TestCase):
    """T60: the memory of a session does not depend on what it transports."""

    def setUp(self):
        self.margin = (24 << 20) if not sanitized() else (200 << 20)

    def read_slowly(self, wire, size):
        """Takes the literal, with a rest every 4 MiB at first; returns the greatest growth of the process meanwhile."""
        before, most, next_rest = proxy.memory(), 0, 4 << 20
        self.assertIn(b"{%d}" % size, wire.line())
        taken, wire.buffer = len(wire.buffer), b""
        while taken < size:
            if next_rest <= taken < 64 << 20:
                next_rest += 4 << 20
                time.sleep(0.05)
                most = max(most, proxy.memory() - before)
            data = wire.socket.recv(min(1 << 20, size - taken))
            self.assertTrue(data, f"cut after {taken} of {size}")
            taken += len(data)
        return max(most, proxy.memory() - before)

    def test_slow_reader_of_a_gigabyte(self):
        for mode, size in (("off", GIGABYTE), ("implicit", GIGABYTE // 4)):
            with self.subTest(mode=mode), logged_in(mode) as wire:
                wire.send(f"x FETCH {size}\r\n")
                time.sleep(1)
                growth = self.read_slowly(wire, size)
                self.assertLess(growth, self.margin, f"{growth >> 20} MiB more while {size >> 20} MiB passed")
                self.assertEqual(b")", wire.line())
                self.assertRegex(wire.line(), b"^x OK")

    def test_many_readers_that_stopped(self):
        before = proxy.memory()
        wires = [logged_in(mode) for mode in ("off", "implicit") for _ in range(20)]
        for wire in wires:
            wire.send(f"x FETCH {100 << 20}\r\n")
        time.sleep(2)
        growth = proxy.memory() - before
        with logged_in("implicit") as other:
            started = time.monotonic()
            other.ok("NOOP")
            self.assertLess(time.monotonic() - started, 1)
        for wire in wires:
            wire.reset()
        self.assertLess(growth, self.margin + len(wires) * 3 * HIGH_WATER, f"{growth >> 20} MiB for {len(wires)} readers")

    def test_slow_backend(self):
        size = 200 << 20
        before = proxy.memory()
        fake.stalled.clear()
        with logged_in("implicit") as wire:
            wire.send(f"x DRAIN {size}\r\n")
            sender = threading.Thread(target=lambda: [wire.send(LINES) for _ in range(size // len(LINES))])
            sender.start()
            fake.stalled.wait(10)
            time.sleep(1)
            growth = proxy.memory() - before
            sender.join(60)
            self.assertLess(growth, self.margin)
            hashed = hashlib.sha256()
            for _ in range(size // len(LINES)):
                hashed.update(LINES)
            self.assertIn(hashed.hexdigest().encode(), wire.line())


class HalfClose(unittest.TestCase):
    """T58: who has said all still hears all."""

    def test_logout_and_half_close(self):
        user = platform.fresh_user()
        real = platform.postigo()
        for mode in ("off", "starttls", "implicit"):
            with self.subTest(mode=mode), Imap.open(real, mode) as wire:
                wire.logged_in(user, PASSWORD)
                wire.send("x LOGOUT\r\n")
                socket.socket.shutdown(wire.socket, socket.SHUT_WR)
                said = wire.rest()
                self.assertIn(b"* BYE", said)
                self.assertIn(b"x OK", said)
        with Pop3.open(real, "off") as wire:
            wire.logged_in(user, PASSWORD)
            wire.send("QUIT\r\n")
            wire.half_close()
            self.assertIn(b"+OK", wire.rest())
        real.stop()

    def test_half_close_with_much_to_come(self):
        size = 32 << 20
        for mode in ("off", "implicit"):
            with self.subTest(mode=mode), logged_in(mode) as wire:
                wire.send(f"x FETCH {size}\r\ny LOGOUT\r\n")
                socket.socket.shutdown(wire.socket, socket.SHUT_WR)
                time.sleep(0.3)
                said = wire.rest()
                self.assertTrue(said.endswith(b"y OK out\r\n"), said[-100:])
                self.assertGreater(len(said), size)

    def test_everything_then_half_close_before_the_greeting(self):
        """A script that pipes a file into a connection and reads what comes."""
        with Imap.open(proxy, "off") as wire:
            wire.send("a LOGIN user password\r\nb NOOP\r\nc LOGOUT\r\n")
            wire.half_close()
            said = wire.rest()
            for tag in (b"a OK", b"b OK", b"c OK"):
                self.assertIn(tag, said)

    def test_backend_ends_first(self):
        with logged_in("implicit") as wire:
            fake.last.end()
            self.assertTrue(wire.ended())


class Exactness(unittest.TestCase):
    """The filter changes capability lists and nothing else, however the stream is cut."""

    def test_one_octet_at_a_time(self):
        for mode in ("off", "implicit"):
            with self.subTest(mode=mode), logged_in(mode) as wire:
                wire.send_slowly(b"x SLOW\r\n")
                said = b""
                while b"x OK" not in said:
                    said += wire.line() + b"\r\n"
                self.assertEqual(TRICKY, said[:len(TRICKY)])

    def test_two_sessions_do_not_mix(self):
        size = 8 << 20
        with logged_in("implicit") as one, logged_in("off") as two:
            for wire, tag in ((one, "one"), (two, "two")):
                wire.send(f"{tag} FETCH {size}\r\n")
            for wire, tag in ((one, b"one"), (two, b"two")):
                wire.line()
                self.assertEqual(BLOCK * (size // len(BLOCK)), wire.take(size))
                self.assertEqual(b")", wire.line())
                self.assertTrue(wire.line().startswith(tag + b" OK"))


class KeepAlive(unittest.TestCase):
    """T61: both connections of a silent session have the kernel's keep-alive timer armed."""

    def test_timers(self):
        with logged_in("implicit"):
            timers = wait_for(lambda: self.timers(proxy.imaps, fake.imap), 20, "both connections in /proc/net/tcp")
            self.assertEqual({"client": "02", "backend": "02"}, timers, "02 is the keep-alive timer")

    @staticmethod
    def timers(listen, backend):
        """The timer kind of the connection from the client and of the one to the backend."""
        found = {}
        with open("/proc/net/tcp", encoding="ascii") as file:
            for line in list(file)[1:]:
                fields = line.split()
                local, remote = (int(fields[n].split(":")[1], 16) for n in (1, 2))
                if fields[3] == "01" and local == listen:
                    found["client"] = fields[5].split(":")[0]
                if fields[3] == "01" and remote == backend:
                    found["backend"] = fields[5].split(":")[0]
        return found if len(found) == 2 and re.match("0[24]", found["client"]) else None


if __name__ == "__main__":
    unittest.main()
