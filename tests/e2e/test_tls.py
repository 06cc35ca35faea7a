"""TLS towards clients: versions, certificates by name and kind, ALPN, resumption, patience."""

import os
import random
import ssl
import string
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Metrics, Platform, Pop3, Wire, run, wait_for

platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.postigo(tls=certificates(platform.certificates),
                             limits='[limits]\ntls_handshake_timeout = "1s"\nauth_failure_delay = "10ms"')


def certificates(authority):
    """ECDSA and RSA for the same names, a wildcard, and an exact name beside the wildcard."""
    pairs = [authority.pair("server"), authority.pair("rsa", kind="rsa"),
             authority.pair("wild", ("*.example.com",)), authority.pair("exact", ("mail.example.com",)),
             authority.pair("other", ("imap.example.org", "pop.example.org"))]
    return "\n".join(f'[[tls.certificate]]\ncertificate = "{pair[0]}"\nkey = "{pair[1]}"' for pair in pairs)


def context(**settings):
    return platform.certificates.client_context(**settings)


def lenient(**settings):
    """No look at names: the test looks itself."""
    made = context()
    made.check_hostname = False
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def connect(door_port, made, name="localhost", session=None):
    wire = Wire((proxy.host, door_port))
    wire.tls(made, name, session)
    return wire


def names_of(wire):
    return {value for _, value in wire.socket.getpeercert()["subjectAltName"]}


class Versions(unittest.TestCase):
    """TLS 1.2 and 1.3 by default, 1.3 alone when configured, never older."""

    def test_each_version_on_each_port(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made = context(maximum_version=version, minimum_version=version)
            for kind, mode in ((Imap, "implicit"), (Imap, "starttls"), (Pop3, "implicit"), (Pop3, "starttls")):
                with self.subTest(version=version, kind=kind, mode=mode), kind.open(proxy, mode, made) as wire:
                    wire.logged_in(platform.fresh_user(), PASSWORD)
                    self.assertEqual(version.name.replace("_", "."), wire.socket.version())

    def test_older_ones_are_refused(self):
        made = lenient(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
        made.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, OSError)):
            connect(proxy.imaps, made)

    def test_minimum_from_the_configuration(self):
        strict = platform.postigo(tls='[tls]\nmin_version = "1.3"\n' + certificates(platform.certificates))
        with self.assertRaises((ssl.SSLError, OSError)):
            Imap.open(strict, "implicit", context(maximum_version=ssl.TLSVersion.TLSv1_2))
        with Imap.open(strict) as wire:
            self.assertEqual("TLSv1.3", wire.socket.version())
        strict.stop()


    def test_a29_cipher_policy_on_every_port(self):
        """With TLS 1.2 only what the operator allows, behind STARTTLS and STLS too."""
        strict = platform.postigo(
            tls='[tls]\nciphers = "ECDHE-RSA-AES256-GCM-SHA384"\n' + certificates(platform.certificates))
        self.addCleanup(strict.stop)
        for kind, mode in ((Imap, "implicit"), (Imap, "starttls"), (Pop3, "implicit"), (Pop3, "starttls")):
            made = context(maximum_version=ssl.TLSVersion.TLSv1_2)
            made.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
            with self.subTest(kind=kind, mode=mode):
                with self.assertRaises((ssl.SSLError, OSError)):
                    kind.open(strict, mode, made)
                made.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")
                with kind.open(strict, mode, made) as wire:
                    wire.logged_in(platform.fresh_user(), PASSWORD)


