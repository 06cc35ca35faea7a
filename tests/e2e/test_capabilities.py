"""Capabilities over the wire: true before login, the backend's after it minus what must not pass (T36-T45, T3)."""

import re
import unittest
import zlib

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, plain
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

FORBIDDEN = ("STARTTLS", "LOGINDISABLED", "SASL-IR", "COMPRESS=DEFLATE", "UNAUTHENTICATE", "LOGIN-REFERRALS",
             "MAILBOX-REFERRALS", "AUTH=PLAIN", "AUTH=OAUTHBEARER", "URLAUTH", "X-NEVER-HEARD-OF")
ALLOWED = ("IMAP4REV1", "IDLE", "MOVE", "UIDPLUS", "CONDSTORE", "QRESYNC", "ENABLE", "NAMESPACE", "ID")
EVIL = " ".join([*ALLOWED, *FORBIDDEN])
platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform(dovecot_extra="protocol imap {\n  mail_plugins = zlib imap_zlib\n}\n")
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.door()


def listed(line):
    """The names in a capability response or response code, upper case and sorted."""
    match = re.search(rb"CAPABILITY ([^\]\r\n]*)", line, re.I)
    return sorted(match.group(1).decode().upper().split()) if match else None


class ImapBeforeLogin(unittest.TestCase):
    """Ours, and only what is true now."""

    def test_in_clear_text_and_inside_tls(self):
        with Imap.open(proxy, "off") as wire:
            clear = wire.capabilities()
            self.assertEqual(clear, listed(wire.greeting), "greeting and command differ")
            self.assertIn("STARTTLS", clear)
            wire.start_tls(platform.certificates.client_context())
            inside = wire.capabilities()
        for name in ("IMAP4REV1", "AUTH=PLAIN", "AUTH=LOGIN", "SASL-IR", "ID"):
            self.assertIn(name, inside)
        for name in ("STARTTLS", "LOGINDISABLED", "IDLE", "MOVE", "COMPRESS=DEFLATE"):
            self.assertNotIn(name, inside)
        with Imap.open(proxy) as wire:
            self.assertEqual(inside, wire.capabilities())
            self.assertEqual(inside, listed(wire.greeting))


class ImapAfterLogin(unittest.TestCase):
    """The backend's list, in the OK code and, for those who had asked by command, untagged as well (T36)."""

    def direct(self):
        with Imap.open(platform.a) as wire:
            return wire.logged_in(platform.fresh_user(), PASSWORD).capabilities()

    def test_is_the_backends_minus_what_must_not_pass(self):
        with Imap.open(proxy) as wire:
            seen = wire.logged_in(platform.fresh_user(), PASSWORD).capabilities()
        missing = sorted(set(self.direct()) - set(seen))
        self.assertEqual([], sorted(set(seen) - set(self.direct())), "invented")
        self.assertEqual(["COMPRESS=DEFLATE", "LOGIN-REFERRALS", "SASL-IR"], missing)

    def test_t36_code_and_untagged(self):
        for asked in (False, True):
            for login in (f'LOGIN {{0}} "{PASSWORD}"', "AUTHENTICATE PLAIN {1}"):
                with self.subTest(asked=asked, login=login.split()[0]), Imap.open(proxy) as wire:
                    if asked:
                        wire.capabilities()
                    user = platform.fresh_user()
                    said = wire.command(login.format(user, plain(user, PASSWORD)))
                    code = listed(said[-1])
                    self.assertIsNotNone(code, said)
                    untagged = [line for line in said if line.upper().startswith(b"* CAPABILITY")]
                    self.assertEqual(1 if asked else 0, len(untagged), said)
                    for line in untagged:
                        self.assertEqual(code, listed(line))
                    self.assertEqual(code, wire.capabilities())


