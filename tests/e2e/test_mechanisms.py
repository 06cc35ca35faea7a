"""Mechanisms, with clients that nobody here wrote: gsasl, neomutt, curl, mbsync, fetchmail, and Python's own."""

import base64
import hashlib
import hmac
import imaplib
import json
import os
import poplib
import shutil
import ssl
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, Imap, Platform, Pop3, plain, run, wait_for
from tests.e2e.harness.clients import _on_terminal

OURS = "canary-Mechanism-password"
WRONG = "canary-Wrong-password"
STRONG = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"]
ALL = [*STRONG, "CRAM-MD5", "APOP", "PLAIN", "LOGIN", "ANONYMOUS", "EXTERNAL"]
SHOWN = [name for name in ALL if name not in ("APOP", "EXTERNAL")]
platform = door = None


def setUpModule():
    global platform, door
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    door = people(ALL)


def people(mechanisms, listeners=None, more="", users=("alice", "webmail", "bob")):
    """A Postigo that keeps the passwords of its users itself."""
    secret = platform.secret(MASTER_PASSWORD)
    made = platform.postigo(start=False)
    listeners = listeners or [made.listener("imap", made.imap, "starttls", plaintext_login=False, client_certificate='"ask"'),
                              made.listener("imaps", made.imaps, "implicit", client_certificate='"ask"'),
                              made.listener("pop3", made.pop3, "starttls", plaintext_login=False, client_certificate='"ask"'),
                              made.listener("pop3s", made.pop3s, "implicit")]
    auth = f"[auth]\nmechanisms = {json.dumps(mechanisms)}\nanonymous_user = \"bob\"\n"
    auth += f'[auth.backend_login]\nmode = "master_separator"\nmaster_user = "{MASTER}"\nmaster_password_file = "{secret}"\n'
    auth += '[[auth.impersonation]]\nwho = "webmail"\nwhom = "*"\n'
    known = "".join(f'[[directory.user]]\nname = "{user}"\npassword = "{{PLAIN}}{OURS}"\n' for user in users)
    certificate, key = made.certificates.server
    made.write(listeners="\n".join(listeners), auth=auth,
               tls=f'[tls]\nclient_ca = "{made.certificates.ca}"\nclient_name = "subject_cn"\n'
                   f'[[tls.certificate]]\ncertificate = "{certificate}"\nkey = "{key}"\n' + more,
               directories='[[directory]]\nname = "people"\ntype = "static"\ncheck_password = true\n' + known)
    return made.start()


class Watched(unittest.TestCase):
    """What a client does shows in our log: who was let in, by which mechanism."""

    def setUp(self):
        self.door = door
        self.seen = len(self.events())

    def events(self):
        return [event for event in map(json.loads, self.door.log_text().splitlines())
                if event["event"] in ("login", "login_refused")]

    def next_event(self):
        wait_for(lambda: len(self.events()) > self.seen, 20, what="a login in the log")
        event = self.events()[self.seen]
        self.seen += 1
        return event

    def let_in(self, mechanism, user="alice"):
        event = self.next_event()
        self.assertEqual(("login", mechanism, user), (event["event"], event["mechanism"], event.get("user")))
        return event

    def refused(self, mechanism, reason="wrong"):
        event = self.next_event()
        self.assertEqual(("login_refused", mechanism, reason), (event["event"], event["mechanism"], event["reason"]))


def gsasl(mechanism, password, *more, user="alice"):
    return run("gsasl", "--client", "--imap", "--quiet", f"--connect=localhost:{door.imap}", "-m", mechanism, "-a", user,
               "-p", password, f"--x509-ca-file={door.ca}", *more, check=False, input="")


