"""T63: proxies that send a login in a circle end it after a few hops, whatever they tell each other by."""

import socket
import threading
import time
import unittest

from tests.e2e.harness import Imap, PASSWORD, Platform, Pop3, free_ports, wait_for
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

KINDS = {"imap": Imap, "pop3": Pop3}
CLIENT = "127.0.0.77"
platform = None
before_dovecot = free_ports(2)  # where a Dovecot that is a proxy sends those whom it does not know itself

FORWARDING = f"""
passdb {{
  driver = static
  args = proxy=y nopassword=y host=127.0.0.1 port=%{{if;%s;eq;imap;{before_dovecot[0]};{before_dovecot[1]}}}
}}
"""


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",), dovecot_extra=FORWARDING)
    unittest.addModuleCleanup(platform.stop)


class Relay:
    """A door of others, by a way that no configuration shows: each of its ports leads to the same one of `door`."""

    host = "127.0.0.1"

    def __init__(self, door):
        self.connections = 0
        self._listeners = []
        for name in ("imap", "imaps", "pop3", "pop3s"):
            listener = socket.create_server((self.host, 0))
            setattr(self, name, listener.getsockname()[1])
            self._listeners.append(listener)
            threading.Thread(target=self._serve, args=(listener, getattr(door, name)), daemon=True).start()

    def _serve(self, listener, port):
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            there = socket.create_connection((self.host, port))
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def listeners(door, mode):
    """The peers are on 127.0.0.1 and believed; clients come from elsewhere."""
    return "\n".join(
        door.listener(name, getattr(door, name), "implicit" if name.endswith("s") else "starttls")
        + f'proxy_protocol = "{mode}"\nproxy_trusted = ["127.0.0.1"]\n' for name in ("imap", "imaps", "pop3", "pop3s"))


def backend(door, protocol_version, trusted, tls):
    implicit = tls == "implicit"
    table = f'{{ mode = "{tls}", ca_file = "{platform.certificates.ca}", name = "localhost" }}'
    return (f'[[backend]]\nname = "next"\nhost = "127.0.0.1"\nimap_port = {door.imaps if implicit else door.imap}\n'
            f'pop3_port = {door.pop3s if implicit else door.pop3}\ntrusted = {str(trusted).lower()}\n'
            f'proxy_protocol = "{protocol_version}"\n' + (f"tls = {table}\n" if tls != "off" else ""))


class Circles(unittest.TestCase):
    """How they tell: PROXY v2 with the hops, or Dovecot's ID and XCLIENT, with or without version 1."""

    WAYS = ((("v2", False), "accept"), (("off", True), "off"), (("v1", True), "accept"))

    def circle(self, count, way, mode, tls):
        doors = [platform.postigo({}, start=False) for _ in range(count)]
        relay = Relay(doors[0])
        self.addCleanup(relay.stop)
        for door, following in zip(doors, doors[1:] + [relay]):
            door.write(listeners=listeners(door, mode), backends=backend(following, *way, tls),
                       pool='[[pool]]\nname = "main"\nbackends = ["next"]')
        for door in doors:
            self.addCleanup(door.stop)
            door.start()
        return doors, relay

    def ends(self, count, way, mode, tls):
        doors, relay = self.circle(count, way, mode, tls)
        for number, kind in enumerate(KINDS, 1):
            before = relay.connections
            begin = time.monotonic()
            with KINDS[kind].open(doors[0], source=CLIENT) as wire:
                if kind == "imap":
                    self.assertRegex(wire.login("alice", "x")[-1], rb"^NO \[UNAVAILABLE\]")
                else:
                    wire.ok("USER alice")
                    self.assertRegex(wire.command("PASS x"), rb"^-ERR \[SYS/TEMP\]")
                self.assertLess(time.monotonic() - begin, 3)
            def told():
                return [line for door in doors for line in door.lines("login_refused", reason="loop")]
            wait_for(lambda: len(told()) >= number, what="the line of the end")
            self.assertEqual(number, len(told()))
            self.assertLessEqual(relay.connections - before, 5)
        accepted = sum(door.metrics().sum("postigo_connections_accepted_total") for door in doors)
        self.assertEqual(2 * 6, accepted, "the client's and five hops, for each login")
        for door in doors:
            door.stop()

    def test_t63_two_proxies(self):
        for way, mode in self.WAYS:
            for tls in ("off", "starttls", "implicit"):
                with self.subTest(way=way, tls=tls):
                    self.ends(2, way, mode, tls)

    def test_t63_one_and_itself(self):
        for way, mode in self.WAYS:
            with self.subTest(way=way):
                self.ends(1, way, mode, "off")

    def test_t63_many_at_once(self):
        """What one login costs is what each costs: nothing runs out."""
        doors, relay = self.circle(2, ("v2", False), "accept", "off")
        wires = [Imap.open(doors[0], "off", source=CLIENT) for _ in range(40)]
        for wire in wires:
            self.addCleanup(wire.close)
            wire.send("a LOGIN alice x\r\n")
        for wire in wires:
            self.assertRegex(wire.until("a")[-1], rb"^a NO \[UNAVAILABLE\]")
        self.assertLessEqual(relay.connections, 40 * 3)
        for door in doors:
            self.assertEqual(0, door.metrics().sum("postigo_rejected_total"))

    def test_t63_a_short_chain_is_no_circle(self):
        """Five proxies, one behind the other, and a backend: as many as Dovecot would let pass."""
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        doors = [platform.postigo({}, start=False) for _ in range(5)]
        fake.imaps = fake.imap
        fake.pop3 = fake.pop3s = 110
        for door, following in zip(doors, doors[1:] + [fake]):
            door.write(listeners=listeners(door, "off"), backends=backend(following, "off", True, "off"),
                       pool='[[pool]]\nname = "main"\nbackends = ["next"]')
            self.addCleanup(door.stop)
            door.start()
        with Imap.open(doors[0], source=CLIENT) as wire:
            wire.logged_in("alice", "x")
        self.assertIn(b'"x-proxy-ttl" "1"', fake.last.said())


