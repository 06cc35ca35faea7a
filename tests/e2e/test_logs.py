"""One line per session that says everything but secrets; names of strangers cannot forge one (A33, T62)."""

import base64
import json
import os
import shlex
import unittest

from tests.e2e.harness import MASTER_PASSWORD, PASSWORD, Gone, Imap, Platform, Pop3, Wire, plain
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

FACTS = ("protocol", "listener", "mechanism", "reason")
NASTY = ('x" user="admin', "x reason=logout user=root", "a" * 400, "\u202eevil", "caf\u00e9", '{"event":"session"}',
         "\\n\\r")
platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.postigo(limits='[limits]\nauth_failure_delay = "10ms"')


def log_to(path, form="json", level="debug"):
    return f'[log]\nformat = "{form}"\nlevel = "{level}"\nfile = "{path}"'


class SessionLine(unittest.TestCase):
    """Who, from where, how, to whom, how much, how long, why it ended."""

    def test_imap(self):
        user = platform.fresh_user()
        platform.deliver(user, b"Subject: x\r\n\r\n" + b"x" * 5000 + b"\r\n")
        with Imap.open(proxy, source="127.0.0.7") as wire:
            wire.logged_in(user, PASSWORD).ok("SELECT INBOX")
            wire.ok("FETCH 1 BODY[]")
            wire.ok("LOGOUT")
        line = proxy.wait_session(user=user)[0]
        self.assertTrue(line["client"].startswith("127.0.0.7:"), line)
        self.assertEqual(["imap", "imaps", "LOGIN", "logout"], [line[key] for key in FACTS])
        self.assertTrue(line["tls"].startswith("TLSv1."), line)
        self.assertIn(line["backend"], ("a", "b"))
        self.assertGreater(line["bytes_out"], 5000)
        self.assertGreater(line["bytes_in"], 20)
        self.assertGreaterEqual(line["commands"], 3)
        self.assertLess(line["seconds"], 10)

    def test_pop3_starttls_and_clear(self):
        for mode, tls in (("starttls", True), ("off", False)):
            user = platform.fresh_user()
            with Pop3.open(proxy, mode) as wire:
                wire.logged_in(user, PASSWORD).ok("QUIT")
            line = proxy.wait_session(user=user)[0]
            self.assertEqual(["pop3", "pop3", "USER", "logout"], [line[key] for key in FACTS])
            self.assertEqual(tls, line["tls"].startswith("TLSv1"), line)

    def test_ends(self):
        user = platform.fresh_user()
        with Imap.open(proxy) as wire:
            wire.logged_in(user, PASSWORD)
        self.assertIn(proxy.wait_session(user=user)[0]["reason"], ("client_closed", "client_lost"))
        with Wire((proxy.host, proxy.imaps)) as wire:
            wire.send("not tls\r\n")
            wire.rest()
        proxy.wait_session(reason="tls_failed")

    def test_t62_claimed_names(self):
        with Imap.open(proxy) as wire:
            wire.login("mallory", "wrong")
        line = proxy.wait_session(claimed_user="mallory")[0]
        self.assertNotIn("user", line)
        self.assertEqual(1, line["login_failures"])

    def test_t62_names_that_look_like_log_lines(self):
        for form in ("json", "text"):
            path = os.path.join(platform.scratch(), "log")
            door = platform.postigo(log=log_to(path, form), limits='[limits]\nauth_failure_delay = "1ms"')
            for name in NASTY:
                with Imap.open(door) as wire:
                    said = wire.command(f"AUTHENTICATE PLAIN {plain(name, 'wrong')}")
                    self.assertRegex(said[-1], b"^(NO|BAD)")
            door.stop()
            with open(path, encoding="utf-8") as file:
                lines = [line for line in file.read().split("\n") if line]
            with self.subTest(form):
                for event in ("session", "login_refused"):
                    mark = f'"event":"{event}"' if form == "json" else f" info {event} "
                    claims = [line for line in lines if mark in line and "claimed_user" in line]
                    self.assertEqual(len(NASTY), len(claims), f"{event} in\n" + "\n".join(lines))
                for line in lines:
                    self.assertLess(len(line), 2500)
                    self.assertTrue(line.isprintable() or form == "json", ascii(line))
                    if form == "json":
                        self.assertNotIn("user", json.loads(line), line)
                    else:
                        self.assertEqual([], [word for word in shlex.split(line) if word.startswith("user=")], line)


