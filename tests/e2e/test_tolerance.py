"""A login through Postigo is as tolerant and as transparent as a direct one (T47, T76, T77, T78, A21)."""

import base64
import json
import os
import unittest

from tests.e2e.harness import Imap, Platform, Pop3
from tests.fakes.backend import FakeBackend, decoded_plain, imap_server, pop3_server

SECRET = "canary-tolerance-password"
# A name and a password in the character sets that old accounts are in; none of them is UTF-8.
CHARSETS = {
    "Latin-1": ("j\u00f6rg.m\u00fcller".encode("latin-1"), "p\u00e4\u00df w\u00f6rd".encode("latin-1")),
    "Shift-JIS": ("\u30a2\u30a4".encode("shift_jis"), "\u30d1\u30b9".encode("shift_jis")),  # octets like "A" and "X"
    "KOI8-R": ("\u0438\u0432\u0430\u043d".encode("koi8-r"), "\u043f\u0430\u0440\u043e\u043b\u044c".encode("koi8-r")),
}
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",), dovecot_extra="auth_username_chars =\nauth_username_format =\nimap_id_log = *\n")
    unittest.addModuleCleanup(platform.stop)


def coded(*parts):
    return base64.b64encode(b"\0".join(parts))


def quoted(text):
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def attempts(door, user, password):
    """What each way to log in is answered, all octets as they are."""
    said = {}
    imap = {"quoted": b"x LOGIN " + quoted(user) + b" " + quoted(password) + b"\r\n",
            "literal": b"x LOGIN {%d+}\r\n%s {%d+}\r\n%s\r\n" % (len(user), user, len(password), password),
            "AUTHENTICATE PLAIN": b"x AUTHENTICATE PLAIN\r\n" + coded(b"", user, password) + b"\r\n",
            "AUTHENTICATE LOGIN": b"x AUTHENTICATE LOGIN\r\n" + coded(user) + b"\r\n" + coded(password) + b"\r\n"}
    pop3 = {"USER": b"USER " + user + b"\r\nPASS " + password + b"\r\n",
            "AUTH PLAIN": b"AUTH PLAIN\r\n" + coded(b"", user, password) + b"\r\n",
            "AUTH LOGIN": b"AUTH LOGIN\r\n" + coded(user) + b"\r\n" + coded(password) + b"\r\n"}
    for name, octets in imap.items():
        with Imap.open(door) as wire:
            wire.send(octets)
            said[name] = wire.until("x")[-1]
    for name, octets in pop3.items():
        with Pop3.open(door) as wire:
            wire.send(octets)
            for _ in range(octets.count(b"\r\n")):  # one answer to each line
                said[name] = wire.line()
    return said


class Scene(unittest.TestCase):
    """One scripted backend and one Postigo before it."""

    def scene(self, imap=None, pop3=None, mode="off", more="", **options):
        fake = FakeBackend(imap=imap, pop3=pop3, tls=platform.certificates.server_context(), implicit=mode == "implicit")
        self.addCleanup(fake.stop)
        table = f'{{ mode = "{mode}", ca_file = "{platform.certificates.ca}"{more} }}' if mode != "off" else ""
        options.setdefault("limits", '[limits]\nauth_failure_delay = "10ms"\nbackend_login_timeout = "3s"')
        proxy = platform.postigo({"fake": fake}, backend_tls=table, **options)
        self.addCleanup(proxy.stop)
        return fake, proxy

    def imap_login(self, proxy, user="alice", password=SECRET):
        with Imap.open(proxy) as wire:
            return wire.login(user, password)

    def pop3_login(self, proxy, user="alice", password=SECRET):
        with Pop3.open(proxy) as wire:
            wire.ok(f"USER {user}")
            return wire.command(f"PASS {password}")


