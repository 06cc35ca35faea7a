"""A backend, or somebody in between, that lies, stutters or leaves (A18, A19, T28, T30-T34, T42, T47)."""

import socket
import ssl
import time
import unittest

from tests.e2e.harness import Gone, Imap, Platform, Pop3
from tests.fakes.backend import CAPABILITIES, LOGGED_IN, FakeBackend, imap_server, pop3_server

SECRET = "canary-hostile-password"
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


class Hostile(unittest.TestCase):
    """Helpers: one scripted backend, one Postigo before it."""

    mode = "off"

    def scene(self, imap=None, pop3=None, mode=None):
        fake = FakeBackend(imap=imap, pop3=pop3, tls=platform.certificates.server_context())
        self.addCleanup(fake.stop)
        mode = mode or self.mode
        table = f'{{ mode = "{mode}", ca_file = "{platform.certificates.ca}" }}' if mode != "off" else ""
        proxy = platform.postigo({"fake": fake}, backend_tls=table,
                                 limits='[limits]\nauth_failure_delay = "10ms"\nbackend_login_timeout = "2s"')
        self.addCleanup(proxy.stop)
        return fake, proxy

    def login(self, proxy):
        """Everything that the client hears until the tagged answer; then it can still say NOOP."""
        with Imap.open(proxy) as wire:
            said = wire.login("alice", SECRET)
            if said[-1].startswith(b"NO [UNAVAILABLE]"):
                self.assertRegex(wire.command("NOOP")[-1], b"^OK")
            return said

    def unavailable(self, script, fake_must_not_hear=SECRET, mode=None):
        fake, proxy = self.scene(imap=script, mode=mode)
        said = self.login(proxy)
        self.assertRegex(said[-1], rb"^NO \[UNAVAILABLE\]")
        self.assertNotIn(b"forged", b"".join(said))
        heard = b"".join(peer.said() for peer in fake.peers)
        if fake_must_not_hear:
            self.assertNotIn(fake_must_not_hear.encode(), heard)

    def pop3_unavailable(self, script, mode=None):
        fake, proxy = self.scene(pop3=script, mode=mode)
        with Pop3.open(proxy) as wire:
            wire.ok("USER alice")
            said = wire.command(f"PASS {SECRET}")
            self.assertRegex(said, rb"^-ERR \[SYS/TEMP\]")
            self.assertRegex(wire.command("NOOP"), rb"^(\+OK|-ERR)")
        self.assertNotIn(SECRET.encode(), b"".join(peer.said() for peer in fake.peers))


