"""The login dialogues of both protocols over the wire: pipelining, every form of credentials, every kind of refusal."""

import base64
import json
import re
import unittest

from tests.e2e.harness import ODD, ODD_PASSWORD, PASSWORD, Gone, Imap, Platform, Pop3, plain
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

MAIL = b"Subject: one\r\n\r\nbody\r\n"
platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.door()


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class ImapPipelining(unittest.TestCase):
    """T18, T19: nothing that the client sends ahead is lost, reordered or sent to the wrong place."""

    def setUp(self):
        self.user = platform.fresh_user()
        platform.deliver(self.user, MAIL)

    def expect_in_order(self, wire, tags):
        """The tagged answers come in this order; returns them by tag, without the tag."""
        found = {}
        while len(found) < len(tags):
            line = wire.response()
            tag, _, rest = line.decode(errors="replace").partition(" ")
            if tag in tags:
                found[tag] = rest
        self.assertEqual(list(tags), list(found), "tagged answers out of order")
        return found

    def test_t18_everything_in_one_segment(self):
        for mode in ("implicit", "starttls", "off"):
            with self.subTest(mode=mode), Imap.open(proxy, mode) as wire:
                wire.send(f'a LOGIN {self.user} "{PASSWORD}"\r\nb SELECT INBOX\r\nc FETCH 1 BODY[]\r\nd LOGOUT\r\n')
                found = self.expect_in_order(wire, "abcd")
                self.assertTrue(all(text.startswith("OK") for text in found.values()), found)
                self.assertIn(MAIL, wire.heard)
                self.assertTrue(wire.ended())

    def test_t18_one_octet_at_a_time(self):
        with Imap.open(proxy) as wire:
            wire.send_slowly(f'a LOGIN {self.user} "{PASSWORD}"\r\nb NOOP\r\nc SELECT INBOX\r\n'.encode())
            self.assertTrue(all(text.startswith("OK") for text in self.expect_in_order(wire, "abc").values()))

    def test_t18_a_megabyte_after_the_login(self):
        body = b"Subject: big\r\n\r\n" + b"0123456789\r\n" * 90000
        with Imap.open(proxy) as wire:
            wire.send(f'a LOGIN {self.user} "{PASSWORD}"\r\nb APPEND INBOX {{{len(body)}+}}\r\n'.encode() + body +
                      b"\r\nc NOOP\r\n")
            found = self.expect_in_order(wire, "abc")
            self.assertTrue(all(text.startswith("OK") for text in found.values()), found)

    def test_t18_after_authenticate(self):
        with Imap.open(proxy) as wire:
            wire.send(f"a AUTHENTICATE PLAIN {plain(self.user, PASSWORD)}\r\nb NOOP\r\nc LOGOUT\r\n")
            self.assertTrue(all(text.startswith("OK") for text in self.expect_in_order(wire, "abc").values()))

    def test_t19_after_a_refused_login(self):
        with Imap.open(proxy) as wire:
            wire.send(f'a LOGIN {self.user} wrong\r\nb NOOP\r\nc SELECT INBOX\r\nd LOGIN {self.user} "{PASSWORD}"\r\n'
                      "e SELECT INBOX\r\nf LOGOUT\r\n")
            found = self.expect_in_order(wire, "abcdef")
        self.assertEqual({"a": "NO", "b": "OK", "c": "BAD", "d": "OK", "e": "OK", "f": "OK"},
                         {tag: text.split()[0] for tag, text in found.items()})

    def test_commands_before_and_across(self):
        with Imap.open(proxy) as wire:
            wire.send(f'a CAPABILITY\r\nb NOOP\r\nc ID NIL\r\nd LOGIN {self.user} "{PASSWORD}"\r\ne CAPABILITY\r\n')
            self.assertTrue(all(text.startswith("OK") for text in self.expect_in_order(wire, "abcde").values()))


