"""PROXY headers of balancers before us (A27): who is believed, in which pieces, and what becomes of the address."""

import os
import ssl
import time
import unittest

from tests.e2e.harness import Imap, PASSWORD, Platform, Pop3, Wire, wait_for
from tests.e2e.harness import proxy_header as header
from tests.e2e.harness.haproxy import HAPROXY, balancer

HERE, STRANGER = "127.0.0.1", "127.0.0.9"  # Linux has all of 127.0.0.0/8
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def listeners(door, mode, trusted=f'["{HERE}"]'):
    """All four, in this mode."""
    texts = [door.listener(name, getattr(door, name), "implicit" if name.endswith("s") else "starttls")
             for name in ("imap", "imaps", "pop3", "pop3s")]
    return "\n".join(f'{text}proxy_protocol = "{mode}"\nproxy_trusted = {trusted}\n' for text in texts)


def start(mode="require", timeout="3s", level="info", **sections):
    door = platform.postigo(start=False, trusted=True, **sections)
    door.write(listeners=listeners(door, mode),
               limits=f'[limits]\nauth_failure_delay = "200ms"\nproxy_header_timeout = "{timeout}"',
               log=f'[log]\nformat = "json"\nlevel = "{level}"\nfile = "{door.log_file}"')
    return door.start()


class Case(unittest.TestCase):
    def context(self):
        return ssl.create_default_context(cafile=platform.certificates.ca)

    def wire(self, door, port, kind=Imap, source=HERE):
        wire = kind((door.host, port), source=source)
        self.addCleanup(wire.close)
        return wire

    def refused(self, door, port, data, reason, source=HERE, detail=None):
        """The connection ends without a word, and the log says why."""
        count = len(door.lines("session", reason=reason))
        try:
            with Wire((door.host, port), source=source) as wire:
                if data:
                    wire.send(data)
                self.assertTrue(wire.ended(5), wire.heard)
        except ConnectionError:
            pass  # the reset came before connect() or send() was through
        line = door.wait_lines("session", count + 1, reason=reason)[-1]
        self.assertTrue(line["client"].startswith(source), line)
        self.assertEqual("preamble", line["phase"])
        if detail:
            self.assertEqual(detail, line["detail"])