class Secrets(unittest.TestCase):
    """A33: a canary in every place where a secret passes, and a look into everything that is written."""

    def test_no_secret_anywhere(self):
        scratch = platform.scratch()
        log = os.path.join(scratch, "log")
        key = os.path.join(scratch, "master")
        with open(key, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(MASTER_PASSWORD)
        door = platform.postigo(
            log=log_to(log), limits='[limits]\nauth_failure_delay = "1ms"',
            auth=f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "master"\nmaster_password_file = "{key}"\n',
            directories='[[directory]]\nname = "d"\ntype = "static"\ncheck_password = true\n'
                        '[[directory.user]]\nname = "alice"\npassword = "{PLAIN}canary-static"\n')
        passwords = ("canary-static", PASSWORD, "canary-wrong", "x")
        for password in passwords:
            for mode in ("off", "implicit"):
                with Imap.open(door, mode) as wire:
                    wire.login("alice", password)
                with Imap.open(door, mode) as wire:
                    wire.send(f"a AUTHENTICATE PLAIN {plain('alice', password)}\r\n")
                    wire.line()
                with Pop3.open(door, mode) as wire:
                    wire.command("USER alice")
                    wire.command(f"PASS {password}")
        with Imap.open(door, "off") as wire:  # a password where none belongs
            wire.command("LOGIN canary-as-argument")
            wire.command("canary-as-verb x")
        scrape = door.metrics().text
        checked = door.tool("check", check=False)
        door.stop()
        with open(log, encoding="utf-8") as file:
            written = file.read()
        everything = {"log": written, "metrics": scrape, "check": checked.stdout + checked.stderr,
                      "stderr": open(os.path.join(door.folder, "stderr.log"), encoding="utf-8").read()}
        canaries = ["canary", plain("alice", "canary-static"), plain("alice", PASSWORD), MASTER_PASSWORD]
        for where, text in everything.items():
            for canary in canaries:
                found = [line for line in text.splitlines() if canary in line]
                self.assertEqual([], found, f"{canary!r} in {where}")

    def test_a33_errors_of_backends_carry_no_secret(self):
        """A backend that repeats the password, or the line with it, in its refusal, whatever kind of refusal that is."""
        for word in ("NO", "NO [AUTHENTICATIONFAILED]", "NO [UNAVAILABLE]", "NO [X-ECHO]", "BAD"):
            def login(peer, tag, word=word):
                said = peer.said().decode(errors="replace")
                peer.send(f"{tag} {word} you said {said.split()[-1]}\r\n")

            log = os.path.join(platform.scratch(), "log")
            fake = FakeBackend(imap=imap_server(login=login),
                               pop3=pop3_server(login=lambda peer: peer.send("-ERR [AUTH] canary-echo\r\n")))
            self.addCleanup(fake.stop)
            door = platform.postigo({"fake": fake}, log=log_to(log), limits='[limits]\nauth_failure_delay = "1ms"')
            with Imap.open(door) as wire:
                self.assertNotIn(b"canary", b"".join(wire.login("alice", "canary-echo")))
            with Pop3.open(door) as wire:
                wire.ok("USER alice")
                wire.command("PASS canary-echo")
            door.stop()
            with self.subTest(word), open(log, encoding="utf-8") as file:
                written = file.read()
                for canary in ("canary", plain("alice", "canary-echo")):
                    self.assertNotIn(canary, written)


class TextFormat(unittest.TestCase):
    """The same facts for people, and one line even for a session that ends in the middle."""

    def test_fields(self):
        log = os.path.join(platform.scratch(), "log")
        door = platform.postigo(log=log_to(log, "text", "info"))
        user = platform.fresh_user()
        with Imap.open(door) as wire:
            wire.logged_in(user, PASSWORD).ok("LOGOUT")
        try:
            with Imap.open(door) as wire:
                wire.send("a LOG")
        except Gone:
            pass
        door.stop()
        with open(log, encoding="utf-8") as file:
            lines = [line for line in file if " session " in line]
        self.assertEqual(2, len(lines), lines)
        mine = next(line for line in lines if f"user={user}" in line)
        for word in ("protocol=imap", "mechanism=LOGIN", "reason=logout", "client=127.0.0.1:", "backend="):
            self.assertIn(word, mine)


if __name__ == "__main__":
    unittest.main()