class Names(unittest.TestCase):
    """SNI chooses the certificate; the client's abilities choose between RSA and ECDSA."""

    def served(self, name):
        with connect(proxy.imaps, lenient(), name) as wire:
            return names_of(wire)

    def test_by_name(self):
        expected = {
            "localhost": "localhost", "www.example.com": "*.example.com", "mail.example.com": "mail.example.com",
            "MAIL.EXAMPLE.COM": "mail.example.com", "imap.example.org": "imap.example.org",
            "pop.example.org": "pop.example.org", "unknown.example.net": "localhost", None: "localhost",
            "a.b.example.com": "localhost", "example.com": "localhost",
        }
        for name, wanted in expected.items():
            with self.subTest(name):
                self.assertIn(wanted, self.served(name))

    def test_rsa_and_ecdsa_side_by_side(self):
        for kind, wanted in (("ECDSA", "id-ecPublicKey"), ("RSA", "rsaEncryption")):
            made = lenient(maximum_version=ssl.TLSVersion.TLSv1_2)
            made.set_ciphers(f"ECDHE-{kind}-AES128-GCM-SHA256")
            with self.subTest(kind), connect(proxy.imaps, made) as wire:
                self.assertIn(kind, wire.socket.cipher()[0])
                pem = ssl.DER_cert_to_PEM_cert(wire.socket.getpeercert(binary_form=True))
                self.assertIn(wanted, run("openssl", "x509", "-noout", "-text", input=pem).stdout)

    def test_a4_strange_names(self):
        for name in ('a"b\\c', "x y z", "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 60, "%n%s", "-"):
            with self.subTest(name):
                run("openssl", "s_client", "-connect", f"127.0.0.1:{proxy.imaps}", "-servername", name, check=False)
        with Imap.open(proxy) as wire:
            wire.ok("NOOP")

    def test_a12_many_random_names(self):
        before = None
        for number in range(300):
            name = "".join(random.choices(string.ascii_lowercase, k=20)) + ".example.com"
            with connect(proxy.imaps, lenient(), name):
                pass
            if number == 100:
                before = proxy.memory()
        self.assertLess(proxy.memory() - before, 6 << 20, "memory grows with the names that clients say")


class Alpn(unittest.TestCase):
    """A20: a ClientHello that wants another protocol is refused; none at all is welcome."""

    def outcome(self, port, *protocols):
        made = context()
        if protocols:
            made.set_alpn_protocols(list(protocols))
        try:
            with connect(port, made) as wire:
                return wire.socket.selected_alpn_protocol() or "none"
        except ssl.SSLError as error:
            return error.reason or str(error)

    def test_matrix(self):
        rows = [(proxy.imaps, ("imap",), "imap"), (proxy.pop3s, ("pop3",), "pop3"), (proxy.imaps, (), "none"),
                (proxy.imaps, ("http/1.1", "imap"), "imap")]
        for port, offered, wanted in rows:
            with self.subTest(offered=offered):
                self.assertEqual(wanted, self.outcome(port, *offered))
        for port, offered in ((proxy.imaps, "http/1.1"), (proxy.imaps, "pop3"), (proxy.pop3s, "imap"), (proxy.pop3s, "h2")):
            with self.subTest(offered=offered):
                self.assertIn("NO_APPLICATION_PROTOCOL", self.outcome(port, offered).upper().replace(" ", "_"))

    def test_http_text_gets_a_few_errors_and_no_echo(self):
        headers = b"".join(b"X-%d: canary-reflected\r\n" % number for number in range(50))
        request = b"POST /canary-reflected HTTP/1.1\r\n" + headers + b"\r\n"
        for kind in (Imap, Pop3):
            with self.subTest(kind), kind.open(proxy, "off") as wire:
                try:
                    wire.send(request)
                    wire.rest()
                except OSError:
                    pass
                self.assertNotIn(b"canary-reflected", wire.heard)
                self.assertLess(wire.heard.count(b"\r\n"), 20)


class Resumption(unittest.TestCase):
    """Tickets are good on every worker and every connection; foreign ones are ignored."""

    def session(self, version, port=None, name="localhost"):
        made = lenient(minimum_version=version, maximum_version=version)
        with connect(port or proxy.imaps, made, name) as wire:
            wire.line()
            wire.send("a LOGOUT\r\n")
            wire.rest()
            return made, wire.socket.session

    def test_across_connections_and_workers(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made, session = self.session(version)
            self.assertIsNotNone(session)
            reused = 0
            for _ in range(20):
                with connect(proxy.imaps, made, session=session) as wire:
                    reused += wire.socket.session_reused
                    self.assertRegex(wire.line(), rb"^\* OK")
            self.assertEqual(20, reused, f"{version.name}: resumed {reused} of 20 on 2 workers")

    def test_openssl_reconnect(self):
        said = run("openssl", "s_client", "-connect", f"127.0.0.1:{proxy.imaps}", "-reconnect", "-tls1_2", "-no_ign_eof",
                   check=False, input="", timeout=30).stdout
        self.assertEqual(5, said.count("Reused, TLSv1.2"), said[-1500:])

    def test_openssl_session_file_after_starttls(self):
        path = os.path.join(platform.scratch(), "session")
        base = ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.imap}", "-starttls", "imap", "-quiet", "-ign_eof"]
        run(*base, "-sess_out", path, input="a LOGOUT\r\n", check=False)
        said = run(*base[:-2], "-ign_eof", "-sess_in", path, input="a LOGOUT\r\n", check=False).stdout
        self.assertIn("Reused", said)

    def test_a17_another_name_gets_its_own_certificate(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made, session = self.session(version, name="imap.example.org")
            with self.subTest(version), connect(proxy.imaps, made, "localhost", session) as wire:
                self.assertFalse(wire.socket.session_reused, "a ticket for one name was taken for another")
                self.assertIn("localhost", names_of(wire))

    def test_a17_a_ticket_of_another_process(self):
        other = platform.postigo()
        made, session = self.session(ssl.TLSVersion.TLSv1_3)
        with connect(other.imaps, made, session=session) as wire:
            self.assertFalse(wire.socket.session_reused)
            self.assertRegex(wire.line(), rb"^\* OK")
        other.stop()

    def test_garbage_for_a_ticket(self):
        made, session = self.session(ssl.TLSVersion.TLSv1_2)
        self.assertIsNotNone(session)
        with Imap.open(proxy, "implicit", made) as wire:
            wire.ok("NOOP")


class Patience(unittest.TestCase):
    """The handshake has one second here; what does not finish is gone, whatever it does meanwhile."""

    def closed_after(self, wire, trickle=b""):
        started = time.monotonic()
        wire.socket.settimeout(0.1)
        while time.monotonic() - started < 6:
            try:
                if trickle:
                    wire.socket.send(trickle[:1])
                    trickle = trickle[1:]
                if wire.socket.recv(4096) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        return time.monotonic() - started

    def test_silence(self):
        for port in (proxy.imaps, proxy.pop3s):
            with self.subTest(port), Wire((proxy.host, port)) as wire:
                self.assertTrue(0.7 < self.closed_after(wire) < 4)

    def test_one_octet_at_a_time(self):
        with Wire((proxy.host, proxy.imaps)) as wire:
            hello = bytes.fromhex("1603010200010001fc0303") + bytes(500)
            self.assertTrue(0.7 < self.closed_after(wire, hello) < 4)

    def test_after_starttls(self):
        with Imap.open(proxy, "off") as wire:
            wire.send("a STARTTLS\r\n")
            wire.line()
            self.assertTrue(0.7 < self.closed_after(wire) < 4)

    def test_not_tls_at_all(self):
        with Wire((proxy.host, proxy.imaps)) as wire:
            wire.send(b"a LOGIN alice secret\r\n")
            self.assertLess(self.closed_after(wire), 1)

    def test_counted(self):
        scrape = Metrics(proxy.url("/metrics"))
        families = [name for name in scrape.names() if "tls_handshake" in name]
        self.assertTrue(families, scrape.names())
        with Wire((proxy.host, proxy.imaps)) as wire:
            wire.send(b"GET / HTTP/1.0\r\n\r\n")
            wire.socket.settimeout(5)
            wire.rest()

        def failures():
            return sum(value for name, has, value in proxy.metrics().samples
                       if "tls_handshakes_total" in name and has.get("result") not in (None, "ok"))

        wait_for(lambda: failures() >= 1, 20, "a failed handshake in the metrics")


if __name__ == "__main__":
    unittest.main()