class Pop3Pipelining(unittest.TestCase):
    """T18, T19 for POP3."""

    def setUp(self):
        self.user = platform.fresh_user()
        platform.deliver(self.user, MAIL)

    def test_t18_everything_in_one_segment(self):
        for mode in ("implicit", "starttls", "off"):
            with self.subTest(mode=mode), Pop3.open(proxy, mode) as wire:
                wire.send(f"USER {self.user}\r\nPASS {PASSWORD}\r\nSTAT\r\nRETR 1\r\nQUIT\r\n")
                said = wire.rest().split(b"\r\n")
                self.assertEqual(b"+OK 1 %d" % len(MAIL), said[2], said)
                self.assertTrue(all(line.startswith(b"+OK") for line in (said[0], said[1], said[3], said[-2])), said)

    def test_t19_after_a_refused_login(self):
        with Pop3.open(proxy) as wire:
            wire.send(f"USER {self.user}\r\nPASS wrong\r\nNOOP\r\nUSER {self.user}\r\nPASS {PASSWORD}\r\n"
                      "STAT\r\nQUIT\r\n")
            said = wire.rest().split(b"\r\n")
        self.assertTrue(said[1].startswith(b"-ERR"), said)
        self.assertEqual([b"+OK"] * 4, [line[:3] for line in said[3:7]], said)

    def test_t18_one_octet_at_a_time(self):
        with Pop3.open(proxy) as wire:
            wire.send_slowly(f"USER {self.user}\r\nPASS {PASSWORD}\r\nSTAT\r\nQUIT\r\n".encode())
            self.assertEqual(4, wire.rest().count(b"+OK"))


class ImapCredentials(unittest.TestCase):
    """All the ways to say a name and a password, and what is answered to the wrong ones."""

    def setUp(self):
        self.user = platform.fresh_user()

    def answer(self, *lines):
        """Sends lines (a '+' is awaited between them); returns the tagged answer of tag x."""
        with Imap.open(proxy) as wire:
            for number, line in enumerate(lines):
                wire.send(line if isinstance(line, bytes) else line.encode())
                wire.send(b"\r\n")
                if number + 1 < len(lines):
                    asked = wire.line()
                    if not asked.startswith(b"+"):
                        return asked.decode()
            return wire.until("x")[-1].decode()

    def test_forms_that_are_right(self):
        user, password = self.user, PASSWORD
        odd = ODD_PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        forms = {
            "atoms": [f"x LOGIN {user} {password}"],
            "quoted": [f'x login "{user}" "{password}"'],
            "quoted, escaped, UTF-8": [f'x LOGIN "{ODD}" "{odd}"'],
            "literals": [f"x LOGIN {{{len(user)}}}", f"{user} {{{len(password)}}}", password],
            "literal+": [f"x LOGIN {{{len(user)}+}}\r\n{user} {{{len(password)}+}}\r\n{password}"],
            "odd literal": [f"x LOGIN {ODD} {{{len(ODD_PASSWORD.encode())}+}}\r\n{ODD_PASSWORD}"],
            "PLAIN with initial response": [f"x AUTHENTICATE PLAIN {plain(user, password)}"],
            "PLAIN without": ["x AUTHENTICATE PLAIN", plain(user, password)],
            "PLAIN, odd": [f"x AUTHENTICATE PLAIN {plain(ODD, ODD_PASSWORD)}"],
            "PLAIN with authzid = user": [f"x AUTHENTICATE PLAIN {plain(user, password, user)}"],
            "LOGIN": ["x AUTHENTICATE LOGIN", encoded(user), encoded(password)],
            "LOGIN with initial response": [f"x AUTHENTICATE LOGIN {encoded(user)}", encoded(password)],
            "lower case": [f"x authenticate plain {plain(user, password)}"],
        }
        for name, lines in forms.items():
            with self.subTest(name):
                self.assertRegex(self.answer(*lines), "^x OK")

    def test_refusals(self):
        user = self.user
        forms = {
            "wrong password": ([f"x LOGIN {user} wrong"], r"^x NO \[AUTHENTICATIONFAILED\]"),
            "no such user": ([f"x LOGIN nobody-{user} wrong"], r"^x NO \[AUTHENTICATIONFAILED\]"),
            "PLAIN, wrong": ([f"x AUTHENTICATE PLAIN {plain(user, 'wrong')}"], r"^x NO \[AUTHENTICATIONFAILED\]"),
            "T20 cancelled": (["x AUTHENTICATE PLAIN", "*"], "^x BAD"),
            "T16 bad base64": ([f"x AUTHENTICATE PLAIN {plain(user, PASSWORD)[:-1]}!"], "^x BAD"),
            "T16 blank inside": (["x AUTHENTICATE PLAIN", "AG EA"], "^x BAD"),
            "T16 empty response": (["x AUTHENTICATE PLAIN ="], "^x (BAD|NO)"),
            "unknown mechanism": (["x AUTHENTICATE X-UNHEARD-OF"], "^x (NO|BAD)"),
            "T24 authzid of another": ([f"x AUTHENTICATE PLAIN {plain(user, PASSWORD, 'alice')}"], "^x NO"),
            "no arguments": (["x LOGIN"], "^x BAD"),
            "one argument": ([f"x LOGIN {user}"], "^x BAD"),
        }
        for name, (lines, pattern) in forms.items():
            with self.subTest(name):
                self.assertRegex(self.answer(*lines), pattern)

    def test_t4_absurd_literals_get_no_go_ahead(self):
        for size in ("4294967297", "18446744073709551617", "99999999999999999999", "1000000", "-1"):
            with self.subTest(size), Imap.open(proxy) as wire:
                wire.send(f"x LOGIN {{{size}}}\r\n")
                self.assertRegex(wire.line(), rb"^(x (BAD|NO)|\* (BYE|BAD))")

    def test_refused_then_right_on_one_connection(self):
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login(self.user, "wrong")[-1], rb"^NO \[AUTHENTICATIONFAILED\]")
            self.assertRegex(wire.command("NOOP")[-1], b"^OK")
            self.assertRegex(wire.login(self.user, PASSWORD)[-1], b"^OK")