class ImapLies(unittest.TestCase):
    """A backend that lists everything, at any time, in any form and any chunk."""

    def scene(self, size=0, **options):
        def command(peer, tag, verb, _):
            if verb != "SPEAK":
                return False
            peer.send(f"* CAPABILITY {EVIL}\r\n* capability {EVIL.lower()}\r\n* OK [CAPABILITY {EVIL}] again\r\n"
                      f"* 1 FETCH (BODY[] {{{len(EVIL) + 15}}}\r\n* CAPABILITY {EVIL}\r\n)\r\n"
                      f"{tag} OK [CAPABILITY {EVIL}] done\r\n", size=size)
            return True

        fake = FakeBackend(imap=imap_server(logged_in=EVIL, command=command))
        self.addCleanup(fake.stop)
        made = platform.postigo({"fake": fake}, **options)
        self.addCleanup(made.stop)
        return fake, made

    def check_list(self, names):
        self.assertEqual([], [name for name in FORBIDDEN if name in names])
        self.assertEqual([], [name for name in ALLOWED if name not in names])

    def test_everywhere(self):
        for size in (0, 1, 7):
            _, door = self.scene(size)
            with self.subTest(size=size), Imap.open(door) as wire:
                self.check_list(listed(wire.ok("LOGIN u p")[-1]))
                self.check_list(wire.capabilities())
                said = wire.ok("SPEAK")
                self.assertEqual(5, len(said), said)
                for line in said[:3] + said[4:]:
                    self.check_list(listed(line))
                self.assertIn(b"* CAPABILITY " + EVIL.encode(), said[3], "a literal was changed")

    def test_hide_and_add(self):
        _, door = self.scene(capabilities='[capabilities.imap]\nhide = ["MOVE", "SASL-IR"]\n'
                                          'add = ["XAPPLEPUSHSERVICE"]\n')
        with Imap.open(door) as wire:
            self.assertNotIn("SASL-IR", wire.capabilities())
            after = listed(wire.ok("LOGIN u p")[-1])
            for names in (after, wire.capabilities(), listed(wire.ok("SPEAK")[-1])):
                self.assertNotIn("MOVE", names)
                self.assertIn("XAPPLEPUSHSERVICE", names)

    def test_what_nobody_may_add(self):
        door = platform.postigo(start=False, capabilities='[capabilities.imap]\nadd = ["STARTTLS"]\n')
        self.assertRegex(door.tool("check", check=False).stderr, "capabilities.imap.add.*STARTTLS")

    def test_t39_one_revision(self):
        fake = FakeBackend(imap=imap_server(logged_in="IMAP4rev2 IDLE"))
        self.addCleanup(fake.stop)
        door = platform.postigo({"fake": fake})
        self.addCleanup(door.stop)
        with Imap.open(door) as wire:
            before = [name for name in wire.capabilities() if name.startswith("IMAP4REV")]
            after = [name for name in listed(wire.ok("LOGIN u p")[-1]) if name.startswith("IMAP4REV")]
            self.assertTrue(after, "no revision at all")
            self.assertTrue(set(after) & set(before) or after == ["IMAP4REV2"], (before, after))

    def test_t41_verbs_that_must_not_reach_the_backend(self):
        fake, door = self.scene()
        with Imap.open(door) as wire:
            wire.ok("LOGIN u p")
            verbs = ("UNAUTHENTICATE", "STARTTLS", "LOGIN other secret", "AUTHENTICATE PLAIN AG90aGVyAHNlY3JldA==",
                     "COMPRESS DEFLATE")
            wire.send("".join(f"t{number} {verb}\r\n" for number, verb in enumerate(verbs)) + "last NOOP\r\n")
            said = wire.until("last")
            self.assertEqual([b"t0", b"t1", b"t2", b"t3", b"t4", b"last"], [line.split()[0] for line in said], said)
        heard = fake.last.said().upper()
        heard = heard[heard.index(b"T0 "):]
        for verb in (b"UNAUTHENTICATE", b"STARTTLS", b"LOGIN", b"AUTHENTICATE", b"COMPRESS"):
            self.assertNotIn(b" " + verb, heard)

    def test_t41_against_a_real_backend(self):
        with Imap.open(proxy) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            for verb in ("UNAUTHENTICATE", "STARTTLS", "COMPRESS DEFLATE", "LOGIN a b"):
                self.assertRegex(wire.command(verb)[-1], b"^BAD", verb)
            wire.ok("SELECT INBOX")


class Compression(unittest.TestCase):
    """T40: stripped by default; allowed, the session is compressed end to end and we step aside."""

    def test_allowed(self):
        door = platform.postigo(capabilities="[capabilities.imap]\nallow_compress = true\n")
        self.addCleanup(door.stop)
        with Imap.open(door) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            self.assertIn("COMPRESS=DEFLATE", wire.capabilities())
            wire.ok("COMPRESS DEFLATE")
            pack, unpack = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)

            def ask(text):
                wire.send(pack.compress(text) + pack.flush(zlib.Z_SYNC_FLUSH))
                said = b""
                while b"\r\nz OK" not in b"\r\n" + said:
                    said += unpack.decompress(wire.socket.recv(65536))
                return said

            self.assertIn(b"EXISTS", ask(b"z SELECT INBOX\r\n"))
            body = b"Subject: x\r\n\r\n" + b"compressed " * 1000
            self.assertIn(b"z OK", ask(b"z APPEND INBOX {%d+}\r\n%s\r\n" % (len(body), body)))
            self.assertIn(body, ask(b"z FETCH 1 BODY[]\r\n"))


class Pop3Capabilities(unittest.TestCase):
    """T44, T45: CAPA before and after login."""

    def test_before(self):
        with Pop3.open(proxy, "off") as wire:
            clear = wire.capabilities()
            self.assertIn("STLS", clear)
            wire.start_tls(platform.certificates.client_context())
            inside = wire.capabilities()
        self.assertNotIn("STLS", inside)
        for name in ("TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "SASL PLAIN LOGIN"):
            self.assertIn(name, inside)

    def test_rfc2449_what_was_announced_before_stays(self):
        with Pop3.open(proxy) as wire:
            before = set(wire.capabilities()) - {"STLS"}
            after = set(wire.logged_in(platform.fresh_user(), PASSWORD).capabilities())
        self.assertEqual(set(), before - after)

    def test_t45_no_software_names_and_no_way_around(self):
        names = ("TOP", "UIDL", "USER", "STLS", "SASL PLAIN X-EVIL", "IMPLEMENTATION Fake-1.0", "XCLIENT", "X-UNKNOWN",
                 "EXPIRE 30", "LOGIN-DELAY 60", "PIPELINING", "RESP-CODES")
        for size in (0, 1):
            fake = FakeBackend(pop3=pop3_server(capabilities=names, size=size))
            self.addCleanup(fake.stop)
            door = platform.postigo({"fake": fake}, capabilities='[capabilities.pop3]\nhide = ["LOGIN-DELAY"]\n')
            self.addCleanup(door.stop)
            with self.subTest(size=size), Pop3.open(door) as wire:
                seen = wire.logged_in("u", "p").capabilities()
                hidden = ("STLS", "IMPLEMENTATION", "XCLIENT", "X-UNKNOWN", "LOGIN-DELAY")
                self.assertEqual([], [name for name in seen if name.startswith(hidden)])
                self.assertNotIn("X-EVIL", " ".join(seen))
                self.assertIn("EXPIRE 30", seen)


if __name__ == "__main__":
    unittest.main()