@unittest.skipUnless(shutil.which("gsasl"), "gsasl is not installed")
class Gsasl(Watched):
    """IMAP, with and without TLS; libgsasl has every mechanism and every kind of channel binding."""

    def test_every_mechanism_behind_starttls(self):
        for mechanism in [*STRONG, "CRAM-MD5", "PLAIN", "LOGIN"]:
            more = () if "PLUS" in mechanism else ("--no-cb",)
            with self.subTest(mechanism):
                self.assertEqual(0, gsasl(mechanism, OURS, *more).returncode)
                self.let_in(mechanism)
                self.assertNotEqual(0, gsasl(mechanism, WRONG, *more).returncode)
                self.refused(mechanism)

    def test_what_needs_no_tls(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"):
            with self.subTest(mechanism):
                self.assertEqual(0, gsasl(mechanism, OURS, "--no-starttls").returncode)
                self.assertEqual("none", self.let_in(mechanism).get("tls"))
                self.assertNotEqual(0, gsasl(mechanism, WRONG, "--no-starttls").returncode)
                self.refused(mechanism)
        self.assertNotEqual(0, gsasl("PLAIN", OURS, "--no-starttls").returncode)
        self.assertEqual(self.seen, len(self.events()), "not even tried")

    def test_t25_bindings_of_tls_1_2(self):
        for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"):
            with self.subTest(mechanism):
                self.assertEqual(0, gsasl(mechanism, OURS, "--priority=NORMAL:-VERS-TLS1.3").returncode)
                self.assertEqual("TLSv1.2", self.let_in(mechanism)["tls"])

    def test_unknown_users(self):
        for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5"):
            more = () if "PLUS" in mechanism else ("--no-cb",)
            self.assertNotEqual(0, gsasl(mechanism, OURS, *more, user="nobody-at-all").returncode)
            self.refused(mechanism, "unknown")

    def test_t24_acting_as_another(self):
        self.assertEqual(0, gsasl("PLAIN", OURS, "-z", "alice", user="webmail").returncode)
        self.assertEqual("webmail", self.let_in("PLAIN")["authcid"])
        self.assertEqual(0, gsasl("SCRAM-SHA-256", OURS, "--no-cb", "-z", "alice", user="webmail").returncode)
        self.assertEqual("webmail", self.let_in("SCRAM-SHA-256")["authcid"])
        self.assertNotEqual(0, gsasl("PLAIN", OURS, "-z", "webmail").returncode)
        self.refused("PLAIN", "not_allowed")
        self.assertNotEqual(0, gsasl("PLAIN", OURS, "-z", "nobody-at-all", user="webmail").returncode)
        self.refused("PLAIN", "not_allowed")
        self.assertNotEqual(0, gsasl("SCRAM-SHA-256", WRONG, "--no-cb", "-z", "alice", user="webmail").returncode)
        self.refused("SCRAM-SHA-256")

    def test_a8_external_and_anonymous(self):
        certificate, key = door.certificates.pair("alice", names=("alice",), client=True)
        shown = (f"--x509-cert-file={certificate}", f"--x509-key-file={key}")
        self.assertEqual(0, gsasl("EXTERNAL", "", *shown, "-z", "").returncode)
        self.let_in("EXTERNAL")
        self.assertNotEqual(0, gsasl("EXTERNAL", "", *shown, "-z", "webmail").returncode)
        self.refused("EXTERNAL", "not_allowed")
        certificate, key = door.certificates.pair("ALICE", names=("alice",), client=True)
        capitals = (f"--x509-cert-file={certificate}", f"--x509-key-file={key}")
        self.assertEqual(0, gsasl("EXTERNAL", "", *capitals, "-z", "").returncode)
        self.let_in("EXTERNAL")  # a certificate's name goes through [names] as well
        self.assertNotEqual(0, gsasl("EXTERNAL", "", "-z", "alice").returncode)
        self.assertEqual(self.seen, len(self.events()), "no certificate, no mechanism")
        self.assertEqual(0, gsasl("ANONYMOUS", "", "-n", "sirhc").returncode)
        self.let_in("ANONYMOUS", "bob")


def curl(url, user, *more):
    return run("curl", "-sS", "--cacert", door.ca, "-u", user, url, *more, check=False).returncode


@unittest.skipUnless(shutil.which("curl"), "curl is not installed")
class Curl(Watched):
    """Both protocols; curl's own CRAM-MD5, APOP and EXTERNAL."""

    def urls(self):
        return f"imaps://localhost:{door.imaps}/", f"pop3s://localhost:{door.pop3s}/"

    def test_cram_md5(self):
        for url in self.urls():
            self.assertEqual(0, curl(url, f"alice:{OURS}", "--login-options", "AUTH=CRAM-MD5"))
            self.let_in("CRAM-MD5")
            self.assertEqual(67, curl(url, f"alice:{WRONG}", "--login-options", "AUTH=CRAM-MD5"))
            self.refused("CRAM-MD5")

    def test_t26_apop(self):
        url = f"pop3://localhost:{door.pop3}/"
        self.assertEqual(0, curl(url, f"alice:{OURS}", "--login-options", "AUTH=+APOP"))
        self.let_in("APOP")
        self.assertEqual(67, curl(url, f"alice:{WRONG}", "--login-options", "AUTH=+APOP"))
        self.refused("APOP")
        greetings = set()
        for _ in range(3):
            with Pop3.open(door, "off") as wire:
                greetings.add(wire.greeting)
        self.assertEqual(3, len(greetings), "a timestamp of its own for each")

    def test_a8_external(self):
        certificate, key = door.certificates.pair("alice", names=("alice",), client=True)
        shown = ("--cert", certificate, "--key", key, "--login-options", "AUTH=EXTERNAL")
        self.assertEqual(0, curl(self.urls()[0], "alice:", *shown))
        self.let_in("EXTERNAL")
        self.assertEqual(67, curl(self.urls()[0], "webmail:", *shown))
        self.refused("EXTERNAL", "not_allowed")


@unittest.skipUnless(shutil.which("neomutt"), "neomutt is not installed")
class Neomutt(Watched):
    """libgsasl once more, in POP3."""

    def test_pop3(self):
        """Without -PLUS: it takes the strongest, and has nothing to bind to."""
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            self.door = people([mechanism, "PLAIN"])
            self.seen = 0
            folder = platform.scratch()
            rc = os.path.join(folder, "muttrc")
            with open(rc, "w", encoding="utf-8") as file:
                file.write(f'set pop_user="alice"\nset pop_pass="{OURS}"\nset certificate_file="{door.ca}"\n'
                           f'set ssl_ca_certificates_file="{door.ca}"\nset ssl_force_tls=yes\nset quit=yes\n'
                           f'set folder="{folder}"\nset sleep_time=0\nset wait_key=no\npush "<quit>"\n')
            _on_terminal(["neomutt", "-F", rc, "-f", f"pops://alice@localhost:{self.door.pop3s}/"], folder)
            self.let_in(mechanism)
            self.door.stop()


@unittest.skipUnless(shutil.which("mbsync"), "mbsync is not installed")
class Mbsync(Watched):
    """Cyrus SASL's client."""

    def sync(self, mechanism, password):
        folder = platform.scratch()
        rc = os.path.join(folder, "rc")
        os.makedirs(os.path.join(folder, "mail"))
        with open(rc, "w", encoding="utf-8") as file:
            file.write(f"IMAPAccount x\nHost localhost\nPort {door.imaps}\nUser alice\nPass {password}\nSSLType IMAPS\n"
                       f"AuthMechs {mechanism}\nCertificateFile {door.ca}\n\nIMAPStore far\nAccount x\n\nMaildirStore near\n"
                       f"Path {folder}/mail/\nInbox {folder}/mail/INBOX\n\nChannel c\nFar :far:\nNear :near:\n"
                       "Patterns INBOX\nCreate Near\nSyncState *\n")
        return run("mbsync", "-c", rc, "-q", "c", check=False).returncode

    def test_scram(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"):
            with self.subTest(mechanism):
                self.assertEqual(0, self.sync(mechanism, OURS))
                self.let_in(mechanism)
                self.assertNotEqual(0, self.sync(mechanism, WRONG))
                self.refused(mechanism)


class PythonsOwn(Watched):
    def test_imaplib_and_poplib(self):
        context = door.certificates.client_context()
        for password, works in ((OURS, True), (WRONG, False)):
            with imaplib.IMAP4_SSL("localhost", door.imaps, ssl_context=context) as client:
                if works:
                    client.login_cram_md5("alice", password)
                    self.let_in("CRAM-MD5")
                else:
                    with self.assertRaises(imaplib.IMAP4.error):
                        client.login_cram_md5("alice", password)
                    self.refused("CRAM-MD5")
            client = poplib.POP3_SSL("localhost", door.pop3s, context=context)
            if works:
                client.apop("alice", password)
                self.let_in("APOP")
                client.quit()
            else:
                with self.assertRaises(poplib.error_proto):
                    client.apop("alice", password)
                self.refused("APOP")
                client.close()


class Liars(Watched):
    """A client that says what it likes: bindings of another connection, flags that were changed on their way."""

    def attempt(self, mechanism, header, binding):
        """SCRAM-SHA-256 with that header; the answer to its last message. `binding`: of the connection, or octets."""
        context = door.certificates.client_context(maximum_version=ssl.TLSVersion.TLSv1_2)
        with Imap.open(door, context=context) as wire:
            data = wire.socket.get_channel_binding("tls-unique") if binding is True else binding
            bare = "n=alice,r=abcdefgh"
            wire.send(f"a AUTHENTICATE {mechanism} {base64.b64encode((header + bare).encode()).decode()}\r\n")
            first = wire.line()
            if not first.startswith(b"+ "):
                return first
            said = base64.b64decode(first[2:]).decode()
            values = dict(part.split("=", 1) for part in said.split(","))
            without = f"c={base64.b64encode(header.encode() + data).decode()},r={values['r']}"
            text = f"{bare},{said},{without}".encode()
            salted = hashlib.pbkdf2_hmac("sha256", OURS.encode(), base64.b64decode(values["s"]), int(values["i"]))
            key = hmac.new(salted, b"Client Key", "sha256").digest()
            signature = hmac.new(hashlib.sha256(key).digest(), text, "sha256").digest()
            proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
            wire.send(base64.b64encode(f"{without},p={proof}".encode()) + b"\r\n")
            last = wire.line()
            if not last.startswith(b"+ "):
                return last
            server = hmac.new(hmac.new(salted, b"Server Key", "sha256").digest(), text, "sha256").digest()
            self.assertEqual("v=" + base64.b64encode(server).decode(), base64.b64decode(last[2:]).decode())
            wire.send(b"\r\n")
            return wire.until("a")[-1]

    def test_a9_t25(self):
        plus = "SCRAM-SHA-256-PLUS"
        self.assertIn(b"a OK", self.attempt(plus, "p=tls-unique,,", True))
        self.let_in(plus)
        for mechanism, header, binding in ((plus, "p=tls-unique,,", b"another connection"), (plus, "p=tls-unique,,", b""),
                                           (plus, "p=tls-else,,", b"x"), ("SCRAM-SHA-256", "y,,", b"")):
            with self.subTest(header):
                self.assertIn(b"a NO [AUTHENTICATIONFAILED]", self.attempt(mechanism, header, binding))
                self.refused(mechanism)
        self.assertIn(b"a OK", self.attempt("SCRAM-SHA-256", "n,,", b""))
        self.let_in("SCRAM-SHA-256")

    def test_a13_a12_garbage_beside_good_logins(self):
        """Exchanges that are begun and broken off take nothing from those who know their passwords."""
        with Imap.open(door) as bad, Imap.open(door) as good:
            for number in range(5):
                first = base64.b64encode(b"n,,n=alice,r=abc").decode()
                bad.send(f"x{number} AUTHENTICATE SCRAM-SHA-256 {first}\r\n")
                self.assertTrue(bad.line().startswith(b"+ "))
                bad.send(b"*\r\n" if number % 2 else b"!!!\r\n")
                self.assertIn(b" BAD ", bad.until(f"x{number}")[-1])
                self.refused("SCRAM-SHA-256", "aborted")
            self.assertIn(b"OK", good.command(f"AUTHENTICATE PLAIN {plain('alice', OURS)}")[-1])
        self.let_in("PLAIN")


class WhatIsOffered(unittest.TestCase):
    def test_before_and_behind_tls(self):
        clear = ["AUTH=" + name for name in SHOWN if name in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "ANONYMOUS")]
        everything = sorted("AUTH=" + name for name in SHOWN)
        with Imap.open(door, "off") as wire:
            self.assertEqual(sorted(clear), [name for name in wire.capabilities() if name.startswith("AUTH=")])
            self.assertIn("LOGINDISABLED", wire.capabilities())
            wire.start_tls(door.certificates.client_context())
            self.assertEqual(everything, [name for name in wire.capabilities() if name.startswith("AUTH=")])
        with Imap.open(door) as wire:
            shown = [word[5:] for word in wire.greeting.decode().split("]")[0].split() if word.startswith("AUTH=")]
            self.assertEqual(STRONG, shown[:4], "strongest first")
        with Pop3.open(door, "off") as wire:
            self.assertIn("SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 ANONYMOUS", wire.capabilities())
            wire.start_tls(door.certificates.client_context())
            listed = [line.decode() for line in wire.lines("AUTH")[1:]]
            self.assertEqual(set(SHOWN), set(listed))

    def test_certificates_show_external(self):
        context = door.certificates.client_context()
        context.load_cert_chain(*door.certificates.pair("alice", names=("alice",), client=True))
        with Imap.open(door, context=context) as wire:
            self.assertIn("AUTH=EXTERNAL", wire.capabilities())

    def test_the_defaults_are_as_ever(self):
        usual = platform.postigo()
        with Imap.open(usual) as wire:
            self.assertEqual(["AUTH=LOGIN", "AUTH=PLAIN"], [name for name in wire.capabilities() if name.startswith("AUTH=")])
        with Pop3.open(usual) as wire:
            self.assertNotIn(b"<", wire.greeting)
        usual.stop()

    def test_a33_nothing_of_a_secret_is_written(self):
        self.assertNotIn(OURS, door.log_text())
        self.assertNotIn(WRONG, door.log_text())


if __name__ == "__main__":
    unittest.main()