class ImapBeforeLogin(unittest.TestCase):
    """What else may be said before login."""

    def test_t11_a_legal_id_of_31_kilobytes(self):
        pairs = " ".join(f'"field{number:025}" "{"v" * 1024}"' for number in range(29))
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.command(f"ID ({pairs})")[-1], b"^OK")
            self.assertRegex(wire.command("NOOP")[-1], b"^OK")

    def test_t12_garbage_without_end(self):
        for what in (b"x" * 300000, b"a LOGIN " + b"(" * 200000, b"\xff\x00" * 100000):
            with self.subTest(what[:12]), Imap.open(proxy) as wire:
                try:
                    wire.send(what)
                    wire.rest()
                except (OSError, Gone):
                    pass
                self.assertNotIn(b"x" * 1000, wire.heard, "input reflected")

    def test_t9_t10_tags_are_echoed_octet_by_octet(self):
        with Imap.open(proxy) as wire:
            for tag in (b"]", b"#1:", b"a29-n-s-x", b"A.B_C", b"a" * 60):
                wire.send(tag + b" NOOP\r\n")
                self.assertEqual(tag + b" OK", wire.line()[:len(tag) + 3])

    def test_t14_empty_lines(self):
        with Imap.open(proxy) as wire:
            wire.send("\r\n")
            self.assertRegex(wire.line(), rb"^\* BAD")
            self.assertRegex(wire.command("NOOP")[-1], b"^OK")

    def test_a29_format_strings(self):
        with Imap.open(proxy) as wire:
            wire.send("%n%s%x NOOP\r\n")
            self.assertRegex(wire.line(), b"BAD|%n%s%x OK")

    def test_commands_of_other_states(self):
        with Imap.open(proxy) as wire:
            for command in ("SELECT INBOX", "FETCH 1 BODY[]", "IDLE", "COMPRESS DEFLATE", "UNAUTHENTICATE", "XYZZY"):
                self.assertRegex(wire.command(command)[-1], b"^(BAD|NO)", command)
            self.assertRegex(wire.command("LOGOUT")[-1], b"^OK")
            self.assertTrue(wire.ended())
            self.assertIn(b"* BYE", wire.heard)


class Pop3Credentials(unittest.TestCase):
    """USER/PASS and AUTH."""

    def setUp(self):
        self.user = platform.fresh_user()

    def answer(self, *lines):
        with Pop3.open(proxy) as wire:
            said = b""
            for line in lines:
                said = wire.command(line)
            return said.decode()

    def test_forms_that_are_right(self):
        forms = {
            "USER/PASS": [f"USER {self.user}", f"PASS {PASSWORD}"],
            "T53 blanks in PASS": [f"USER {ODD}", f"PASS {ODD_PASSWORD}"],
            "PLAIN with initial response": [f"AUTH PLAIN {plain(self.user, PASSWORD)}"],
            "PLAIN without": ["AUTH PLAIN", plain(self.user, PASSWORD)],
            "LOGIN": ["AUTH LOGIN", encoded(self.user), encoded(PASSWORD)],
            "lower case": [f"user {self.user}", f"pass {PASSWORD}"],
        }
        for name, lines in forms.items():
            with self.subTest(name):
                self.assertRegex(self.answer(*lines), r"^\+OK")

    def test_refusals(self):
        forms = {
            "wrong password": [f"USER {self.user}", "PASS wrong"],
            "PASS first": [f"PASS {PASSWORD}"],
            "cancelled": ["AUTH PLAIN", "*"],
            "bad base64": ["AUTH PLAIN !!!!"],
            "unknown mechanism": ["AUTH X-UNHEARD-OF"],
            "authzid of another": [f"AUTH PLAIN {plain(self.user, PASSWORD, 'alice')}"],
            "unknown command": ["XYZZY"],
            "state": ["STAT"],
        }
        for name, lines in forms.items():
            with self.subTest(name):
                self.assertRegex(self.answer(*lines), r"^-ERR")

    def test_wrong_password_has_its_code(self):
        self.assertRegex(self.answer(f"USER {self.user}", "PASS wrong"), r"^-ERR \[AUTH\]")

    def test_refused_then_right_on_one_connection(self):
        with Pop3.open(proxy) as wire:
            wire.ok(f"USER {self.user}")
            self.assertRegex(wire.command("PASS wrong"), b"^-ERR")
            wire.logged_in(self.user, PASSWORD)
            self.assertRegex(wire.command("STAT"), rb"^\+OK 0 0")

    def test_t50_quit_before_login_is_ours(self):
        with Pop3.open(proxy) as wire:
            self.assertRegex(wire.command("QUIT"), rb"^\+OK")
            self.assertTrue(wire.ended())


