"""POP3's one irreversible step: messages are removed only after a QUIT that the client itself said (T49-T51)."""

import signal
import socket
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, wait_for
from tests.fakes.backend import FakeBackend, pop3_server

MAIL = (b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n")
platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.door()


def left(user):
    """How many messages the user still has, where he has fewest (the other backend never saw him)."""
    return min(len(dovecot.messages(user)) for dovecot in platform.dovecots.values())


def settled(user, wanted):
    """The backend needs a moment to notice the end of a session."""
    try:
        wait_for(lambda: left(user) == wanted, 15, "mailbox")
    except AssertionError:
        pass
    return left(user)


def end_by_close(wire):
    wire.close()


def end_by_reset(wire):
    wire.reset()


def end_by_half_close(wire):
    """FIN without a close_notify, then we keep listening."""
    socket.socket.shutdown(wire.socket, socket.SHUT_WR)
    wire.rest()


def end_in_the_middle_of_quit(wire):
    wire.send("QUI")
    wire.close()


def end_with_other_words(wire):
    wire.send("QUITE\r\nXQUIT\r\nNOOP QUIT\r\n")
    for _ in range(3):
        wire.line()
    wire.close()


ENDS = (end_by_close, end_by_reset, end_by_half_close, end_in_the_middle_of_quit, end_with_other_words)


class Deletion(unittest.TestCase):
    """T49, T51 against a real Dovecot."""

    def deleting(self, mode, door=None):
        user = platform.fresh_user()
        platform.deliver(user, *MAIL)
        wire = Pop3.open(door or proxy, mode).logged_in(user, PASSWORD)
        wire.ok("DELE 1")
        return user, wire

    def test_t49_anything_but_quit_keeps(self):
        for mode in ("implicit", "starttls", "off"):
            for end in ENDS:
                with self.subTest(mode=mode, end=end.__name__):
                    user, wire = self.deleting(mode)
                    try:
                        end(wire)
                    finally:
                        wire.close()
                    time.sleep(0.1)
                    self.assertEqual(2, left(user), f"a message is gone after {end.__name__}")

    def test_quit_deletes(self):
        for mode in ("implicit", "starttls", "off"):
            with self.subTest(mode=mode):
                user, wire = self.deleting(mode)
                with wire:
                    wire.ok("QUIT")
                    self.assertTrue(wire.ended())
                self.assertEqual(1, settled(user, 1))

    def test_t51_quit_right_before_the_end(self):
        for mode in ("implicit", "starttls", "off"):
            for end in (end_by_close, end_by_half_close):
                with self.subTest(mode=mode, end=end.__name__):
                    user, wire = self.deleting(mode)
                    wire.send("NOOP\r\nQUIT\r\n")
                    end(wire)
                    wire.close()
                    self.assertEqual(1, settled(user, 1), "QUIT was said, the message must go")

    def test_t51_the_whole_session_in_one_segment_and_half_close(self):
        user = platform.fresh_user()
        platform.deliver(user, *MAIL)
        with Pop3.open(proxy, "off") as wire:
            wire.send(f"USER {user}\r\nPASS {PASSWORD}\r\nDELE 2\r\nQUIT\r\n")
            wire.half_close()
            self.assertEqual(4, wire.rest().count(b"+OK"))
        self.assertEqual(1, settled(user, 1))

    def test_t49_our_own_end(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number.name):
                door = platform.postigo()
                user, wire = self.deleting("implicit", door)
                if number == signal.SIGTERM:
                    door.stop()
                else:
                    door.kill()
                wire.close()
                time.sleep(0.2)
                self.assertEqual(2, left(user))

    def test_rset_then_quit(self):
        user, wire = self.deleting("implicit")
        with wire:
            wire.ok("RSET")
            wire.ok("QUIT")
        time.sleep(0.1)
        self.assertEqual(2, left(user))


class WhatTheBackendHears(unittest.TestCase):
    """T49, T50 on the wire: no QUIT reaches the backend but the client's own."""

    @classmethod
    def setUpClass(cls):
        cls.fake = FakeBackend(pop3=pop3_server())
        cls.addClassCleanup(cls.fake.stop)
        cls.proxy = platform.postigo({"fake": cls.fake})
        cls.addClassCleanup(cls.proxy.stop)

    def heard(self, act, mode="off"):
        before = len(self.fake.peers)
        wire = Pop3.open(self.proxy, mode)
        act(wire)
        wire.close()
        # a login that went on without its client may reach the backend late: not in the next test
        wait_for(lambda: self.proxy.metrics().sum("postigo_connections") == 0, 8, "the session to end")
        wait_for(lambda: all(peer.closed_by or peer.socket.fileno() < 0 for peer in self.fake.peers[before:]), 8,
                 "the backend's connection to end")
        return b"".join(peer.said() for peer in self.fake.peers[before:])

    def test_t49_after_login(self):
        for end in ENDS[:4]:
            for mode in ("off", "implicit"):
                with self.subTest(end=end.__name__, mode=mode):
                    said = self.heard(lambda wire, end=end: (wire.logged_in("u", "p"), wire.ok("DELE 1"), end(wire)), mode)
                    self.assertIn(b"DELE 1\r\n", said)
                    self.assertNotIn(b"QUIT\r\n", said)

    def test_t49_in_the_middle_of_the_login(self):
        for text in ("USER u\r\nPASS p\r\n", "USER u\r\nPASS p"):
            said = self.heard(lambda wire, text=text: wire.send(text))
            self.assertNotIn(b"QUIT", said)

    def test_t50_quit_before_login_does_not_reach_it(self):
        self.assertEqual(b"", self.heard(lambda wire: (wire.ok("USER u"), wire.ok("QUIT"))))

    def test_quit_reaches_it_once(self):
        said = self.heard(lambda wire: (wire.logged_in("u", "p"), wire.ok("QUIT"), wire.rest()))
        self.assertEqual(1, said.count(b"QUIT\r\n"))


class Fidelity(unittest.TestCase):
    """T52: what looks like a terminator or a response inside a message is text."""

    def test_dots_and_errors_inside(self):
        user = platform.fresh_user()
        body = b"Subject: x\r\n\r\n.\r\n..\r\n-ERR no\r\n+OK yes\r\nSTLS\r\nSASL PLAIN\r\n.CAPA\r\n"
        platform.deliver(user, body)
        with Pop3.open(proxy) as wire:
            wire.logged_in(user, PASSWORD)
            said = wire.lines("RETR 1")[1:]
            self.assertEqual(body, b"".join((line[1:] if line.startswith(b".") else line) + b"\r\n" for line in said))

    def test_imap_and_pop3_see_the_same_mailbox(self):
        user = platform.fresh_user()
        platform.deliver(user, *MAIL)
        with Pop3.open(proxy) as pop3, Imap.open(proxy) as imap:
            self.assertIn(b"+OK 2 ", pop3.logged_in(user, PASSWORD).ok("STAT"))
            self.assertIn(b"* 2 EXISTS", imap.logged_in(user, PASSWORD).ok("SELECT INBOX"))


if __name__ == "__main__":
    unittest.main()
