"""curl, imaplib, poplib, mbsync, fetchmail and neomutt see the same through Postigo as on the Dovecot itself.

Each scenario runs twice with two new users that have the same mail, directly and through the proxy, over the implicit
TLS port and over STARTTLS/STLS. What differs goes to the test's failure and into one log, which must be empty.
With POSTIGO_E2E_DIRECT=1 the second Dovecot stands in for Postigo: a proof of the harness, not of the product.
"""

import difflib
import os
import random
import shutil
import unittest

from tests.e2e.harness import Platform, clients

MAIL = (
    b"From: one@example.org\r\nSubject: first\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n\r\nplain\r\n",
    b"From: two@example.org\r\nSubject: second\r\nDate: Tue, 2 Jan 2024 10:00:00 +0000\r\n\r\n"
    b"* CAPABILITY STARTTLS COMPRESS=DEFLATE\r\n.\r\n..dots\r\na1 OK [CAPABILITY X] not a response {5}\r\n",
    b"From: three@example.org\r\nSubject: =?utf-8?q?third_=C3=A9?=\r\nDate: Wed, 3 Jan 2024 10:00:00 +0000\r\n\r\n"
    b"third\r\n" + (b"long line " * 90 + b"\r\n") * 20,
)
platform = proxy = None
differences = []


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    # imaplib never asks again after the login, so what it needs must be told before.
    proxy = platform.door(capabilities='[capabilities.imap]\nbefore_login = ["ENABLE", "IDLE"]')
    lines = random.Random(1)
    with open(os.path.join(platform.folder, "big.eml"), "wb") as file:
        file.write(b"Subject: fifty megabytes\r\n\r\n")
        block = b"".join(lines.randbytes(36).hex().encode() + b"\r\n" for _ in range(1000))
        for _ in range(50 * 1000 * 1000 // len(block)):
            file.write(block)


def tearDownModule():
    log = os.environ.get("POSTIGO_E2E_DIFFERENCES")
    if log:
        with open(log, "w", encoding="utf-8") as file:
            file.writelines(differences)
    if differences:
        raise AssertionError("what differs from a direct connection:\n" + "".join(differences)[:20000])


class ClientsSeeTheSame(unittest.TestCase):
    """One test per client and protocol."""

    def same(self, scenario):
        for mode in ("implicit", "starttls"):
            with self.subTest(mode=mode):
                seen = [self.visit(scenario, door, mode) for door in (platform.a, proxy)]
                diff = [line + "\n" for line in difflib.unified_diff(*seen, "direct", "postigo", lineterm="")]
                if diff:
                    differences.extend([f"=== {scenario.__name__} {mode}\n", *diff])
                    self.fail("it differs:\n" + "".join(diff)[:4000])

    @staticmethod
    def visit(scenario, door, mode):
        user, folder = platform.fresh_user(), platform.scratch()
        platform.deliver(user, *MAIL)
        try:
            return clients.masked(scenario(door, mode, user, folder), user=user)
        finally:
            for dovecot in platform.dovecots.values():
                dovecot.forget(user)
            shutil.rmtree(folder, ignore_errors=True)

    def test_curl_imap(self):
        self.same(clients.curl_imap)

    def test_curl_pop3(self):
        self.same(clients.curl_pop3)

    def test_imaplib(self):
        self.same(clients.imaplib_session)

    def test_imaplib_enable(self):
        self.same(clients.imaplib_enable)

    def test_imaplib_idle(self):
        self.same(clients.imaplib_idle)

    def test_imaplib_authenticate(self):
        self.same(clients.imaplib_authenticate)

    def test_poplib(self):
        self.same(clients.poplib_session)

    def test_mbsync(self):
        self.same(clients.mbsync)

    def test_fetchmail_imap(self):
        self.same(clients.fetchmail_imap)

    def test_fetchmail_pop3(self):
        self.same(clients.fetchmail_pop3)

    def test_neomutt(self):
        self.same(clients.neomutt)


if __name__ == "__main__":
    unittest.main()