class WhatReachesTheBackend(unittest.TestCase):
    """A2, A16, T7, T8: a scripted backend tells exactly what was said to it."""

    def setUp(self):
        def refuse(peer, tag):
            peer.send(f"{tag} NO [AUTHENTICATIONFAILED] no\r\n")

        self.fake = FakeBackend(imap=imap_server(login=refuse),
                                pop3=pop3_server(login=lambda peer: peer.send("-ERR [AUTH] no\r\n")))
        self.addCleanup(self.fake.stop)
        self.proxy = platform.postigo({"fake": self.fake}, limits='[limits]\nauth_failure_delay = "10ms"')
        self.addCleanup(self.proxy.stop)

    def test_a2_t7_t8_line_ends_never_leave(self):
        for control in "\0\r\n":
            bad = f"us{control}er"
            for user, password, authzid in ((bad, "pw", ""), ("user", bad, ""), ("user", "pw", bad)):
                message = f"{authzid}\0{user}\0{password}"
                with self.subTest(repr(message)):
                    with Imap.open(self.proxy, "off") as wire:
                        wire.send(f"x AUTHENTICATE PLAIN {encoded(message)}\r\n")
                        self.assertRegex(wire.until("x")[-1], b"^x (NO|BAD)")
                    with Pop3.open(self.proxy, "off") as wire:
                        self.assertRegex(wire.command(f"AUTH PLAIN {encoded(message)}"), b"^-ERR")
        with Imap.open(self.proxy, "off") as wire:
            wire.send(b"x LOGIN {4+}\r\nu\0er pw\r\n")
            self.assertRegex(wire.line(), rb"^(x|\*) (NO|BAD|BYE)")
        self.assertEqual([], [peer.said() for peer in self.fake.peers if peer.said()], "something reached the backend")

    def test_a2_t8_other_control_characters_are_octets_of_one_command(self):
        for control in [chr(code) for code in (*range(1, 10), 11, 12, *range(14, 32), 127)]:
            message = f"\0user\0p{control}w"
            with self.subTest(repr(message)):
                with Imap.open(self.proxy, "off") as wire:
                    wire.send(f"x AUTHENTICATE PLAIN {encoded(message)}\r\n")
                    self.assertRegex(wire.until("x")[-1], rb"^x NO \[AUTHENTICATIONFAILED\]")
                self.assertEqual(1, self.fake.last.said().count(b"\n"), self.fake.last.said())
                with Pop3.open(self.proxy, "off") as wire:
                    self.assertRegex(wire.command(f"AUTH PLAIN {encoded(message)}"), rb"^-ERR \[AUTH\]")
                said = self.fake.last.said().splitlines()
                self.assertEqual([b"USER user", f"PASS p{control}w".encode()], said)
        for line in self.proxy.log_text().splitlines():
            json.loads(line)  # none of them began a line of the log

    def test_a2_a_name_with_a_control_character_is_nobodys(self):
        """By default, and no backend hears of it; it is refused as a wrong one is."""
        seen = len(self.fake.peers)
        for control in ("\x01", "\t", "\x1f", "\x7f"):
            with self.subTest(repr(control)), Imap.open(self.proxy, "off") as wire:
                wire.send(f"x AUTHENTICATE PLAIN {encoded(chr(0) + 'us' + control + 'er' + chr(0) + 'pw')}\r\n")
                self.assertRegex(wire.until("x")[-1], rb"^x NO \[AUTHENTICATIONFAILED\]")
        self.assertEqual(seen, len(self.fake.peers))

    def test_a16_nothing_of_a_failed_login_is_left(self):
        with Imap.open(self.proxy, "off") as wire:
            wire.login("first-user", "first-password")
            wire.login("second", "pw2")
        with Pop3.open(self.proxy, "off") as wire:
            wire.ok("USER third-user")
            wire.command("PASS third-password")
            wire.ok("USER fourth")
            wire.command("PASS pw4")
        said = [peer.said() for peer in self.fake.peers]
        for mine, foreign in (("second", "first"), ("fourth", "third")):
            about = [text for text in said if self.mentions(text, mine)]
            self.assertTrue(about, said)
            self.assertFalse([text for text in about if self.mentions(text, foreign)], said)

    def test_t19_nothing_behind_a_refused_login_reaches_it(self):
        with Imap.open(self.proxy, "off") as wire:
            wire.send('a LOGIN user wrong\r\nb NOOP\r\nc SELECT INBOX\r\nd LOGOUT\r\n')
            self.assertEqual([b"a NO", b"b OK", b"c BAD", b"d OK"],
                             [line[:line.index(b" ", 2)] for line in wire.rest().split(b"\r\n") if line[1:2] == b" " and
                              line[:1] != b"*"])
        with Pop3.open(self.proxy, "off") as wire:
            wire.send("USER user\r\nPASS wrong\r\nDELE 1\r\nSTAT\r\nQUIT\r\n")
            self.assertEqual([b"+OK", b"-ERR", b"-ERR", b"-ERR", b"+OK"],
                             [line.split(b" ")[0] for line in wire.rest().split(b"\r\n")[:-1]])
        said = b"".join(peer.said() for peer in self.fake.peers)
        self.assertTrue(self.mentions(said, "wrong"), said)
        for word in (b"SELECT", b"NOOP", b"LOGOUT", b"DELE", b"STAT", b"QUIT"):
            self.assertNotIn(word, said)

    @staticmethod
    def mentions(text, word):
        """In the clear or in base64."""
        decoded = [base64.b64decode(part) for part in re.findall(rb"(?<= )(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?=\r)", text)]
        return any(word.encode() in part for part in [text, *decoded])


