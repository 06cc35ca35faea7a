"""Behind proxies that speak for their users: the client's address and fields for the backend's passdb, all the way.

A Dovecot or a test plays the first proxy; then come two of us; at the end a Dovecot takes a field into the user's name.
"""

import base64
import os
import unittest

from tests.differential.servers.dovecot import Dovecot24
from tests.differential.servers.roots import Unavailable
from tests.differential.servers.server import PASSWORD as PASSWORD24
from tests.e2e.harness import PASSWORD, Dovecot, Imap, Platform, Pop3, free_ports, wait_for
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

KINDS = {"imap": Imap, "pop3": Pop3}
SPEAKER, MIDDLE, BALANCER, STRANGER, CLIENT = "127.0.0.50", "127.0.0.51", "127.0.0.52", "127.0.0.53", "198.51.100.7"
# For those whom no other passdb knows: `guest` is who he is with the field before.
TENANT = "passdb {\n  driver = static\n  args = nopassword=y user=%{passdb:forward_tenant}.%u\n}\n"
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",), dovecot_extra=TENANT)
    unittest.addModuleCleanup(platform.stop)


def listeners(door, **lists):
    more = "".join(f'{key} = ["{value}"]\n' for key, value in lists.items())
    return "\n".join(door.listener(name, getattr(door, name), "implicit" if name.endswith("s") else "starttls") + more
                     for name in ("imap", "imaps", "pop3", "pop3s"))


def fields_of(**fields):
    return base64.b64encode("\t".join(f"{name}={value}" for name, value in fields.items()).encode()).decode()


def heard(fake):
    """By all of its connections: some may only be ready for a login."""
    return b"".join(peer.said() for peer in fake.peers)


def introduce(wire, client=CLIENT, port=4711, **fields):
    """As Dovecot's proxy does it."""
    if isinstance(wire, Imap):
        pairs = {"x-originating-ip": client, "x-originating-port": port, "x-connected-ip": "203.0.113.9",
                 "x-connected-port": 993, "x-session-id": "first/SESSION", "x-client-transport": "TLS",
                 **{f"x-forward-{name}": value for name, value in fields.items()}}
        wire.ok("ID (" + " ".join(f'"{key}" "{value}"' for key, value in pairs.items()) + ")")
    else:
        wire.ok(f"XCLIENT ADDR={client} PORT={port} DESTADDR=203.0.113.9 DESTPORT=993 SESSION=first/SESSION "
                f"CLIENT-TRANSPORT=TLS FORWARD={fields_of(**fields)}")


class Chain(unittest.TestCase):
    """SPEAKER, two of us, a backend."""

    def two(self, backends, **options):
        last = platform.postigo(backends, trusted=True, start=False, **options)
        last.write(listeners=listeners(last, forward_trusted=MIDDLE))
        first = platform.postigo({"next": last}, trusted=True, start=False, backend_more=f'source = ["{MIDDLE}"]\n')
        first.write(listeners=listeners(first, forward_trusted=SPEAKER, proxy_trusted=BALANCER))
        for door in (last, first):
            self.addCleanup(door.stop)
            door.start()
        return first, last

    def arrives(self, backends, log, password):
        first, last = self.two(backends)
        for name, kind in KINDS.items():
            with kind.open(first, "off", source=SPEAKER) as wire:
                introduce(wire, tenant=f"gold-{name}", note="a b" + "v" * 300)
                wire.logged_in("guest", password)
                lines = wait_for(lambda who=f"user=<gold-{name}.guest>": [line for line in log() if who in line], 30,
                                 what=lambda: "\n".join(log()[-5:]))
                self.assertIn(f"rip={CLIENT},", lines[-1])
                self.assertIn("first/SESSION", lines[-1])
        for door, via in ((first, SPEAKER), (last, MIDDLE)):
            for line in door.wait_lines("login", 2, client=f"{CLIENT}:4711", via_id="first/SESSION", via_tls="yes"):
                self.assertTrue(line["via"].startswith(via + ":"), line)
                self.assertEqual("203.0.113.9:993", line["local"])

    def test_a_field_reaches_dovecot_23(self):
        self.arrives({"a": platform.a}, lambda: [line for line in platform.a.log().splitlines() if "Login: " in line],
                     PASSWORD)

    def test_a_field_reaches_dovecot_24(self):
        server = Trusting24()
        try:
            self.addCleanup(server.stop)
            server.start()
        except Unavailable as why:
            self.skipTest(str(why))
        self.arrives({"new": server}, lambda: [line for line in server.log().splitlines() if "Logged in: " in line],
                     PASSWORD24)

    def test_a4_nobody_else_says_a_word(self):
        """Balancers and strangers before the first; what a client of a speaker says behind it."""
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server(greeting="+OK [XCLIENT] ready\r\n"))
        self.addCleanup(fake.stop)
        first, last = self.two({"fake": fake})
        for who in (BALANCER, STRANGER):
            for kind in KINDS.values():
                with kind.open(first, "off", source=who) as wire:
                    if kind is Imap or who == BALANCER:
                        introduce(wire, tenant="forged")
                    else:
                        self.assertTrue(wire.command("XCLIENT TTL=1").startswith(b"-ERR"))
                    wire.logged_in("alice", "x")
                for forged in (b"forged", b"FORWARD", CLIENT.encode(), b"first/SESSION", b"203.0.113.9"):
                    self.assertNotIn(forged, heard(fake), f"{who} {kind}")
            self.assertEqual(2, heard(fake).count(who.encode()))
        with Imap.open(first, "off", source=SPEAKER) as wire:
            introduce(wire, tenant="gold")
            wire.ok('ID ("x-originating-ip" "9.9.9.9" "x-forward-admin" "yes" "name" "Mutt")')
            wire.logged_in("alice", "x")
        self.assertIn(b'"x-forward-tenant" "gold"', heard(fake))
        self.assertIn(b'"name" "Mutt"', heard(fake))
        self.assertNotIn(b"9.9.9.9", heard(fake))
        self.assertNotIn(b"admin", heard(fake))

    def test_a_backend_that_is_not_trusted_hears_nothing(self):
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server(greeting="+OK [XCLIENT] ready\r\n"))
        self.addCleanup(fake.stop)
        door = platform.postigo({"fake": fake}, start=False)
        door.write(listeners=listeners(door, forward_trusted=SPEAKER))
        door.start()
        for kind in KINDS.values():
            with kind.open(door, "off", source=SPEAKER) as wire:
                introduce(wire, tenant="gold")
                wire.logged_in("alice", "x")
            for word in (b"gold", b"FORWARD", CLIENT.encode()):
                self.assertNotIn(word, heard(fake))


