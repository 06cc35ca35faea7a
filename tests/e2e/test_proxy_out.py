"""PROXY headers that we send: Dovecot's log has the client's address, and who does not expect them is told from one who
is down."""

import re
import ssl
import time
import unittest

from tests.e2e.harness import PASSWORD, Gone, Imap, Platform, Pop3, free_ports, wait_for
from tests.e2e.harness import proxy_header as header
from tests.e2e.harness.haproxy import HAPROXY, balancer
from tests.fakes.backend import FakeBackend, imap_server

CLIENT = "127.0.0.77"  # Linux has all of 127.0.0.0/8
MODES = ("off", "starttls", "implicit")
KINDS = {"imap": Imap, "pop3": Pop3}
platform = expecting = None


class Expecting:
    """The ports of Dovecot that want a header. A door."""

    host = "127.0.0.1"

    def __init__(self):
        self.imap, self.imaps, self.pop3, self.pop3s = free_ports(4)

    def configuration(self):
        return "haproxy_trusted_networks = 127.0.0.1\n" + "".join(
            f"service {name}-login {{\n  inet_listener {name}_header {{\n    port = {getattr(self, name)}\n"
            f"    haproxy = yes\n  }}\n  inet_listener {name}s_header {{\n    port = {getattr(self, name + 's')}\n"
            "    haproxy = yes\n    ssl = yes\n  }\n}\n" for name in KINDS)


def setUpModule():
    global platform, expecting
    expecting = Expecting()
    platform = Platform(dovecots=("a",), dovecot_extra=expecting.configuration())
    unittest.addModuleCleanup(platform.stop)


def tls_table(mode):
    return "" if mode == "off" else f'{{ mode = "{mode}", ca_file = "{platform.certificates.ca}", name = "localhost" }}'


def accepting(door, trusted="127.0.0.1"):
    """All four listeners, where PROXY headers are welcome from there."""
    return "\n".join(
        door.listener(name, getattr(door, name), "implicit" if name.endswith("s") else "starttls")
        + f'proxy_protocol = "accept"\nproxy_trusted = ["{trusted}"]\n' for name in ("imap", "imaps", "pop3", "pop3s"))


class Case(unittest.TestCase):
    def door(self, backend, version, mode="off", start=True, **sections):
        made = platform.postigo({"b": backend}, start=False, backend_tls=tls_table(mode),
                                backend_more=f'proxy_protocol = "{version}"\n', **sections)
        made.write(listeners=accepting(made))
        self.addCleanup(made.stop)
        return made.start() if start else made


class Dovecot(Case):
    """The real one with `haproxy = yes`."""

    def logged(self, user, client, port):
        said = f"rip={client}, rport={port}, lip="
        line = wait_for(lambda: [each for each in platform.a.wait_login(user) if said in each], 10, said)[-1]
        self.assertIn("real=127.0.0.1", line)
        return line

    def test_every_version_protocol_and_encryption(self):
        for version in ("v1", "v2"):
            for mode in MODES:
                door = self.door(expecting, version, mode)
                for kind in KINDS.values():
                    with self.subTest(version=version, mode=mode, kind=kind.__name__):
                        user = platform.fresh_user()
                        with kind.open(door, "implicit", source=CLIENT) as wire:
                            wire.logged_in(user, PASSWORD)
                            self.logged(user, *wire.socket.getsockname())
                door.stop()

    def test_who_speaks_for_another_one(self):
        """What the header before us says goes on: either version, either family, and one of both."""
        pairs = ((header.CLIENT, header.SERVER), (header.CLIENT6, header.SERVER6),
                 (("::ffff:192.0.2.7", 40001), header.SERVER6), (("::ffff:192.0.2.7", 40001), ("::ffff:192.0.2.1", 993)))
        for version in ("v1", "v2"):
            door = self.door(expecting, version)
            for source, destination in pairs:
                for write in (header.v1, header.v2):
                    user = platform.fresh_user()
                    wire = Imap((door.host, door.imap), source="127.0.0.1")
                    self.addCleanup(wire.close)
                    wire.send(write(source, destination))
                    wire.line()
                    wire.logged_in(user, PASSWORD)
                    line = platform.a.wait_login(user)[-1]
                    self.assertRegex(line, rf"rip=({source[0]}|{source[0].replace('::ffff:', '')}), rport=40001, ")
            door.stop()

    def test_the_master_logs_in_the_same_way(self):
        door = self.door(expecting, "v2", auth='[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "master"\n'
                                               'master_password = "canary-Ma5ter/word"\n',
                         directories='[[directory]]\ntype = "static"\ncheck_password = true\n[[directory.user]]\n'
                                     'name = "carol"\npassword = "{PLAIN}of-her-own"\n')
        for kind in KINDS.values():
            with kind.open(door, source=CLIENT) as wire:
                wire.logged_in("carol", "of-her-own")
                self.logged("carol", *wire.socket.getsockname())


    @unittest.skipUnless(HAPROXY, "haproxy is not installed")
    def test_behind_the_real_haproxy(self):
        """HAProxy, Postigo, Dovecot: the client's address goes all the way, without a word of ID."""
        door = self.door(expecting, "v2", "implicit")
        program, port = balancer(platform.scratch("haproxy"), door.imap, "send-proxy-v2")
        self.addCleanup(program.stop)

        def greeted():
            try:
                wire = Imap((door.host, port), source=CLIENT)
                return wire.line() and wire
            except (OSError, Gone):  # it is starting
                return None

        wire = wait_for(greeted, what="HAProxy")
        self.addCleanup(wire.close)
        user = platform.fresh_user()
        wire.logged_in(user, PASSWORD)
        self.logged(user, *wire.socket.getsockname())