class Believed(Case):
    """From a trusted peer: both versions, in any packets, in clear text and before TLS."""

    @classmethod
    def setUpClass(cls):
        cls.door = start()
        cls.addClassCleanup(cls.door.stop)

    def login(self, wire, user, client="192.0.2.7:40001"):
        """Logs in and looks at all who must know the address: our log, and Dovecot's."""
        wire.logged_in(user, PASSWORD)
        line = self.door.wait_lines("login", user=user)[0]
        host, port = wire.socket.getsockname()
        self.assertEqual((client, f"{host}:{port}"), (line["client"], line["via"]))
        rip = client.rpartition(":")[0].strip("[]")
        self.assertIn(f"rip={rip}, rport=40001,", platform.a.wait_login(user)[0])
        return line

    def test_a27_version_1_in_clear(self):
        wire = self.wire(self.door, self.door.imap)
        wire.send(header.v1())
        wire.line()
        line = self.login(wire, platform.fresh_user())
        self.assertEqual("198.51.100.1:993", line["local"])
        wire.ok("LOGOUT")
        self.assertEqual(line["via"], self.door.wait_lines("session", user=line["user"])[0]["via"])

    def test_a27_version_2_before_tls(self):
        wire = self.wire(self.door, self.door.imaps)
        wire.send(header.v2())
        wire.tls(self.context()).line()
        self.login(wire, platform.fresh_user())

    def test_a27_version_2_before_starttls(self):
        wire = self.wire(self.door, self.door.pop3, Pop3)
        wire.send(header.v2())
        wire.line()
        wire.start_tls(self.context())
        self.login(wire, platform.fresh_user())

    def test_a27_ipv6_is_told_by_a_balancer_with_ipv4(self):
        for text in (header.v1, header.v2):
            wire = self.wire(self.door, self.door.imap)
            wire.send(text(header.CLIENT6, header.SERVER6))
            wire.line()
            line = self.login(wire, platform.fresh_user(), "[2001:db8::7]:40001")
            self.assertEqual("[2001:db8::1]:993", line["local"])

    def test_a27_octet_by_octet(self):
        for text in (header.v1(), header.v2(tlvs=header.tlv(2, b"mail.example.com"))):
            wire = self.wire(self.door, self.door.imap)
            wire.send_slowly(text)
            wire.line()
            self.login(wire, platform.fresh_user())

    def test_a27_glued_to_the_first_command(self):
        user = platform.fresh_user()
        for text in (header.v1(), header.v2()):
            wire = self.wire(self.door, self.door.imap)
            wire.send(text + f"a LOGIN {user} {PASSWORD}\r\nb NOOP\r\n".encode())
            self.assertTrue(wire.until("b")[-1].startswith(b"b OK"))
        self.assertEqual(2, len(self.door.wait_lines("login", 2, user=user, client="192.0.2.7:40001")))

    def test_a27_glued_to_the_client_hello(self):
        for text in (header.v1(), header.v2()):
            wire = self.wire(self.door, self.door.imaps)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = self.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with self.assertRaises(ssl.SSLWantReadError):
                client.do_handshake()
            wire.send(text + outgoing.read())
            greeting = b""
            while not greeting:
                incoming.write(wire.socket.recv(65536))
                try:
                    client.do_handshake()
                    wire.socket.sendall(outgoing.read())
                    greeting = client.read()
                except ssl.SSLWantReadError:
                    wire.socket.sendall(outgoing.read())
            self.assertIn(b"* OK [CAPABILITY", greeting)

    def test_what_the_balancer_knows_is_in_the_log(self):
        user = platform.fresh_user()
        wire = self.wire(self.door, self.door.imap)
        wire.send(header.v2(tlvs=header.tlv(1, b"imap") + header.tlv(2, b"mail.example.com") + header.tls()
                            + header.tlv(5, b"lb-1\n2")))
        wire.line()
        line = self.login(wire, user)
        self.assertEqual(("mail.example.com", "TLSv1.3", "imap", r"lb-1\x0A2".lower()),
                         (line["sni"], line["via_tls"], line["via_alpn"], line["via_id"].lower()))
        wire.ok("LOGOUT")
        over = self.door.wait_lines("session", user=user)[0]
        self.assertEqual((line["via_alpn"], line["via_id"]), (over["via_alpn"], over["via_id"]))

    def test_a27_an_alpn_that_is_no_name_stays_out_of_the_log(self):
        """Nor does it cost the client his session."""
        for name in (b"imap\r\nevent=login user=root", b"\x1b[2J", b"i" * 256, b""):
            user = platform.fresh_user()
            wire = self.wire(self.door, self.door.imap)
            wire.send(header.v2(tlvs=header.tlv(1, name) + header.tlv(5, b"lb-1")))
            wire.line()
            line = self.login(wire, user)
            self.assertEqual("lb-1", line["via_id"])
            self.assertNotIn("via_alpn", line)

    def test_a27_families_without_an_address_of_ours(self):
        for family, size in ((0x00, 0), (0x12, 12), (0x31, 216)):
            wire = self.wire(self.door, self.door.imap)
            wire.send(header.raw(header.PROXY, family, b"x" * size))
            wire.line()
            user = platform.fresh_user()
            wire.logged_in(user, PASSWORD)
            line = self.door.wait_lines("login", user=user)[0]
            self.assertEqual(line["via"], line["client"])

    def test_a_refusal_bears_the_address(self):
        wire = self.wire(self.door, self.door.imap)
        wire.send(header.v1(("192.0.2.99", 5)))
        wire.line()
        self.assertIn(b"AUTHENTICATIONFAILED", wire.login("nobody", "x")[-1])
        line = self.door.wait_lines("login_refused", client="192.0.2.99:5")[0]
        self.assertTrue(line["via"].startswith(HERE + ":"))
        self.assertEqual("claimed_user", list(line)[-1])


class Refused(Case):
    """A27: headers that are wrong, from nobody whom we trust, or not there."""

    @classmethod
    def setUpClass(cls):
        cls.door = start(timeout="1s")
        cls.addClassCleanup(cls.door.stop)

    def test_a27_a_stranger_is_closed_at_once(self):
        for port in (self.door.imap, self.door.imaps):
            for data in (b"", header.v1(), header.v2()):
                self.refused(self.door, port, data, "proxy_header_untrusted", STRANGER)
        self.assertGreaterEqual(
            self.door.metrics().sum("postigo_disconnects_total", reason="proxy_header_untrusted"), 6)

    def test_a27_garbage(self):
        for port in (self.door.imap, self.door.imaps):
            for data, detail in ((b"a1 NOOP\r\n", "no header"), (b"\x16\x03\x01\x02\x00", "no header"),
                                 (b"PROXY TCP4 1.2.3.4\r\n", "not two addresses and two ports"),
                                 (b"PROXY " + b"x" * 200, "the line is too long"),
                                 (header.raw(header.PROXY, 0x11, b"short"), "too short for its addresses"),
                                 (header.raw(header.PROXY, 0x11, b"x" * 5000), "the header is too long"),
                                 (header.v2(tlvs=b"\x05\xff\xff"), "a TLV is longer than the header"),
                                 (header.v2(tlvs=header.tlv(3, b"1234")), "CRC32C does not match"),
                                 (header.raw(0x31, 0x11, b"x" * 12), "neither version 1 nor 2"),
                                 (header.raw(0x2f, 0x11, b"x" * 12), "neither LOCAL nor PROXY")):
                self.refused(self.door, port, data, "proxy_header_invalid", detail=detail)

    def test_a27_a_second_header_is_a_bad_command(self):
        wire = self.wire(self.door, self.door.imap)
        wire.send(header.v1() + header.v1(("203.0.113.1", 1)))
        wire.line()
        self.assertIn(b" BAD ", wire.line() + b" ")

    def test_too_slow(self):
        for data in (b"", b"PROXY TCP4 ", header.v2()[:-1]):
            begin = time.monotonic()
            self.refused(self.door, self.door.imap, data, "proxy_header_timeout")
            self.assertLess(time.monotonic() - begin, 4)


