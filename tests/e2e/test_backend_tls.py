"""TLS towards backends: implicit and STARTTLS, the name and the issuer checked, client certificates, resumption."""

import os
import ssl
import unittest

from tests.e2e.harness import PASSWORD, Certificates, Imap, Platform, Pop3
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def tls(mode, **settings):
    """The inline table of one backend."""
    settings.setdefault("ca_file", platform.certificates.ca)
    parts = [f'mode = "{mode}"'] + [f"{key} = {str(value).lower()}" if isinstance(value, bool) else f'{key} = "{value}"'
                                    for key, value in settings.items() if value is not None]
    return "{ " + ", ".join(parts) + " }"


def proxy_with(test, backends, table):
    proxy = platform.postigo(backends, backend_tls=table, limits='[limits]\nauth_failure_delay = "10ms"')
    test.addCleanup(proxy.stop)
    return proxy


class RealBackends(unittest.TestCase):
    """Dovecot over TLS."""

    def test_modes(self):
        for mode in ("implicit", "starttls"):
            proxy = proxy_with(self, platform.dovecots, tls(mode))
            for number in range(4):  # both backends, and again: the second connection may resume
                user = platform.fresh_user()
                with self.subTest(mode=mode, number=number):
                    with Imap.open(proxy) as wire:
                        wire.logged_in(user, PASSWORD).ok("SELECT INBOX")
                    with Pop3.open(proxy) as wire:
                        wire.logged_in(user, PASSWORD).ok("STAT")
                    seen = [line for dovecot in platform.dovecots.values() for line in dovecot.logins(user)]
                    self.assertEqual(2, len([line for line in seen if ", TLS," in line]), seen)
            scrape = proxy.metrics()
            full, resumed = (scrape.sum("postigo_backend_tls_handshakes_total", resumed=each) for each in ("no", "yes"))
            self.assertEqual(8, full + resumed, "one for each login")
            self.assertEqual(8, scrape.sum("postigo_backend_tls_groups_total"))
            self.assertEqual(full, scrape.sum("postigo_backend_tls_signatures_total"), "what is resumed costs none")

    def test_name_of_its_own(self):
        proxy = proxy_with(self, platform.dovecots, tls("starttls", name="localhost"))
        with Imap.open(proxy) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)


class Refused(unittest.TestCase):
    """No password goes to a server that cannot prove who it is."""

    def expect_refusal(self, proxy, fake=None):
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login("alice", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")
        with Pop3.open(proxy) as wire:
            wire.ok("USER alice")
            self.assertRegex(wire.command(f"PASS {PASSWORD}"), rb"^-ERR \[SYS/TEMP\]")
        if fake:
            self.assertNotIn(b"alice", b"".join(peer.said() for peer in fake.peers))
        errors = proxy.metrics()
        counted = sum(value for name, has, value in errors.samples if name.endswith("backend_errors_total"))
        self.assertGreaterEqual(counted, 2, errors.text[-3000:])

    def test_wrong_name(self):
        for mode in ("implicit", "starttls"):
            with self.subTest(mode):
                self.expect_refusal(proxy_with(self, platform.dovecots, tls(mode, name="imap.example.net")))

    def test_unknown_issuer(self):
        stranger = Certificates(os.path.join(platform.scratch(), "ca"), "Somebody else")
        for mode in ("implicit", "starttls"):
            with self.subTest(mode):
                self.expect_refusal(proxy_with(self, platform.dovecots, tls(mode, ca_file=stranger.ca)))

    def test_system_roots_do_not_know_our_authority(self):
        self.expect_refusal(proxy_with(self, platform.dovecots, tls("implicit", ca_file=None)))

    def test_verify_off_is_possible(self):
        proxy = proxy_with(self, platform.dovecots, tls("starttls", name="imap.example.net", verify=False))
        with Imap.open(proxy) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)

    def test_no_tls_offered(self):
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server())
        self.addCleanup(fake.stop)
        self.expect_refusal(proxy_with(self, {"fake": fake}, tls("starttls")), fake)

    def test_clear_text_where_tls_should_be(self):
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server())
        self.addCleanup(fake.stop)
        self.expect_refusal(proxy_with(self, {"fake": fake}, tls("implicit")), fake)

    def test_old_version(self):
        context = platform.certificates.server_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server(), tls=context, implicit=True)
        self.addCleanup(fake.stop)
        self.expect_refusal(proxy_with(self, {"fake": fake}, tls("implicit")), fake)


class Ciphers(unittest.TestCase):
    """A29: the operator's list holds towards backends too, also behind STARTTLS (Perdition's CVE-2013-4584)."""

    def test_a29_cipher_policy_towards_backends(self):
        for mode in ("implicit", "starttls"):
            context = platform.certificates.server_context()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")
            upgrade = mode == "starttls"
            fake = FakeBackend(imap=imap_server(tls=upgrade), pop3=pop3_server(tls=upgrade), tls=context,
                               implicit=not upgrade)
            self.addCleanup(fake.stop)
            for size, answer in ((256, rb"^NO \[UNAVAILABLE\]"), (128, b"^OK")):
                hashed = {256: "SHA384", 128: "SHA256"}[size]
                allowed = f"ECDHE-ECDSA-AES{size}-GCM-{hashed}:ECDHE-RSA-AES{size}-GCM-{hashed}"
                proxy = proxy_with(self, {"fake": fake}, tls(mode, ciphers=allowed))
                with self.subTest(mode=mode, size=size), Imap.open(proxy) as wire:
                    self.assertRegex(wire.login("alice", PASSWORD)[-1], answer)


class ClientCertificates(unittest.TestCase):
    """The backend may ask who we are."""

    def backend(self):
        context = platform.certificates.server_context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(platform.certificates.ca)
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server(), tls=context, implicit=True)
        self.addCleanup(fake.stop)
        return fake

    def test_with_and_without(self):
        certificate, key = platform.certificates.pair("postigo-client", ("postigo",), client=True)
        fake = self.backend()
        proxy = proxy_with(self, {"fake": fake}, tls("implicit", certificate=certificate, key=key))
        with Imap.open(proxy) as wire:
            wire.logged_in("alice", PASSWORD)
            subject = fake.last.socket.getpeercert()["subject"]
            self.assertIn("postigo", str(subject))
        bare = proxy_with(self, {"fake": self.backend()}, tls("implicit"))
        with Imap.open(bare) as wire:
            self.assertRegex(wire.login("alice", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")


class Resumption(unittest.TestCase):
    """The second connection to a backend resumes the first one's session."""

    def test_session_is_reused(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = platform.certificates.server_context()
            context.maximum_version = version
            fake = FakeBackend(imap=imap_server(), tls=context, implicit=True)
            self.addCleanup(fake.stop)
            proxy = proxy_with(self, {"fake": fake}, tls("implicit"))
            reused = []
            for _ in range(8):  # two workers may each have to make a first one
                with Imap.open(proxy) as wire:
                    wire.logged_in("alice", PASSWORD).ok("NOOP")
                    reused.append(fake.last.socket.session_reused)
            self.assertGreaterEqual(sum(reused), 6, f"{version.name}: {reused}")


if __name__ == "__main__":
    unittest.main()