class BeforeTls(Hostile):
    """A18, A19: everything that a man in the middle can say before TLS."""

    mode = "starttls"

    def test_a18_data_glued_to_the_go_ahead(self):
        def script(peer):
            peer.send(f"* OK [CAPABILITY {CAPABILITIES} STARTTLS] ready\r\n")
            tag = peer.expect("STARTTLS").split()[0].decode()
            peer.send(f"{tag} OK go\r\n* CAPABILITY IMAP4rev1 X-forged\r\nforged OK\r\n")
            peer.start_tls()
            peer.wait_end()

        self.unavailable(script)

    def test_a18_pop3(self):
        def script(peer):
            peer.send("+OK ready\r\n")
            while b"STLS" not in (line := peer.line()):
                peer.send("+OK\r\nSTLS\r\n.\r\n" if b"CAPA" in line else "-ERR\r\n")
            peer.send("+OK go\r\n+OK forged\r\n+OK forged\r\n")
            peer.start_tls()
            peer.wait_end()

        self.pop3_unavailable(script)

    def test_a19_stripped(self):
        self.unavailable(imap_server())
        self.pop3_unavailable(pop3_server())

    def test_a19_refused(self):
        for answer in ("NO no", "BAD what"):
            def script(peer, answer=answer):
                peer.send(f"* OK [CAPABILITY {CAPABILITIES} STARTTLS] ready\r\n")
                tag = peer.expect("STARTTLS").split()[0].decode()
                peer.send(f"{tag} {answer}\r\n")
                peer.wait_end()

            with self.subTest(answer):
                self.unavailable(script)

    def test_t30_preauth(self):
        for mode in ("starttls", "off"):
            with self.subTest(mode):
                greeting = f"* PREAUTH [CAPABILITY {CAPABILITIES} STARTTLS] forged\r\n"
                self.unavailable(imap_server(greeting=greeting), mode=mode)

    def test_greeting_with_a_forged_answer_behind(self):
        def script(peer):
            peer.send("* OK ready\r\n" + "".join(f"{tag} OK forged\r\n" for tag in ("a", "1", "A1", "a1", "0")))
            peer.wait_end()

        self.unavailable(script, mode="off")

    def test_t28_capabilities_from_clear_text_do_not_count(self):
        """In clear text a server of many talents, inside TLS a plain one: we ask again and use none of the former."""

        def script(peer):
            peer.send("* OK [CAPABILITY IMAP4rev1 STARTTLS SASL-IR LITERAL+ ID MOVE AUTH=PLAIN] ready\r\n")
            tag = peer.expect("STARTTLS").split()[0].decode()
            peer.send(f"{tag} OK go\r\n")
            peer.start_tls()
            imap_server(greeting="", capabilities="IMAP4rev1", logged_in="IMAP4rev1 IDLE",
                        login=lambda peer, tag: peer.send(f"{tag} OK in\r\n"))(peer)

        fake, proxy = self.scene(imap=script)
        with Imap.open(proxy) as wire:
            said = wire.command('LOGIN alice {9+}\r\np"a\\s w\u00f6')  # a password that needs a literal
            self.assertRegex(said[-1], b"^OK")
            self.assertNotIn(b"MOVE", b"".join(said))
            self.assertEqual(["IDLE", "IMAP4REV1"], wire.capabilities())
        talk = fake.last.transcript
        inside = b"".join(octets for who, octets in talk[[who for who, _ in talk].index("T"):] if who == "C")
        self.assertRegex(inside, rb"^\S+ CAPABILITY\r\n")
        self.assertNotIn(b"AUTHENTICATE", inside)
        self.assertNotIn(b"+}", inside)
        self.assertNotIn(b" ID ", inside)

    def test_t47_alert_before_tls_is_not_shown(self):
        def script(peer):
            peer.send(f"* OK [CAPABILITY {CAPABILITIES} STARTTLS] ready\r\n* OK [ALERT] forged: call 555\r\n")
            peer.wait_end()

        self.unavailable(script)


class Greetings(Hostile):
    """T31: every greeting."""

    def test_good_ones(self):
        for greeting in ("* OK\r\n", "* OK ready\r\n", "* ok [capability imap4rev1 sasl-ir id auth=plain] hi\r\n"):
            with self.subTest(greeting):
                _, proxy = self.scene(imap=imap_server(greeting=greeting))
                self.assertRegex(self.login(proxy)[-1], b"^OK")

    def test_split_and_slow(self):
        for size, pause in ((1, 0.001), (3, 0.005)):
            _, proxy = self.scene(imap=imap_server(size=size, pause=pause), pop3=pop3_server(size=size, pause=pause))
            self.assertRegex(self.login(proxy)[-1], b"^OK")
            with Pop3.open(proxy) as wire:
                wire.logged_in("alice", SECRET)

    def test_late(self):
        def script(peer):
            time.sleep(1)
            imap_server()(peer)

        _, proxy = self.scene(imap=script)
        self.assertRegex(self.login(proxy)[-1], b"^OK")

    def test_glued_to_more(self):
        def script(peer):
            imap_server(greeting=f"* OK [CAPABILITY {CAPABILITIES}] hi\r\n* OK still warming up\r\n")(peer)

        _, proxy = self.scene(imap=script)
        self.assertRegex(self.login(proxy)[-1], b"^(OK|NO .UNAVAILABLE)")

    def test_bad_ones(self):
        for greeting in ("* BYE [UNAVAILABLE] full\r\n", "* BAD\r\n", "HTTP/1.1 400 Bad Request\r\n", "220 smtp\r\n", "\r\n",
                         "x" * 100000, "* OK " + "x" * 100000 + "\r\n"):
            with self.subTest(greeting[:20]):
                self.unavailable(lambda peer, text=greeting: (peer.send(text), peer.wait_end()))
        for greeting in ("-ERR busy\r\n", "* OK imap\r\n", "\0\0\0\r\n"):
            with self.subTest(greeting):
                self.pop3_unavailable(lambda peer, text=greeting: (peer.send(text), peer.wait_end()))

    def test_nothing_but_the_end(self):
        self.unavailable(lambda peer: None)
        self.unavailable(lambda peer: peer.end("reset"))
        self.pop3_unavailable(lambda peer: None)