class Mismatch(Case):
    """One expects what the other does not say: not the user's fault, told in one line, and nothing hangs."""

    def unavailable(self, backend, version, kind, mode):
        door = self.door(backend, version, mode)
        begin = time.monotonic()
        with KINDS[kind].open(door, source=CLIENT) as wire:
            if kind == "imap":
                self.assertRegex(wire.login("alice", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")
            else:
                wire.ok("USER alice")
                self.assertRegex(wire.command(f"PASS {PASSWORD}"), rb"^-ERR \[SYS/TEMP\]")
        self.assertLess(time.monotonic() - begin, 8)
        told = door.wait_lines("backend_away")
        self.assertEqual(1, len(told))
        self.assertRegex(told[0]["detail"], "PROXY header")
        self.assertEqual(1, door.metrics().sum("postigo_backend_errors_total", reason=told[0]["error"]))
        door.stop()

    def test_a_header_that_nobody_expects(self):
        for version in ("v1", "v2"):
            for mode in MODES:
                for kind in KINDS:
                    with self.subTest(version=version, mode=mode, kind=kind):
                        self.unavailable(platform.a, version, kind, mode)

    def test_no_header_where_one_is_expected(self):
        for mode in MODES:
            for kind in KINDS:
                with self.subTest(mode=mode, kind=kind):
                    self.unavailable(expecting, "off", kind, mode)


class WhatIsSaid(Case):
    """A backend that writes down the header."""

    def backend(self):
        self.headers = []

        def script(peer):
            begin = peer.take(16)
            self.headers.append(begin + peer.take(int.from_bytes(begin[14:16], "big")))
            imap_server()(peer)

        fake = FakeBackend(imap=script)
        self.addCleanup(fake.stop)
        return fake

    def test_version_2_says_all_that_we_know(self):
        door = self.door(self.backend(), "v2")
        context = ssl.create_default_context(cafile=door.ca)
        context.set_alpn_protocols(["imap"])
        with Imap.open(door, context=context, source=CLIENT) as wire:
            wire.logged_in("alice", "x")
            client, version, cipher = wire.socket.getsockname(), wire.socket.version(), wire.socket.cipher()[0]
        line = door.wait_lines("login")[0]
        source, destination, tlvs = header.read_v2(self.headers[0])
        self.assertEqual((client, ("127.0.0.1", door.imaps)), (source, destination))
        self.assertEqual(line["id"], tlvs[0x05].decode())
        self.assertEqual(b"localhost", tlvs[0x02])
        self.assertEqual(b"imap", tlvs[0x01])
        self.assertEqual(1, tlvs[0x20][0])
        self.assertNotEqual(bytes(4), tlvs[0x20][1:5], "there is no certificate that could be good")
        self.assertEqual({0x21: version.encode(), 0x23: cipher.encode()}, header.read_tlvs(tlvs[0x20][5:]))
        self.assertEqual(b"hops=5", tlvs[0xe7])

    def test_a_client_in_clear_text(self):
        door = self.door(self.backend(), "v2")
        with Imap.open(door, "off", source=CLIENT) as wire:
            wire.logged_in("alice", "x")
        self.assertEqual({0x05, 0xe7}, set(header.read_v2(self.headers[0])[2]))

    def test_what_the_balancer_knew_goes_on(self):
        door = self.door(self.backend(), "v2")
        known = header.tlv(0x20, b"\x07\0\0\0\0" + header.tlv(0x21, b"TLSv1.2") + header.tlv(0x22, b"ann"))
        with Imap((door.host, door.imap), source="127.0.0.1") as wire:
            wire.send(header.v2(tlvs=header.tlv(1, b"imap") + header.tlv(2, b"mail.example.com") + known
                                + header.tlv(5, b"of the balancer")))
            wire.line()
            wire.logged_in("alice", "x")
        source, destination, tlvs = header.read_v2(self.headers[0])
        self.assertEqual((header.CLIENT, header.SERVER), (source, destination))
        self.assertEqual((b"imap", b"mail.example.com"), (tlvs[1], tlvs[2]))
        self.assertEqual((7, bytes(4)), (tlvs[0x20][0], tlvs[0x20][1:5]))
        self.assertEqual({0x21: b"TLSv1.2", 0x22: b"ann"}, header.read_tlvs(tlvs[0x20][5:]))
        self.assertEqual(door.wait_lines("login")[0]["id"], tlvs[5].decode())

    def test_a_reload_takes_it_over(self):
        """From no header to one, and back; the session between them stays."""
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        door = self.door(fake, "off")
        stays = Imap.open(door, "off", source=CLIENT)
        self.addCleanup(stays.close)
        stays.logged_in("alice", "x")
        text = door.sections["backends"]
        for version, begin in (("v1", b"PROXY TCP4 127.0.0.77 127.0.0.1 "), ("v2", header.SIGNATURE), ("off", b"")):
            door.write(backends=text.replace('proxy_protocol = "off"', f'proxy_protocol = "{version}"'))
            door.ctl("reload")
            count = len(fake.peers)
            with Imap.open(door, "off", source=CLIENT) as wire:
                wire.send("a LOGIN alice x\r\n")
                wait_for(lambda: len(fake.peers) > count, what="the backend")
                heard = wait_for(fake.last.said, what="what it hears first")
            self.assertTrue(heard.startswith(begin) if begin else re.match(rb"P4[0-9a-f]{8} AUTH", heard), heard)
            stays.ok("NOOP")


if __name__ == "__main__":
    unittest.main()