class Accepting(Case):
    """With "accept" a header is welcome from those whom we trust, and nobody needs one."""

    @classmethod
    def setUpClass(cls):
        cls.door = start("accept", timeout="1s")
        cls.addClassCleanup(cls.door.stop)

    def test_with_a_header(self):
        wire = self.wire(self.door, self.door.imaps)
        wire.send(header.v2())
        wire.tls(self.context()).line()
        user = platform.fresh_user()
        wire.logged_in(user, PASSWORD)
        self.assertEqual("192.0.2.7:40001", self.door.wait_lines("login", user=user)[0]["client"])

    def test_without_one(self):
        """Who speaks first is served at once, who waits for a greeting has it after the time for a header."""
        for mode in ("implicit", "off"):
            with Imap.open(self.door, mode, source=HERE) as wire:
                user = platform.fresh_user()
                wire.logged_in(user, PASSWORD)
                self.assertNotIn("via", self.door.wait_lines("login", user=user)[0])

    def test_a27_a_stranger_is_not_believed(self):
        with Imap.open(self.door, "off", source=STRANGER) as wire:
            wire.send(header.v1())
            self.assertIn(b"BAD", wire.line())
            user = platform.fresh_user()
            wire.logged_in(user, PASSWORD)
            line = self.door.wait_lines("login", user=user)[0]
            self.assertTrue(line["client"].startswith(STRANGER))
            self.assertNotIn("via", line)
        wire = self.wire(self.door, self.door.imaps, Wire, STRANGER)
        wire.send(header.v2())
        wire.socket.settimeout(5)
        wire.rest()  # an alert
        self.door.wait_lines("session", reason="tls_failed")


class HealthChecks(Case):
    """LOCAL, and clients that come through a balancer and leave without a word, leave no line above debug."""

    @classmethod
    def setUpClass(cls):
        cls.door = start(level="debug")
        cls.addClassCleanup(cls.door.stop)

    def probed(self, count):
        wait_for(lambda: self.door.metrics().sum("postigo_disconnects_total", reason="probe") >= count,
                 what=f"{count} probes")
        self.assertEqual([], self.door.lines("session"))

    def test_a27_local(self):
        before = self.door.metrics().sum("postigo_disconnects_total", reason="probe")
        local = header.raw(header.LOCAL, 0x00, b"")
        for port in (self.door.imap, self.door.imaps):
            for data in (local, header.raw(header.LOCAL, 0x11, b"x" * 12), header.v2()):
                wire = self.wire(self.door, port, Wire)
                wire.send(data)
                if port == self.door.imap:
                    wire.line()
                wire.close()
        self.probed(before + 6)
        with self.wire(self.door, self.door.imap) as wire:
            wire.send(local)
            wire.line()
            wire.ok("LOGOUT")
        self.probed(before + 7)


@unittest.skipUnless(HAPROXY, "haproxy is not installed")
class HAProxy(Case):
    """The real one before us, with both versions, its health checks and its TLS."""

    def balancer(self, door, options, bind=""):
        program, port = balancer(platform.scratch("haproxy"), door.imap, options, bind)
        self.addCleanup(program.stop)
        return port

    def login(self, door, port, context=None):
        def greeted():
            try:
                wire = Imap((HERE, port), source=STRANGER)
                if context:
                    wire.tls(context)
                wire.line()
                return wire
            except Exception:  # it is starting
                return None
        wire = wait_for(greeted, what="HAProxy")
        self.addCleanup(wire.close)
        user = platform.fresh_user()
        wire.logged_in(user, PASSWORD)
        line = door.wait_lines("login", user=user)[0]
        host, port = wire.socket.getsockname()
        self.assertEqual(f"{host}:{port}", line["client"])
        self.assertTrue(line["via"].startswith(HERE))
        self.assertIn(f"rip={STRANGER},", platform.a.wait_login(user)[0])
        return line

    def test_both_versions_and_health_checks(self):
        for option in ("send-proxy", "send-proxy-v2"):
            door = start()
            self.login(door, self.balancer(door, f"{option} check inter 100ms"))
            wait_for(lambda: door.metrics().sum("postigo_disconnects_total", reason="probe") > 2, what="probes")
            door.stop()
            self.assertEqual([], [line for line in door.lines("session") if not line.get("user")])

    def test_tls_that_ends_there(self):
        pem = os.path.join(platform.scratch("pem"), "both.pem")
        with open(pem, "w", encoding="utf-8") as to:
            for path in platform.certificates.server:
                with open(path, encoding="utf-8") as part:
                    to.write(part.read())
        door = start()
        line = self.login(door, self.balancer(door, "send-proxy-v2-ssl-cn proxy-v2-options authority,crc32c,unique-id",
                                              f"ssl crt {pem}\n  unique-id-format %[uuid()]"), self.context())
        self.assertEqual(("localhost", "TLSv1.3"), (line["sni"], line["via_tls"]))
        self.assertEqual(36, len(line["via_id"]))


if __name__ == "__main__":
    unittest.main()
