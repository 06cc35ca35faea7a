"""The relay filter before real Dovecots and before backends that forget: nobody hangs, nothing gets around (T68-T71, A34)."""

import re
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform
from tests.fakes.backend import FakeBackend, imap_server

# Direct has none of it: a client that waits as long sees a hang.
SILENCE = 2.0
platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.door()


def tags(said):
    return [line.split()[0] for line in said.splitlines() if line and not line.startswith((b"*", b"+"))]


class Told(unittest.TestCase):
    """What a client sends at once, and whose answers it must get without a silence."""

    def open(self, user=None):
        wire = Imap.open(proxy, "implicit").logged_in(user or platform.fresh_user(), PASSWORD)
        wire.socket.settimeout(SILENCE)
        self.addCleanup(wire.close)
        return wire

    def until(self, wire, tag):
        """Lines up to the tagged one."""
        lines = []
        while not lines or not lines[-1].startswith(tag + b" "):
            lines.append(wire.line())
        return lines

    def until_all(self, wire, *tags):
        """In whatever order the server has them."""
        missing = set(tags)
        while missing:
            missing.discard(wire.line().split()[0])

    def until_idling(self, wire):
        while not wire.line().startswith(b"+"):
            pass


class Idle(Told):
    def test_t68_login_select_idle_in_one_packet(self):
        for _ in range(20):
            with Imap.open(proxy, "implicit") as wire:
                user = platform.fresh_user()
                wire.send(f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n")
                self.until_idling(wire)
                wire.send("DONE\r\nd LOGOUT\r\n")
                self.until(wire, b"c")
                self.until(wire, b"d")

    def test_t68_idle_behind_another_command(self):
        wire = self.open()
        for i in range(20):
            for command in ("NOOP", "SELECT INBOX", "STATUS INBOX (MESSAGES)"):
                wire.send(f"a{i} {command}\r\nb{i} IDLE\r\n")
                self.until_idling(wire)
                wire.send("DONE\r\n")
                self.assertRegex(self.until(wire, b"b%d" % i)[-1], b" OK")

    def test_t68_done_status_idle_in_one_packet(self):
        wire = self.open()
        wire.send("a SELECT INBOX\r\nb IDLE\r\n")
        self.until_idling(wire)
        for i in range(20):
            wire.send(f"DONE\r\nc{i} STATUS INBOX (UNSEEN)\r\nd{i} IDLE\r\n")
            self.until(wire, b"c%d" % i)
            self.until_idling(wire)
        wire.send("DONE\r\n")
        self.until(wire, b"d19")


class Literals(Told):
    def test_t69_a_literal_behind_an_answer_that_is_kept_back(self):
        wire = self.open()
        wire.ok("SELECT INBOX")
        for end in ("\r\n", "\n"):
            for i, (command, rest) in enumerate((("STATUS {5+}", "INBOX (MESSAGES)"), ("SEARCH SUBJECT {3+}", "foo"),
                                                 ("COPY 1 {5+}", "INBOX"), ("CREATE {7+}", "missing"))):
                wire.send(f"a{i} NOOP{end}b{i} {command}{end}{rest}{end}c{i} NOOP{end}")
                self.until_all(wire, b"a%d" % i, b"b%d" % i, b"c%d" % i)

    def test_t70_an_answer_that_comes_early(self):
        wire = self.open()
        for i in range(15):
            wire.send(f"a{i} NOOP\r\nb{i} APPEND missing {{5+}}\r\n")
            time.sleep(0.01)
            wire.send(f"hello\r\nc{i} XFOO ")
            time.sleep(0.01)
            wire.send(f"bar\r\nd{i} APPEND INBOX {{5+}}\r\nhello\r\ne{i} IDLE\r\n")
            self.until_all(wire, *(b"%s%d" % (name, i) for name in (b"a", b"b", b"c", b"d")))
            self.until_idling(wire)
            wire.send("DONE\r\n")
            self.until(wire, b"e%d" % i)


class Detours(Told):
    """What must never be run: with a real Dovecot, whose answer would tell."""

    LINES = (
        'APPEND INBOX "b UNAUTHENTICATE', 'APPEND INBOX "b COMPRESS DEFLATE', "APPEND INBOX (b COMPRESS DEFLATE",
        "APPEND INBOX {3}e20 COMPRESS DEFLATE", "APPEND INBOX {3e10 Compress deflate", "APPEND INBOX )b COMPRESS DEFLATE",
        "APPEND INBOX {10000000000000065584 b COMPRESS DEFLATE", "APPEND INBOX {" + "1" * 70 + "} b COMPRESS DEFLATE",
        "NOOP\rb COMPRESS DEFLATE", "IDLE {400}", "APPEND INBOX () \"e30 compress deflate")

    def test_a34_no_line_is_read_in_two_ways(self):
        wire = self.open()
        for i, line in enumerate(self.LINES):
            if i % 8 == 7:
                wire = self.open()  # Dovecot ends sessions with many errors
            wire.send(f"a{i} {line}\r\nz{i} NOOP\r\n")
            answers = [a for a in self.until(wire, b"z%d" % i) if not a.startswith(b"*")]
            self.assertEqual(2, len(answers), (line, answers))
            self.assertRegex(answers[0], rb"^a%d BAD" % i)

    def test_a34_nothing_hides_behind_a_literal(self):
        wire = self.open()
        wire.send("a APPEND INBOX {3}\r\n")
        self.until_idling(wire)
        wire.send('foo "b COMPRESS DEFLATE\r\nz NOOP\r\n')
        answers = [a for a in self.until(wire, b"z") if not a.startswith(b"*")]
        self.assertRegex(answers[0], b"^a BAD")
        self.assertEqual(2, len(answers), answers)
        for announced in ("XFOO {22+}", "NOOP {22+}", "IDLE {22+}"):
            wire.send(f"a {announced}\r\nb COMPRESS DEFLATE\r\nx\r\nz NOOP\r\n")
            self.assertFalse(any(re.match(rb"b OK", a) for a in self.until(wire, b"z")))


class Forgetful(unittest.TestCase):
    """Backends that lose an answer: what comes later passes all the same (T70, T71)."""

    def start(self, command):
        fake = FakeBackend(imap=imap_server(command=command))
        self.addCleanup(fake.stop)
        door = platform.postigo({"fake": fake})
        self.addCleanup(door.stop)
        wire = Imap.open(door, "off").logged_in("user", "password")
        wire.socket.settimeout(SILENCE)
        self.addCleanup(wire.close)
        return wire

    def test_t70_a_command_without_an_answer(self):
        def command(peer, tag, verb, rest):
            if verb == "IDLE":
                peer.send("+ idling\r\n")
                peer.line()
                peer.send(f"{tag} OK\r\n")
            return verb in ("SILENT", "IDLE")

        wire = self.start(command)
        wire.send("a SILENT\r\nb SELECT {5}\r\nINBOX\r\nc IDLE\r\nDONE\r\nd NOOP\r\n")
        said = b""
        while b"d OK" not in said:
            said += wire.line() + b"\r\n"
        self.assertEqual([b"b", b"c", b"d"], tags(said))

    def test_t71_what_does_not_end_idle(self):
        def command(peer, tag, verb, rest):
            if verb != "IDLE":
                return False
            peer.send(f"{tag} + idling\r\nold OK stale\r\nno star\r\n")
            peer.line()
            peer.send(f"{tag} OK over\r\n")
            return True

        wire = self.start(command)
        wire.send("a IDLE\r\n")
        for expected in (b"a + idling", b"old OK stale", b"no star"):
            self.assertEqual(expected, wire.line())
        wire.send("DONE\r\nb NOOP\r\nc SELECT {5}\r\n")
        self.assertRegex(wire.line(), b"^a OK")
        self.assertRegex(wire.line(), b"^b OK")
        self.assertRegex(wire.line(), rb"^\+")