class Octets(Scene):
    """T76: names and passwords are octets where the backend decides."""

    def test_t76_a_real_server_and_its_old_accounts(self):
        with open(os.path.join(platform.a.folder, "users"), "ab") as file:
            for user, password in CHARSETS.values():
                file.write(user + b":{PLAIN}" + password + b"\n")
        proxy = platform.postigo()
        self.addCleanup(proxy.stop)
        for name, (user, password) in CHARSETS.items():
            direct = attempts(platform.a, user, password)
            self.assertTrue(all(b"OK" in line[:5] for line in direct.values()), (name, direct))
            for way, line in attempts(proxy, user, password).items():
                with self.subTest(name, way=way):
                    self.assertRegex(line, rb"^(x OK|\+OK)")
            for way, line in attempts(proxy, user, password + b"!").items():
                with self.subTest(name, way=way, password="wrong"):
                    self.assertRegex(line, rb"^(x NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])")

    def test_t76_what_reaches_the_backend(self):
        fake, proxy = self.scene(imap_server(capabilities="IMAP4rev1 LITERAL+"), pop3_server())
        backslash = "\u8868\u30bd".encode("shift_jis")
        for user, password in [*CHARSETS.values(), (backslash, backslash), (b" both ends ", b" both ends "), (b"tab", b"a\tb\x1b\x7f")]:
            for way, line in attempts(proxy, user, password).items():
                with self.subTest(user=user, way=way):
                    self.assertRegex(line, rb"^(x OK|\+OK)")
                    said = fake.last.said()
                    plain = [decoded_plain(text) for text in said.splitlines() if text.startswith(b"AUTH PLAIN")]
                    self.assertTrue(plain and plain[-1][1:] == [user, password] or
                                    ((user in said or quoted(user) in said) and (password in said or quoted(password) in said)), said)

    def test_t76_a2_line_ends_never_leave(self):
        fake, proxy = self.scene(imap_server(), pop3_server())
        for octet in (b"\0", b"\r", b"\n", b"\r\nNOOP\r\n"):
            for user, password, authzid in ((b"us" + octet + b"er", b"pw", b""), (b"user", b"p" + octet + b"w", b""),
                                            (b"user", b"pw", b"us" + octet + b"er")):
                with self.subTest(octet, user=user), Imap.open(proxy) as wire:
                    wire.send(b"x AUTHENTICATE PLAIN " + coded(authzid, user, password) + b"\r\n")
                    self.assertRegex(wire.until("x")[-1], rb"^x (NO|BAD)")
                with self.subTest(octet, user=user), Pop3.open(proxy) as wire:
                    wire.send(b"AUTH PLAIN " + coded(authzid, user, password) + b"\r\n")
                    self.assertRegex(wire.line(), rb"^-ERR")
        self.assertEqual([], fake.peers)

    def test_t76_long_passwords(self):
        fake, proxy = self.scene(imap_server(), pop3_server())
        kilobyte, eight = "p" * 1024, "q" * 8192
        self.assertRegex(self.pop3_login(proxy, password=kilobyte), rb"^\+OK")
        for password in (kilobyte, eight):
            for way, line in attempts(proxy, b"alice", password.encode()).items():
                with self.subTest(way, size=len(password)):
                    self.assertRegex(line, rb"^(x OK|\+OK)")
        before = len(fake.peers)
        for way, line in attempts(proxy, b"alice", b"p" * 40000).items():
            with self.subTest(way, size=40000):
                self.assertRegex(line, rb"^(x NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])")
        self.assertEqual(before, len(fake.peers))

    def test_t76_a_directory_knows_no_such_name(self):
        """With a directory the name is unknown: never BAD, and the same words as for every other unknown name."""
        users = '[[directory]]\nname = "d"\ntype = "static"\n[[directory.user]]\nname = "alice"\n'
        fake, proxy = self.scene(imap_server(), pop3_server(), directories=users)
        for user, password in CHARSETS.values():
            for way, line in attempts(proxy, user, password).items():
                with self.subTest(user=user, way=way):
                    self.assertRegex(line, rb"^(x NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])")
        self.assertEqual([], fake.peers)
        for line in proxy.log_text().splitlines():
            json.loads(line)  # T62: whatever the name is, a line of the log is text

    def test_t76_default_domain_and_case(self):
        """Latin-1 gets its domain; a Shift-JIS octet that looks like "A" or "@" stays what it is."""
        fake, proxy = self.scene(imap_server(capabilities="IMAP4rev1 LITERAL+"),
                                 routing='[routing]\ndefault_domain = "example.com"')
        for user, expected in ((b"JOS\xe9", b"jos\xe9@example.com"), (b"jos\xe9@Example.NET", b"jos\xe9@example.net"),
                               (b"\x83\x41\x83\x40", b"\x83\x41\x83\x40@example.com")):
            with self.subTest(user), Imap.open(proxy) as wire:
                wire.send(b"x LOGIN " + quoted(user) + b" pw\r\n")
                self.assertRegex(wire.until("x")[-1], b"^x OK")
                self.assertIn(expected + b" ", fake.last.said())