class WhatIsPipelinedReachesItOnce(unittest.TestCase):
    """T18: exactly the octets behind the login, in order, however they were cut."""

    def setUp(self):
        self.fake = FakeBackend(imap=imap_server(), pop3=pop3_server())
        self.addCleanup(self.fake.stop)
        self.proxy = platform.postigo({"fake": self.fake})
        self.addCleanup(self.proxy.stop)

    def test_t18_octet_by_octet_and_at_once(self):
        imap = b"b NOOP\r\nc SELECT {5}\r\nINBOX\r\nd LOGOUT\r\n"
        pop3 = b"STAT\r\nNOOP\r\nRETR 1\r\nQUIT\r\n"
        for kind, login, tail in ((Imap, b"a LOGIN user secret\r\n", imap),
                                  (Pop3, b"USER user\r\nPASS secret\r\n", pop3)):
            for mode in ("off", "implicit"):
                for size in (1, 7, 1000):
                    with self.subTest(kind=kind.__name__, mode=mode, size=size), kind.open(self.proxy, mode) as wire:
                        wire.send_slowly(login + tail, size)
                        wire.rest()
                        # A command with a literal has a tag of ours.
                        said = re.sub(rb"\bPSTG1 SELECT", b"c SELECT", self.fake.last.said())
                        self.assertTrue(said.endswith(b"\r\n" + tail), said)
                        self.assertEqual(1, said.count(tail[:8]), said)


class TheClientsAddress(unittest.TestCase):
    """A trusted backend learns who the client is from us, and only from us (A4, A28)."""

    @classmethod
    def setUpClass(cls):
        cls.proxy = platform.postigo({"a": platform.a}, trusted=True)
        cls.addClassCleanup(cls.proxy.stop)

    def test_imap_and_pop3_logs_of_the_backend(self):
        user = platform.fresh_user()
        with Imap.open(self.proxy, source="127.0.0.9") as wire:
            wire.ok('ID ("name" "e2e" "x-originating-ip" "9.9.9.9" "X-SESSION-ID" "forged" "x-proxy-ttl" "0")')
            wire.logged_in(user, PASSWORD)
        with Pop3.open(self.proxy, source="127.0.0.8") as wire:
            wire.logged_in(user, PASSWORD)
        lines = platform.a.wait_login(user, 2)
        self.assertIn("rip=127.0.0.9", lines[0])
        self.assertIn("rip=127.0.0.8", lines[1])
        self.assertNotIn("9.9.9.9", platform.a.log())
        self.assertNotIn("forged", platform.a.log())


if __name__ == "__main__":
    unittest.main()
