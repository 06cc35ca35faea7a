"""IPv6 end to end: listeners, backends, the admin pages, the log, and what a backend is told of the client."""

import json
import re
import socket
import unittest
import urllib.request

from tests.e2e.harness import Imap, Platform, Pop3, free_ports
from tests.fakes.backend import FakeBackend, imap_server, pop3_server
from tests.fakes.dns import FakeDns

platform = None


def setUpModule():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        raise unittest.SkipTest(f"this machine has no ::1 ({error})") from None
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


def listener(protocol, port):
    """On both families, with the same port."""
    return (f'[[listener]]\nprotocol = "{protocol}"\naddress = ["127.0.0.1:{port}", "[::1]:{port}"]\ntls = "starttls"\n'
            "plaintext_login = true\n")


class Six:
    """A Postigo as clients see it on ::1."""

    host = "::1"

    def __init__(self, postigo):
        self.imap, self.pop3, self.ca = postigo.imap, postigo.pop3, postigo.ca
        self.imaps = self.pop3s = 0


class Ipv6(unittest.TestCase):
    """A backend on ::1 that notes what it was told; a Postigo that listens on ::1 and on 127.0.0.1."""

    def start(self, host="::1", backend_host="::1", more=""):
        self.backend = FakeBackend(imap=imap_server(), pop3=pop3_server(greeting="+OK [XCLIENT] ready\r\n"),
                                   host=backend_host)
        self.addCleanup(self.backend.stop)
        door = platform.postigo(start=False, backends={})
        door.write(
            listeners=listener("imap", door.imap) + listener("pop3", door.pop3),
            backends=f'[[backend]]\nname = "six"\nhost = "{host}"\nimap_port = {self.backend.imap}\n'
                     f"pop3_port = {self.backend.pop3}\ntrusted = true",
            pool='[[pool]]\nname = "main"\nbackends = ["six"]', more=more)
        self.addCleanup(door.stop)
        return door.start()

    def told(self, pattern):
        """What the backend was told of the client, as a match."""
        said = b"".join(peer.said() for peer in self.backend.peers)
        match = re.search(pattern.encode(), said)
        self.assertIsNotNone(match, said)
        return match

    def logged_in(self, kind, door):
        wire = kind.open(door, "off")
        self.addCleanup(wire.close)
        wire.logged_in("alice", "secret")
        return wire

    def test_imap(self):
        door = self.start()
        wire = self.logged_in(Imap, Six(door))
        port = wire.socket.getsockname()[1]
        self.told(rf'ID \([^)]*"x-originating-ip" "::1" "x-originating-port" "{port}" "x-connected-ip" "::1" '
                  rf'"x-connected-port" "{door.imap}"')
        wire.ok("LOGOUT")
        session = door.wait_session(user="alice")[0]
        self.assertEqual(f"[::1]:{port}", session["client"])

    def test_pop3(self):
        door = self.start()
        wire = self.logged_in(Pop3, Six(door))
        port = wire.socket.getsockname()[1]
        self.told(rf"XCLIENT ADDR=::1 PORT={port} DESTADDR=::1 DESTPORT={door.pop3} ")
        wire.ok("QUIT")
        self.assertEqual(f"[::1]:{port}", door.wait_session(user="alice")[0]["client"])

    def test_tls(self):
        door = self.start()
        with Imap.open(Six(door), "starttls") as wire:
            wire.logged_in("alice", "secret")

    def test_the_families_in_all_combinations(self):
        for backend_host in ("::1", "127.0.0.1"):
            door = self.start(host=backend_host, backend_host=backend_host)
            for at, client in ((Six(door), "::1"), (door, "127.0.0.1")):
                self.logged_in(Imap, at)
                self.told(f'"x-originating-ip" "{client}"')
                self.logged_in(Pop3, at)
                self.told(f"XCLIENT ADDR={client} ")

    def test_a_backend_in_brackets(self):
        self.logged_in(Imap, Six(self.start(host="[::1]")))

    def test_a_name_that_has_only_an_ipv6_address(self):
        dns = FakeDns({"six.test": "::1"})
        self.addCleanup(dns.stop)
        self.logged_in(Imap, Six(self.start("six.test", more=f'[resolver]\nservers = "127.0.0.1:{dns.port}"')))

    def test_a_name_whose_first_address_refuses(self):
        """The next one of the other family is tried."""
        for listening, other in (("::1", "127.0.0.1"), ("127.0.0.1", "::1")):
            dns = FakeDns({"both.test": [listening, other]})
            self.addCleanup(dns.stop)
            more = f'[resolver]\nservers = "127.0.0.1:{dns.port}"'
            self.logged_in(Imap, Six(self.start("both.test", backend_host=listening, more=more)))

    def test_a_backend_that_is_away(self):
        door = self.start()
        self.backend.stop()
        with Imap.open(Six(door), "off") as wire:
            self.assertIn(b"NO [UNAVAILABLE]", wire.command("LOGIN alice secret")[-1])
        self.assertIn("connection refused", door.log_text())

    def test_the_admin_pages_and_the_log(self):
        door = self.start()
        self.addCleanup(door.stop)
        door.stop()
        admin, = free_ports(1)
        door.write(admin=f'[admin]\naddress = "[::1]:{admin}"')
        door.url = lambda path: f"http://[::1]:{admin}{path}"
        door.start()
        with urllib.request.urlopen(door.url("/healthz"), timeout=5) as answer:
            self.assertEqual(b"ok\n", answer.read())
        lines = [json.loads(line) for line in door.log_text().splitlines()]
        self.assertIn(f"[::1]:{door.imap}", [line.get("address") for line in lines if line["event"] == "listening"])
        self.assertIn(f"http://[::1]:{admin}/metrics", [line.get("url") for line in lines if line["event"] == "admin"])

    def test_a_port_that_is_taken_is_told_in_brackets(self):
        door = self.start()
        second = platform.postigo(start=False, backends={})
        second.write(**{name: text for name, text in door.sections.items() if name not in ("admin", "log")})
        with self.assertRaisesRegex(AssertionError, rf"cannot listen on (127\.0\.0\.1|\[::1\]):{door.imap}"):
            second.start()
        second.kill()


if __name__ == "__main__":
    unittest.main()