class Answers(Hostile):
    """T32, T33 and the table of answers: what the client is told for what the backend says to the login."""

    def answer(self, text):
        """text may contain TAG."""
        _, proxy = self.scene(imap=imap_server(login=lambda peer, tag: peer.send(text.replace("TAG", tag))))
        with Imap.open(proxy) as wire:
            said = wire.login("alice", SECRET)
            return [line.decode() for line in said]

    def test_refusals(self):
        table = {
            "TAG NO [AUTHENTICATIONFAILED] internal words\r\n": (r"^NO \[AUTHENTICATIONFAILED\]", "internal words"),
            "TAG NO who are you\r\n": (r"^NO \[AUTHENTICATIONFAILED\]", "who are you"),
            "TAG NO\r\n": (r"^NO \[AUTHENTICATIONFAILED\]", None),
            "TAG NO [EXPIRED] change your password\r\n": (r"^NO \[EXPIRED\]", "change your password"),
            "TAG NO [CONTACTADMIN] call us\r\n": (r"^NO \[CONTACTADMIN\]", "call us"),
            "TAG NO [LIMIT] too many\r\n": (r"^NO \[LIMIT\]", "too many"),
            "TAG NO [UNAVAILABLE] later\r\n": (r"^NO \[UNAVAILABLE\]", None),
            "TAG BAD what\r\n": (r"^NO ", None),
            "* BYE [UNAVAILABLE] shutting down\r\n": (r"^NO \[UNAVAILABLE\]", "shutting down"),
        }
        for text, (pattern, hidden) in table.items():
            with self.subTest(text):
                said = self.answer(text)
                self.assertRegex(said[-1], pattern)
                if hidden:
                    self.assertNotIn(hidden, "".join(said))

    def test_acceptances(self):
        for text in ("TAG OK\r\n", "TAG OK in\r\n", f"* CAPABILITY {LOGGED_IN}\r\nTAG OK in\r\n",
                     f"* OK hello\r\n* CAPABILITY {LOGGED_IN}\r\n* OK more\r\nTAG OK [CAPABILITY {LOGGED_IN}] in\r\n"):
            with self.subTest(text):
                self.assertRegex(self.answer(text)[-1], "^OK")

    def test_t42_referrals_do_not_pass(self):
        said = "".join(self.answer("TAG NO [REFERRAL imap://alice;AUTH=*@internal.example.net/] go there\r\n"))
        self.assertNotIn("internal.example.net", said)

    def test_endless_talk_instead_of_an_answer(self):
        def login(peer, tag):
            for _ in range(20000):
                peer.send("* OK " + "blah " * 20 + "\r\n")
            peer.send(f"{tag} OK in\r\n")

        _, proxy = self.scene(imap=imap_server(login=login))
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login("alice", SECRET)[-1], rb"^NO \[UNAVAILABLE\]")

    def test_an_answer_with_somebody_elses_tag(self):
        said = self.answer("forged OK in\r\n")
        self.assertRegex(said[-1], r"^NO \[UNAVAILABLE\]")

    def test_pop3(self):
        table = {
            "-ERR [AUTH] no\r\n": rb"^-ERR \[AUTH\]", "-ERR [SYS/TEMP] later\r\n": rb"^-ERR \[SYS/TEMP\]",
            "-ERR [IN-USE] locked\r\n": rb"^-ERR \[IN-USE\]", "-ERR [SYS/PERM] gone\r\n": rb"^-ERR \[SYS/PERM\]",
            "-ERR plain\r\n": b"^-ERR", "what\r\n": rb"^-ERR \[SYS/TEMP\]",
            "+OK\r\n": rb"^\+OK", "+OK 3 messages\r\n": rb"^\+OK",
        }
        for text, pattern in table.items():
            with self.subTest(text):
                _, proxy = self.scene(pop3=pop3_server(login=lambda peer, text=text: peer.send(text)))
                with Pop3.open(proxy) as wire:
                    wire.ok("USER alice")
                    self.assertRegex(wire.command(f"PASS {SECRET}"), pattern)

    def test_t34_no_literal_plus(self):
        """Without LITERAL+ a literal to the backend must wait for its go-ahead."""
        _, proxy = self.scene(imap=imap_server(capabilities="IMAP4rev1"))
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.command('LOGIN alice {9+}\r\np"a\\s w\u00f6')[-1], b"^OK")