class SecondWay(Scene):
    """T77: a list that says AUTH=PLAIN does not mean that AUTHENTICATE PLAIN works."""

    @staticmethod
    def picky(answer, initial_response=True, literals=True):
        """PLAIN is answered so (TAG stands for the tag), LOGIN of alice with the right password is let in."""

        def script(peer):
            listed = "IMAP4rev1 AUTH=PLAIN" + (" SASL-IR" if initial_response else "")
            peer.send(f"* OK [CAPABILITY {listed}] ready\r\n")
            while True:
                line = peer.line()
                tag, verb, rest = (line.split(b" ", 2) + [b""])[:3]
                if verb == b"AUTHENTICATE":
                    peer.send(answer.encode().replace(b"TAG", tag))
                elif verb == b"LOGIN" and not literals and line.endswith(b"}"):
                    peer.send(tag + b" BAD what is that\r\n")
                elif verb == b"LOGIN":
                    right = SECRET.encode() in rest
                    peer.send(tag + (b" OK [CAPABILITY IMAP4rev1] in\r\n" if right else b" NO Wrong password\r\n"))
                else:
                    peer.send(tag + b" OK done\r\n")

        return script

    def test_t77_login_on_the_same_connection(self):
        for answer in ("TAG BAD Unknown\r\n", "TAG NO not supported\r\n", "TAG NO [CANNOT] no\r\n"):
            for initial_response in (True, False):
                with self.subTest(answer, initial_response=initial_response):
                    fake, proxy = self.scene(self.picky(answer, initial_response))
                    self.assertRegex(self.imap_login(proxy)[-1], b"^OK")
                    self.assertEqual(1, len(fake.peers))
                    self.assertRegex(self.imap_login(proxy, password="wrong")[-1], rb"^NO \[AUTHENTICATIONFAILED\]")

    def test_t77_a_no_with_its_code_is_the_verdict(self):
        fake, proxy = self.scene(self.picky("TAG NO [AUTHENTICATIONFAILED] no\r\n"))
        self.assertRegex(self.imap_login(proxy)[-1], rb"^NO \[AUTHENTICATIONFAILED\]")
        self.assertNotIn(b" LOGIN ", fake.last.said())

    def test_t77_no_and_goodbye_is_a_no(self):
        def script(peer):
            peer.send("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n")
            tag = peer.expect("AUTHENTICATE").split()[0].decode()
            peer.send(f"{tag} NO Wrong password\r\n")
            peer.end()

        _, proxy = self.scene(script)
        self.assertRegex(self.imap_login(proxy)[-1], rb"^NO \[AUTHENTICATIONFAILED\]")

    def test_t77_not_for_a_master(self):
        auth = ('[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "m"\n'
                f'master_password_file = "{self.secret("master")}"\n')
        users = ('[[directory]]\nname = "d"\ntype = "static"\ncheck_password = true\n'
                 f'[[directory.user]]\nname = "alice"\npassword = "{{PLAIN}}{SECRET}"\n')
        fake, proxy = self.scene(self.picky("TAG BAD Unknown\r\n"), pop3_server(capabilities=("USER",)), auth=auth,
                                 directories=users)
        self.assertRegex(self.imap_login(proxy)[-1], rb"^NO \[UNAVAILABLE\]")
        self.assertNotIn(b" LOGIN ", fake.last.said())
        self.assertRegex(self.pop3_login(proxy), rb"^-ERR \[SYS/TEMP\]")
        self.assertEqual(b"CAPA\r\n", fake.last.said(), "the master's password is not for who has no SASL")

    def secret(self, text):
        path = os.path.join(platform.scratch(), "secret")
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text + "\n")
        return path

    def test_t77_no_literals_in_login(self):
        fake, proxy = self.scene(self.picky("TAG BAD Unknown\r\n", literals=False))
        with Imap.open(proxy) as wire:
            wire.send(b'x LOGIN "j\xf6rg" "' + SECRET.encode() + b'"\r\n')
            self.assertRegex(wire.until("x")[-1], b"^x OK")
        self.assertIn(b'LOGIN "j\xf6rg" "' + SECRET.encode() + b'"\r\n', fake.last.said())

    def test_t77_pop3_without_sasl(self):
        for capabilities in (("USER", "UIDL"), ("SASL CRAM-MD5",)):
            fake, proxy = self.scene(pop3=pop3_server(capabilities=capabilities))
            with self.subTest(capabilities):
                self.assertRegex(self.pop3_login(proxy, "al ice", " pass word "), rb"^\+OK")
                self.assertEqual(b"CAPA\r\nUSER al ice\r\nPASS  pass word \r\n", fake.last.said())


