"""T67: which of our addresses connections to backends come from, and what happens when no port is left."""

import collections
import json
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, wait_for
from tests.e2e.harness.namespace import Namespace
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

ADDRESSES = ("127.0.0.21", "127.0.0.22", "127.0.0.23")  # Linux has all of 127.0.0.0/8
ONE_WORKER = '[server]\nhostname = "mail.example.com"\nworkers = 1'
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def source(*addresses):
    return f"source = {json.dumps(addresses)}\n" if addresses else ""


class Case(unittest.TestCase):
    def door(self, backend, *addresses, start=True, **sections):
        made = platform.postigo({"b": backend}, start=False, backend_more=source(*addresses), server=ONE_WORKER,
                                **sections)
        self.addCleanup(made.stop)
        return made.start() if start else made

    def backend(self):
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server())
        self.addCleanup(fake.stop)
        return fake

    def session(self, door, client="127.0.0.1"):
        """Logged in, and ended with the test."""
        wire = Imap.open(door, "off", source=client)
        self.addCleanup(wire.close)
        return wire.logged_in("alice", PASSWORD)


class Sources(Case):
    @staticmethod
    def seen(fake):
        return [peer.socket.getpeername()[0] for peer in fake.peers]

    def test_t67_each_in_turn(self):
        fake = self.backend()
        door = self.door(fake, *ADDRESSES)
        for _ in range(6):
            self.session(door)
        self.assertEqual(list(ADDRESSES) * 2, self.seen(fake))
        self.assertEqual(set(ADDRESSES), {line["backend_local"].split(":")[0] for line in door.lines("login")})

    def test_t67_a_real_backend_sees_them(self):
        door = self.door(platform.a, *ADDRESSES[:2])
        user = platform.fresh_user()
        for kind in (Imap, Pop3, Imap, Pop3):
            with kind.open(door) as wire:
                wire.logged_in(user, PASSWORD)
        lines = platform.a.wait_login(user, 4)
        self.assertEqual(2, sum(f"real={ADDRESSES[0]}" in line for line in lines))
        self.assertEqual(2, sum(f"real={ADDRESSES[1]}" in line for line in lines))

    def test_t67_families_do_not_mix(self):
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        six = FakeBackend(imap=imap_server(), host="::1")
        self.addCleanup(six.stop)
        for backend, host, expected in ((fake, "127.0.0.1", ADDRESSES[0]), (six, "::1", "::1")):
            door = self.door(backend, "::1", ADDRESSES[0], start=False)
            door.write(backends=door.sections["backends"].replace('host = "127.0.0.1"', f'host = "{host}"'))
            door.start()
            for _ in range(3):
                self.session(door)
            self.assertEqual([expected] * 3, self.seen(backend))
            door.stop()

    def test_t67_check_and_reload_refuse_what_the_machine_has_not(self):
        fake = self.backend()
        door = self.door(fake, "192.0.2.55", start=False)
        told = door.tool("check", check=False)
        self.assertNotEqual(0, told.returncode)
        self.assertRegex(told.stdout + told.stderr,
                         r'postigo\.toml:\d+:\d+: backend\.source: "192\.0\.2\.55" is no address of this machine')
        good = door.sections["backends"].replace("192.0.2.55", ADDRESSES[0])
        door.write(backends=good)
        door.start()
        self.session(door)
        door.write(backends=good.replace(ADDRESSES[0], "192.0.2.55"))
        door.program.signal(1)
        self.assertIn("is no address of this machine", door.wait_lines("configuration_error")[0]["detail"])
        self.session(door)
        door.write(backends=good.replace(ADDRESSES[0], ADDRESSES[1]))
        self.assertEqual("done", door.ctl("reload").get("result", "done"))
        self.session(door)
        self.assertEqual([ADDRESSES[0], ADDRESSES[0], ADDRESSES[1]], self.seen(fake))


class Exhausted(Case):
    """In a network with eight ports."""

    PORTS = 8

    def setUp(self):
        try:
            self.network = Namespace()
        except OSError as error:
            self.skipTest(f"no network of our own here: {error}")
        self.addCleanup(self.network.leave)

    def fill(self, *addresses):
        """(door, backend), with no port left."""
        fake = self.backend()
        door = self.door(fake, *addresses, limits='[limits]\nauth_failure_delay = "10ms"')
        self.network.write("ipv4/ip_local_port_range", f"40000 {40000 + self.PORTS - 1}")
        self.clients = (("127.0.0.1", port) for port in range(50000, 60000))  # they must take none of those ports
        for _ in range(self.PORTS * max(1, len(addresses))):
            self.session(door, next(self.clients))
        return door, fake

    def refused(self, door):
        with Imap.open(door, "off", source=next(self.clients)) as wire:
            self.assertRegex(wire.login("alice", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")

    def told_and_counted(self, door, fake):
        for _ in range(3):
            self.refused(door)
        away = door.wait_lines("backend_away")
        self.assertEqual([("no_port", "no port is free, or no address is there, to connect from")], [(e["error"], e["detail"]) for e in away])
        self.assertEqual(3, door.metrics().sum("postigo_backend_errors_total", reason="no_port"))
        fake.peers[3].end()  # a port comes back, without TIME-WAIT on our side

        def served():
            with Imap.open(door, "off", source=next(self.clients)) as wire:
                return wire.login("alice", PASSWORD)[-1].startswith(b"OK")
        wait_for(served, what="a port")
        door.wait_lines("backend_back")

    def test_t67_all_addresses_are_used_up(self):
        door, fake = self.fill(*ADDRESSES[:2])
        used = collections.Counter(peer.socket.getpeername()[0] for peer in fake.peers)
        self.assertEqual({ADDRESSES[0]: self.PORTS, ADDRESSES[1]: self.PORTS}, used)
        self.told_and_counted(door, fake)

    def test_t67_one_that_is_used_up_is_passed_over(self):
        """Every other turn is an address without ports: no login notices."""
        door, fake = self.fill(ADDRESSES[0])
        door.write(backends=door.sections["backends"].replace(source(ADDRESSES[0]), source(*ADDRESSES[:2])))
        door.ctl("reload")
        for _ in range(self.PORTS):
            self.session(door, next(self.clients))
        self.assertEqual({ADDRESSES[1]}, {peer.socket.getpeername()[0] for peer in fake.peers[self.PORTS:]})
        self.assertEqual([], door.lines("backend_away"))

    def test_t67_without_source_the_same_is_told(self):
        self.told_and_counted(*self.fill())


if __name__ == "__main__":
    unittest.main()