class Truncation(Hostile):
    """T59: a backend's TLS that ends without close_notify is no orderly end: the log and our own end say so."""

    mode = "starttls"

    def broken_off(self, text, mode):
        def command(peer, tag, verb, rest):
            peer.send(text.replace("TAG", tag))
            socket.socket.shutdown(peer.socket, socket.SHUT_RDWR)  # FIN, and no close_notify
            return True

        _, proxy = self.scene(imap=imap_server(command=command, tls=True))
        wire = Imap.open(proxy, mode).logged_in("alice", SECRET)
        self.addCleanup(wire.close)
        wire.send("x FETCH 1 BODY[]\r\n")
        return proxy, wire

    def ended_as(self, proxy):
        line = proxy.wait_session(reason="backend_lost")[0]
        self.assertEqual("eof_without_close_notify", line.get("detail"))

    def test_t59_inside_a_literal(self):
        for mode, end in (("off", ConnectionResetError), ("implicit", ssl.SSLEOFError)):
            proxy, wire = self.broken_off("* 1 FETCH (BODY[] {1000}\r\nabc", mode)
            self.assertIn(b"{1000}", wire.line())
            if mode == "implicit":
                wire.socket.suppress_ragged_eofs = False  # or Python would hide that close_notify is missing
            with self.subTest(mode), self.assertRaises(end):
                while wire.socket.recv(1000):
                    pass
            self.ended_as(proxy)

    def test_t59_between_responses(self):
        proxy, wire = self.broken_off("* 1 EXISTS\r\n", "implicit")
        said = wire.rest()
        self.assertRegex(said, rb"\* 1 EXISTS\r\n\* BYE .*\r\n$")
        wire.close()
        self.ended_as(proxy)


class AfterLogin(Hostile):
    """The relay keeps the framing even if the backend does not mean well."""

    def test_cut_in_the_middle_of_a_literal(self):
        def command(peer, tag, verb, rest):
            peer.send("* 1 FETCH (BODY[] {1000}\r\nabc")
            peer.end()
            return True

        _, proxy = self.scene(imap=imap_server(command=command))
        with Imap.open(proxy) as wire:
            wire.logged_in("alice", SECRET)
            wire.send("x FETCH 1 BODY[]\r\n")
            with self.assertRaises(Gone) as gone:
                wire.line()
                wire.take(1000)
            self.assertIn(b"abc", gone.exception.rest)

    def test_absurd_literal(self):
        def command(peer, tag, verb, rest):
            peer.send("* 1 FETCH (BODY[] {99999999999999999999999}\r\nabc)\r\n" + f"{tag} OK\r\n")
            return True

        _, proxy = self.scene(imap=imap_server(command=command))
        with Imap.open(proxy) as wire:
            wire.logged_in("alice", SECRET)
            wire.send("x FETCH 1 BODY[]\r\n")
            try:
                wire.line()
                wire.line()
            except Gone:
                pass
        with Imap.open(proxy) as wire:
            wire.logged_in("alice", SECRET)

    def test_a_line_without_end(self):
        def command(peer, tag, verb, rest):
            peer.send(b"* OK " + b"x" * (8 << 20))
            peer.send(f"\r\n{tag} OK done\r\n")
            return True

        _, proxy = self.scene(imap=imap_server(command=command))
        before = proxy.memory()
        with Imap.open(proxy) as wire:
            wire.logged_in("alice", SECRET)
            wire.send("x XYZZY\r\n")
            try:
                while not wire.line().startswith(b"x OK"):
                    pass
            except Gone:
                pass
        self.assertLess(proxy.memory() - before, 200 << 20)


if __name__ == "__main__":
    unittest.main()