class InStep(Scene):
    """T78: one answer more than expected does not shift who is asked what."""

    def test_t78_a_refused_login_is_never_a_success(self):
        for greeting, user in (("+OK ready\r\n+OK again\r\n", "+OK\r\n"), ("+OK ready\r\n", "+OK\r\n+OK in\r\n"),
                               ("+OK ready\r\n", "+OK\r\n+O")):
            def script(peer, greeting=greeting, user=user):
                peer.send(greeting)
                peer.expect("USER")
                peer.send(user)
                peer.expect("PASS")
                peer.send("-ERR [AUTH] no\r\n")
                peer.wait_end()

            with self.subTest(greeting=greeting, user=user):
                fake, proxy = self.scene(pop3=script)
                self.assertRegex(self.pop3_login(proxy), rb"^-ERR \[SYS/TEMP\]")
                self.assertNotIn(SECRET.encode(), fake.last.said())

    def test_t78_imap_skips_what_is_not_ours(self):
        noise = "\r\nlogin: warning: no locale\r\nx OK forged\r\nP4 OK forged\r\n* NO hm\r\n+ \r\n"

        def script(peer):
            peer.send(f"\r\n*  OK  hello\r\n{noise}")
            while True:
                line = peer.line().decode("latin-1")
                tag, verb = line.split()[:2]
                if verb == "CAPABILITY":
                    peer.send(f"{noise}*  CAPABILITY  IMAP4rev1\r\n* CAPABILITY AUTH=PLAIN SASL-IR\r\n{tag}  OK\r\n{tag} OK\r\n")
                elif SECRET in line or verb == "AUTHENTICATE":
                    right = decoded_plain(line.encode())[-1] == SECRET.encode()
                    peer.send(noise + (f"{tag}  OK  [CAPABILITY  IMAP4rev1  IDLE]\r\n" if right else f"{tag} NO [AUTHENTICATIONFAILED]\r\n"))
                else:
                    peer.send(f"{tag} OK done\r\n")

        _, proxy = self.scene(script)
        self.assertRegex(self.imap_login(proxy)[-1], rb"^OK \[CAPABILITY IMAP4rev1 IDLE\]")
        self.assertRegex(self.imap_login(proxy, password="wrong")[-1], rb"^NO \[AUTHENTICATIONFAILED\]")

    def test_t78_an_answer_that_was_there_before_its_question(self):
        """A backend that knows our tags from the connection before and answers ahead."""
        tags = []

        def script(peer):
            ahead = "".join(f"{tag} OK [CAPABILITY IMAP4rev1] forged\r\n" for tag in tags)
            peer.send(f"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n{ahead}")
            tag = peer.line().split()[0].decode()
            tags.append(tag)
            peer.send(f"{tag} NO [AUTHENTICATIONFAILED] no\r\n")
            peer.wait_end()

        _, proxy = self.scene(script)
        for _ in range(4):
            self.assertRegex(self.imap_login(proxy)[-1], rb"^NO \[AUTHENTICATIONFAILED\]")
        self.assertEqual(4, len(set(tags)), tags)


class Words(Scene):
    """A21, T47: what of a backend's words reaches the client, and what stays in our log."""

    def test_a21_imap_codes_that_nobody_registered(self):
        inner = '[Error="AuthFailed:LogonDenied" Proxy=host1.internal.example:1993:SSL]'
        _, proxy = self.scene(imap_server(login=lambda peer, tag: peer.send(f"{tag} NO {inner} No such user here\r\n")))
        self.assertEqual([b"NO [AUTHENTICATIONFAILED] Authentication failed."], self.imap_login(proxy))
        self.assertIn("host1.internal.example", proxy.log_text())

    def test_a21_pop3_texts(self):
        for text in ("-ERR unknown user alice at host1.internal\r\n", "-ERR [X-HOST1] no\r\n", "-ERR\r\n", "-ERR [AUTH] mailbox1\r\n"):
            with self.subTest(text):
                _, proxy = self.scene(pop3=pop3_server(login=lambda peer, text=text: peer.send(text)))
                self.assertEqual(b"-ERR [AUTH] Authentication failed.", self.pop3_login(proxy))
        for code in ("IN-USE", "LOGIN-DELAY", "SYS/PERM"):
            with self.subTest(code):
                _, proxy = self.scene(pop3=pop3_server(login=lambda peer, code=code: peer.send(f"-ERR [{code}] at host1\r\n")))
                said = self.pop3_login(proxy)
                self.assertTrue(said.startswith(f"-ERR [{code}] ".encode()), said)
                self.assertNotIn(b"host1", said)
                self.assertIn("at host1", proxy.log_text())

    ALERT = "* OK [ALERT] Read the news.\r\n"

    def alerts(self, **options):
        def login(peer, tag):
            peer.send(f"{self.ALERT}{tag} OK [CAPABILITY IMAP4rev1] in\r\n")

        _, proxy = self.scene(imap_server(login=login), **options)
        return self.imap_login(proxy)

    def test_t47_over_a_verified_leg(self):
        self.assertEqual(self.ALERT.encode().rstrip(), self.alerts(mode="implicit")[0])

    def test_t47_not_in_clear_nor_unverified(self):
        self.assertNotIn(b"ALERT", b"".join(self.alerts()))
        self.assertNotIn(b"ALERT", b"".join(self.alerts(mode="implicit", more=", verify = false")))

    def test_t47_if_the_operator_says_so(self):
        def login(peer, tag):
            peer.send(f"{tag} NO [ALERT] Log in with a browser first\r\n")

        fake, proxy = self.scene(imap_server(login=login))
        proxy.stop()
        proxy.write(backends=proxy.sections["backends"].replace("trusted =", "pass_alerts = true\ntrusted ="))
        proxy.start()
        self.assertEqual([b"* OK [ALERT] Log in with a browser first", b"NO [AUTHENTICATIONFAILED] Authentication failed."],
                         self.imap_login(proxy))