class WithDovecot(unittest.TestCase):
    """Dovecot's own proxy and we understand each other's count."""

    def door(self):
        made = platform.postigo(start=False, trusted=True)
        made.imap, made.pop3 = before_dovecot
        made.write(listeners=listeners(made, "off"))
        self.addCleanup(made.stop)
        return made.start()

    def test_t63_a_circle_of_both(self):
        """We say 5, Dovecot 4, we 3, it 2, we 1, and it ends. (By IMAP it sees at once from our ID that it is a circle.)"""
        door = self.door()
        with Pop3.open(door, "off", source=CLIENT) as wire:
            wire.ok("USER nobody")
            self.assertRegex(wire.command("PASS x"), rb"^-ERR ")
        self.assertEqual(1, platform.a.log().count("TTL reached zero - proxies appear to be looping"))
        self.assertEqual(3, door.metrics().sum("postigo_connections_accepted_total"))

    def test_who_lives_there_gets_in(self):
        door = self.door()
        for kind in KINDS.values():
            with kind.open(door, source=CLIENT) as wire:
                wire.logged_in(platform.fresh_user(), PASSWORD)


class Strangers(unittest.TestCase):
    """T63, A4: who is not in proxy_trusted says nothing about hops."""

    def test_t63_a4_a_client_is_not_believed(self):
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server())
        self.addCleanup(fake.stop)
        door = platform.postigo({"fake": fake}, trusted=True, start=False)
        door.write(listeners=listeners(door, "accept"))
        self.addCleanup(door.stop)
        door.start()
        with Imap.open(door, source=CLIENT) as wire:
            wire.ok('ID ("x-proxy-ttl" "1" "x-originating-ip" "9.9.9.9" "x-connected-name" "forged.example")')
            wire.logged_in("alice", "x")
        self.assertIn(b'"x-proxy-ttl" "5"', fake.last.said())
        self.assertNotIn(b"9.9.9.9", fake.last.said())
        self.assertNotIn(b"forged", fake.last.said())
        self.assertIn(b'"x-connected-name" "localhost"', fake.last.said())
        with Pop3.open(door, source=CLIENT) as wire:
            self.assertNotIn(b"XCLIENT", wire.greeting)
            self.assertTrue(wire.command("XCLIENT ADDR=9.9.9.9 TTL=1").startswith(b"-ERR"))
            wire.logged_in("alice", "x")


if __name__ == "__main__":
    unittest.main()