class Trusting24(Dovecot24):
    """Believes proxies of this machine, and takes the field into the user's name."""

    host, imaps, pop3s = "127.0.0.1", 0, 0

    def configure(self):
        super().configure()
        with open(os.path.join(self.root, "etc/dovecot/dovecot.conf"), encoding="utf-8") as file:
            text = file.read()
        self.write("etc/dovecot/dovecot.conf", text.replace(
            "passdb static {", "login_trusted_networks = 127.0.0.0/8\npassdb static {\n  fields {\n"
                               "    user = %{passdb:forward_tenant}.%{user}\n  }"))


class DovecotBefore(unittest.TestCase):
    """Dovecot's own proxy, whose passdb has the field, before us."""

    def test_what_its_passdb_says_arrives(self):
        imap, pop3 = free_ports(2)
        before = Dovecot(os.path.join(platform.folder, "before"), platform.certificates, extra=(
            "login_trusted_networks =\npassdb {\n  driver = static\n  args = proxy=y nopassword=y host=127.0.0.1 "
            f"port=%{{if;%s;eq;imap;{imap};{pop3}}} forward_tenant=blue\n}}\n"))
        self.addCleanup(before.stop)
        door = platform.postigo(start=False, trusted=True)
        door.imap, door.pop3 = imap, pop3
        door.write(listeners=listeners(door, forward_trusted="127.0.0.1"))
        self.addCleanup(door.stop)
        door.start()
        for count, kind in enumerate(KINDS.values(), 1):
            with kind.open(before, "off", source="127.0.0.77") as wire:
                wire.logged_in("visitor", "any")
                self.assertIn("rip=127.0.0.77,", platform.a.wait_login("blue.visitor", count)[-1])
        for line in door.wait_lines("login", 2, user="visitor"):
            self.assertTrue(line["client"].startswith("127.0.0.77:"), line)
            self.assertTrue(line["via"].startswith("127.0.0.1:"), line)


class Limits(unittest.TestCase):
    """Limits and penalties are about the client, and the proxy is no client."""

    def door(self, limits, backends=None):
        door = platform.postigo(backends, start=False, limits="[limits]\n" + limits)
        door.write(listeners=listeners(door, forward_trusted=SPEAKER))
        self.addCleanup(door.stop)
        return door.start()

    def test_sessions_of_an_address(self):
        door = self.door("sessions_per_address = 1\n")
        held = []
        for number in range(3):
            for kind in KINDS.values():
                wire = kind.open(door, "off", source=SPEAKER)
                self.addCleanup(wire.close)
                introduce(wire, client=f"198.51.100.{len(held)}")
                held.append(wire.logged_in("alice", PASSWORD))
        with Imap.open(door, "off", source=SPEAKER) as wire:
            introduce(wire, client="198.51.100.2")
            wire.send('a LOGIN "alice" "x"\r\n')
            self.assertTrue(wire.line().startswith(b"* BYE"))
        door.wait_session(reason="address_limit")
        held[2].ok("LOGOUT")
        door.wait_session(2, client="198.51.100.2:4711")
        with Imap.open(door, "off", source=SPEAKER) as wire:
            introduce(wire, client="198.51.100.2")
            wire.logged_in("alice", PASSWORD)

    def test_who_it_is_for_operators(self):
        answers = ["NO [AUTHENTICATIONFAILED] no", "OK [CAPABILITY IMAP4rev1] in"]
        fake = FakeBackend(imap=imap_server(login=lambda peer, tag: peer.send(f"{tag} {answers.pop(0)}\r\n")))
        self.addCleanup(fake.stop)
        door = self.door('auth_failure_delay = "1ms"\n', {"fake": fake})
        with Imap.open(door, "off", source=SPEAKER) as wire:
            introduce(wire, client="2001:db8::7")
            self.assertTrue(wire.login("alice", "wrong")[-1].startswith(b"NO"))
            wire.logged_in("alice", PASSWORD)
            listed = door.ctl("who", "--address", "2001:db8::7")
            self.assertEqual(["[2001:db8::7]:4711"], [each["client"] for each in listed["sessions"]])
        line, = door.wait_lines("login_refused")
        self.assertEqual("[2001:db8::7]:4711", line["client"])
        self.assertTrue(line["via"].startswith(SPEAKER + ":"), line)


if __name__ == "__main__":
    unittest.main()
