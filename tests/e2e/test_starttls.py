"""STARTTLS and STLS: what was said in clear text never counts inside TLS (A1, T27, T29, T55)."""

import ssl
import time
import unittest

from tests.e2e.harness import PASSWORD, Gone, Imap, Platform, Pop3, Wire

platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.door()


class Handshake:
    """A TLS client in memory, so that its first octets can be glued to clear text."""

    def __init__(self, wire, context):
        self.wire = wire
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.hello = self._step()

    def _step(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def finish(self, ask=b"", behind=b""):
        """Returns True if it succeeds. What is asked under TLS, and what comes behind it, goes with the last flight."""
        try:
            while True:
                try:
                    self.tls.do_handshake()
                    if ask:
                        self.tls.write(ask)
                    self.wire.socket.sendall(self.outgoing.read() + behind)
                    return True
                except ssl.SSLWantReadError:
                    self.wire.socket.sendall(self.outgoing.read())
                    data = self.wire.buffer or self.wire.socket.recv(65536)
                    self.wire.buffer = b""
                    if not data:
                        return False
                    self.incoming.write(data)
        except (ssl.SSLError, OSError):
            return False

    def everything(self, ask, seconds=2):
        """All that is decrypted after we ask something, until the answer or the end."""
        said = b""
        self.wire.socket.settimeout(seconds)
        self.tls.write(ask)
        self.wire.socket.sendall(self.outgoing.read())
        try:
            while b"asked" not in said and b"-ERR" not in said:
                try:
                    said += self.tls.read(65536)
                except ssl.SSLWantReadError:
                    data = self.wire.socket.recv(65536)
                    if not data:
                        break
                    self.incoming.write(data)
        except (ssl.SSLError, OSError):
            pass
        return said


class Injection(unittest.TestCase):
    """A1: a command behind STARTTLS in the clear is answered neither before nor inside TLS."""

    protocols = {
        "imap": (Imap, b"a STARTTLS\r\n", b"injected NOOP\r\n", b"asked CAPABILITY\r\n"),
        "pop3": (Pop3, b"STLS\r\n", b"CAPA\r\n", b"asked\r\n"),
    }

    def open(self, kind):
        wire = Wire((proxy.host, proxy.imap if kind is Imap else proxy.pop3))
        wire.line()
        return wire

    def outcome(self, wire, hello_sent=None):
        """What came in the clear after the go-ahead, and inside TLS if it comes to that."""
        try:
            wire.line()
        except Gone as gone:
            return gone.rest
        clear = b"" if hello_sent or wire.quiet(0.1) else wire.buffer
        try:
            handshake = hello_sent or Handshake(wire, proxy_context())
            if not hello_sent:
                wire.buffer = b""
                wire.socket.sendall(handshake.hello)
            if not handshake.finish():
                return clear
            return clear + handshake.everything(self.ask)
        except OSError:
            return clear

    def check(self, send):
        for name, (kind, command, injected, self.ask) in self.protocols.items():
            with self.subTest(name), self.open(kind) as wire:
                try:
                    handshake = send(wire, command, injected)
                except OSError:
                    handshake = None  # it hung up in the middle, which is a good answer
                said = self.outcome(wire, handshake)
                self.assertNotIn(b"injected", said)
                self.assertNotIn(b"+OK", said, "CAPA was executed")

    def test_control_without_injection(self):
        """The same steps with nothing glued end inside TLS with an answer: the tests below do not pass by never arriving."""
        for name, (kind, command, _, self.ask) in self.protocols.items():
            with self.subTest(name), self.open(kind) as wire:
                wire.send(command)
                self.assertRegex(self.outcome(wire), b"asked OK|-ERR")

    def test_whole_segment(self):
        self.check(lambda wire, command, injected: wire.send(command + injected))

    def test_split_segments(self):
        def send(wire, command, injected):
            wire.send(command[:4])
            wire.send_slowly(command[4:] + injected, 5, 0.01)

        self.check(send)

    def test_one_octet_at_a_time(self):
        def send(wire, command, injected):
            wire.send_slowly(command + injected)

        self.check(send)

    def test_t27_what_follows_is_tls_or_nothing(self):
        """RFC 9051 6.2.1: the go-ahead is said, and then no octet is a command: a hello that came along is one."""
        for name, (kind, command, injected, self.ask) in self.protocols.items():
            with self.subTest(name, what="hello"), self.open(kind) as wire:
                handshake = Handshake(wire, proxy_context())
                wire.send(command + handshake.hello)
                self.assertRegex(wire.line(), rb"^(a OK|\+OK)")
                self.assertTrue(handshake.finish())
                self.assertRegex(handshake.everything(self.ask), b"asked OK|-ERR")
            for pause in (0, 0.05):
                with self.subTest(name, what="a command", pause=pause), self.open(kind) as wire:
                    wire.send(command)
                    time.sleep(pause) if pause else None
                    wire.send(injected)
                    self.assertRegex(wire.line(), rb"^(a OK|\+OK)")
                    rest = wire.rest()
                    self.assertRegex(rest, rb"(?s)^(\x15.*)?$", "an alert at most")

    def test_a_broken_record_in_the_last_flight(self):
        """TLS fails in the same read in which it began to work: what was said in between is no command."""
        broken = b"\x17\x03\x03\x00\x20" + bytes(32)
        for name, (kind, command, _, ask) in self.protocols.items():
            with self.subTest(name), self.open(kind) as wire:
                client = "%s:%d" % wire.socket.getsockname()
                wire.send(command)
                wire.line()
                handshake = Handshake(wire, proxy_context())
                wire.socket.sendall(handshake.hello)
                self.assertTrue(handshake.finish(ask, broken))
                proxy.wait_session(client=client, phase="tls", reason="tls_failed")

    def test_client_hello_glued(self):

        def send(wire, command, injected):
            handshake = Handshake(wire, proxy_context())
            wire.send(command + handshake.hello)
            return handshake

        self.check(send)

    def test_injection_and_hello_glued(self):
        def send(wire, command, injected):
            handshake = Handshake(wire, proxy_context())
            wire.send(command + injected + handshake.hello)
            return handshake

        self.check(send)


def proxy_context():
    return platform.certificates.client_context()


class Rules(unittest.TestCase):
    """T27, T29, T55: when it may be said, and what it forgets."""

    def test_t29_on_the_implicit_port(self):
        with Imap.open(proxy) as wire:
            self.assertNotIn("STARTTLS", wire.capabilities())
            self.assertRegex(wire.command("STARTTLS")[-1], b"^BAD")
        with Pop3.open(proxy) as wire:
            self.assertNotIn("STLS", wire.capabilities())
            self.assertRegex(wire.command("STLS"), b"^-ERR")

    def test_t29_twice(self):
        with Imap.open(proxy, "starttls") as wire:
            self.assertNotIn("STARTTLS", wire.capabilities())
            self.assertRegex(wire.command("STARTTLS")[-1], b"^BAD")
        with Pop3.open(proxy, "starttls") as wire:
            self.assertNotIn("STLS", wire.capabilities())
            self.assertRegex(wire.command("STLS"), b"^-ERR")

    def test_t29_passwords_only_under_tls(self):
        strict = platform.postigo(start=False)
        strict.write(listeners="\n".join([strict.listener("imap", strict.imap, "starttls", plaintext_login=False),
                                          strict.listener("pop3", strict.pop3, "starttls", plaintext_login=False)]))
        strict.start()
        user = platform.fresh_user()
        with Imap.open(strict, "off") as wire:
            listed = wire.capabilities()
            self.assertIn("LOGINDISABLED", listed)
            self.assertIn("STARTTLS", listed)
            self.assertFalse([name for name in listed if name.startswith("AUTH=")], listed)
            self.assertRegex(wire.login(user, PASSWORD)[-1], rb"^NO \[PRIVACYREQUIRED\]")
            self.assertRegex(wire.command("AUTHENTICATE PLAIN")[-1], b"^NO")
        with Imap.open(strict, "starttls") as wire:
            self.assertNotIn("LOGINDISABLED", wire.capabilities())
            wire.logged_in(user, PASSWORD)
        with Pop3.open(strict, "off") as wire:
            listed = wire.capabilities()
            self.assertIn("STLS", listed)
            self.assertFalse([name for name in listed if name.startswith(("SASL", "USER"))], listed)
            self.assertRegex(wire.command(f"USER {user}"), b"^-ERR")
        with Pop3.open(strict, "starttls") as wire:
            wire.logged_in(user, PASSWORD)
        strict.stop()

    def test_t27_t55_the_user_is_forgotten(self):
        user = platform.fresh_user()
        with Pop3.open(proxy, "off") as wire:
            wire.ok(f"USER {user}")
            wire.start_tls(proxy_context())
            self.assertRegex(wire.command(f"PASS {PASSWORD}"), b"^-ERR")
            wire.logged_in(user, PASSWORD)

    def test_t27_not_in_the_middle_of_authenticate(self):
        with Imap.open(proxy, "off") as wire:
            wire.send("a AUTHENTICATE PLAIN\r\n")
            self.assertRegex(wire.line(), rb"^\+")
            wire.send("b STARTTLS\r\n")
            self.assertRegex(wire.line(), b"^a (BAD|NO)")
            wire.start_tls(proxy_context())
            wire.logged_in(platform.fresh_user(), PASSWORD)

    def test_login_state_survives_a_failed_attempt_before(self):
        user = platform.fresh_user()
        with Imap.open(proxy, "off") as wire:
            wire.login(user, "wrong")
            wire.start_tls(proxy_context())
            wire.logged_in(user, PASSWORD)
            wire.ok("SELECT INBOX")


if __name__ == "__main__":
    unittest.main()