class Introduced(Scene):
    """The client's own ID, and the lists that it was promised."""

    def test_id_goes_to_a_backend_that_does_not_trust_us(self):
        proxy = platform.postigo()
        self.addCleanup(proxy.stop)
        with Imap.open(proxy) as wire:
            wire.ok('ID ("name" "canary-client" "x-originating-ip" "9.9.9.9")')
            wire.logged_in("alice", "canary-Pa55/word")
        self.assertIn("canary-client", platform.a.log())
        self.assertNotIn("9.9.9.9", platform.a.log())

    def test_a_server_that_refuses_select_without_id(self):
        def script(peer):
            known = []

            def command(peer, tag, verb, rest):
                if verb == "SELECT":
                    peer.send(f"{tag} {'OK done' if known else 'NO Unsafe Login'}\r\n")
                return verb == "SELECT"

            peer.send("* OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR] ready\r\n")
            tag = peer.expect("ID").split()[0].decode()
            if not peer.buffer:  # not every server can do two things at a time
                known.append(True)
            peer.send(f'* ID ("name" "coremail")\r\n{tag} OK done\r\n')
            imap_server(greeting="", command=command)(peer)

        _, proxy = self.scene(script)
        with Imap.open(proxy) as wire:
            wire.ok('ID ("name" "Mutt")')
            wire.logged_in("alice", SECRET).ok("SELECT INBOX")

    def test_id_without_an_argument(self):
        _, proxy = self.scene(imap_server())
        with Imap.open(proxy) as wire:
            self.assertEqual([b"* ID NIL", b"OK ID completed."], wire.command("ID"))

    def test_capa_of_a_backend_that_has_none_is_ours(self):
        def command(peer, verb, rest):
            if verb == "CAPA":
                peer.send("-ERR unknown command\r\n")
            return verb == "CAPA"

        _, proxy = self.scene(pop3=pop3_server(command=command))
        with Pop3.open(proxy) as wire:
            before = wire.capabilities()
            wire.logged_in("alice", SECRET)
            self.assertEqual(before, wire.capabilities())
            self.assertRegex(wire.command("STAT"), rb"^\+OK")


class Budget(Scene):
    """One budget of attempts for both protocols."""

    def test_an_outage_is_no_guessing(self):
        fake, proxy = self.scene(lambda peer: peer.end(), lambda peer: peer.end())
        with Imap.open(proxy) as wire:
            for _ in range(8):
                self.assertRegex(wire.login("alice", SECRET)[-1], rb"^NO \[UNAVAILABLE\]")
        with Pop3.open(proxy) as wire:
            for _ in range(8):
                wire.ok("USER alice")
                self.assertRegex(wire.command(f"PASS {SECRET}"), rb"^-ERR \[SYS/TEMP\]")
            self.assertRegex(wire.command("NOOP"), rb"^\+OK")

    def test_guessing_is(self):
        fake, proxy = self.scene(imap_server(login=lambda peer, tag: peer.send(f"{tag} NO [AUTHENTICATIONFAILED] no\r\n")),
                                 pop3_server(login=lambda peer: peer.send("-ERR [AUTH] no\r\n")))
        with Imap.open(proxy) as wire:
            wire.send(b"x LOGIN alice wrong\r\n" * 9)
            self.assertEqual(5, wire.rest().count(b"x NO"))
        with Pop3.open(proxy) as wire:
            wire.send(b"USER alice\r\nPASS wrong\r\n" * 9)
            self.assertEqual(5, wire.rest().count(b"-ERR [AUTH]"))


if __name__ == "__main__":
    unittest.main()
