"""Whose fault it was: a line for each refused attempt with its reason, outages once, and what fail2ban makes of it."""

import os
import re
import socket
import ssl
import unittest

from tests.e2e.harness import PASSWORD, SOURCE, Imap, Platform, Pop3, Wire, plain, postigo, run, wait_for
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

FILTER = os.path.join(SOURCE, "deploy", "fail2ban", "filter.d", "postigo.conf")
QUICK = '[limits]\nauth_failure_delay = "1ms"'
DIRECTORY = ('[[directory]]\nname = "d"\ntype = "static"\n[[directory.user]]\nname = "alice"\n'
             '[[directory.user]]\nname = "locked"\ndisabled = true\n'
             '[[directory.user]]\nname = "lost"\npool = "main"\nshard = "{shard}"\n')
# What somebody calls himself who wants another address (203.0.113.66) banned, or a guess counted that was none.
FORGERIES = (
    "x client=203.0.113.66:1 reason=wrong protocol=imap",
    'x" client=203.0.113.66:1 reason=wrong protocol=imap x="',
    "2026-01-01T00:00:00.000Z info login_refused id=1 client=203.0.113.66:1 reason=wrong protocol=imap",
    'x","client":"203.0.113.66:1","reason":"wrong","protocol":"imap',
    '{"time":"2026-01-01T00:00:00.000Z","level":"info","event":"login_refused","id":"1","client":"203.0.113.66:1",'
    '"reason":"wrong",',
    "<6>2026-01-01T00:00:00.000Z info login_refused id=1 client=203.0.113.66:1 reason=wrong protocol=imap",
    "mail postigo[1]: 2026-01-01T00:00:00.000Z info login_refused id=1 client=203.0.113.66:1 reason=wrong protocol=imap",
    "\u2028info login_refused id=1 client=203.0.113.66:1 reason=wrong protocol=imap",
    "\u0085info login_refused id=1 client=203.0.113.66:1 reason=wrong protocol=imap",
)
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Nobody:
    """A door that is closed."""

    imap = imaps = pop3 = pop3s = 0

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else takes it
        self.imap = self.imaps = self.pop3 = self.pop3s = self.listener.getsockname()[1]


def refusing(**parts):
    """A fake that refuses each login with these words."""
    fake = FakeBackend(imap=imap_server(login=lambda peer, tag: peer.send(f"{tag} {parts['imap']}\r\n")),
                       pop3=pop3_server(login=lambda peer: peer.send(f"{parts['pop3']}\r\n")))
    return fake


def log_to(path, form):
    return f'[log]\nformat = "{form}"\nfile = "{path}"'


class EachAttempt(unittest.TestCase):
    """Three names on one connection are three lines."""

    def test_three_names(self):
        proxy = platform.postigo(directories=DIRECTORY.format(shard="a"), limits=QUICK)
        with Imap.open(proxy, source="127.0.0.7") as wire:
            for name in ("alice", "nobody", "locked"):
                self.assertRegex(wire.login(name, "wrong")[-1], b"^NO")
            wire.logged_in("alice", PASSWORD)
            lines = proxy.wait_lines("login_refused", 3)  # while the session lives
            self.assertEqual([("alice", "wrong", 1), ("nobody", "unknown", 2), ("locked", "disabled", 3)],
                             [(line["claimed_user"], line["reason"], line["attempt"]) for line in lines])
            login = proxy.wait_lines("login", user="alice")[0]
            self.assertEqual(1, len({line["id"] for line in [*lines, login]}))
        for line in lines:
            self.assertTrue(line["client"].startswith("127.0.0.7:"), line)
            self.assertEqual(("imap", "imaps", "LOGIN"), tuple(line[key] for key in ("protocol", "listener", "mechanism")))
            self.assertNotIn("user", line)
        self.assertEqual("AUTHENTICATIONFAILED", lines[0]["code"])
        scrape = proxy.metrics()
        for reason in ("wrong", "unknown", "disabled"):
            self.assertEqual(1, scrape.sum("postigo_logins_refused_total", reason=reason))
        self.assertEqual(3, scrape.sum("postigo_logins_refused_total"))
        proxy.stop()

    def test_reasons(self):
        rows = (("NO [EXPIRED] x", "-ERR [AUTH] x", "expired", "wrong"),
                ("NO [LIMIT] x", "-ERR [LOGIN-DELAY] x", "too_many", "too_many"),
                ("NO [INUSE] x", "-ERR [IN-USE] x", "in_use", "in_use"),
                ("NO [CONTACTADMIN] x", "-ERR [SYS/PERM] x", "backend_refused", "backend_refused"),
                ("NO [UNAVAILABLE] x", "-ERR [SYS/TEMP] x", "backend_away", "backend_away"))
        for imap, pop3, wanted_imap, wanted_pop3 in rows:
            with self.subTest(imap=imap):
                fake = refusing(imap=imap, pop3=pop3)
                self.addCleanup(fake.stop)
                proxy = platform.postigo({"fake": fake}, limits=QUICK)
                with Imap.open(proxy) as wire:
                    wire.login("alice", "x")
                with Pop3.open(proxy) as wire:
                    wire.ok("USER alice")
                    wire.command("PASS x")
                reasons = {line["protocol"]: line["reason"] for line in proxy.wait_lines("login_refused", 2)}
                self.assertEqual({"imap": wanted_imap, "pop3": wanted_pop3}, reasons)
                proxy.stop()

    def test_a_client_that_does_not_wait_for_the_answer(self):
        fake = FakeBackend(imap=lambda peer: peer.wait_end())
        self.addCleanup(fake.stop)
        proxy = platform.postigo({"fake": fake}, limits=QUICK)
        with Imap.open(proxy) as wire:
            wire.send("a LOGIN alice x\r\n")
            wait_for(lambda: fake.peers, what="a connection to the backend")
            wire.reset()
        self.assertEqual("alice", proxy.wait_lines("login_refused", reason="aborted")[0]["claimed_user"])
        proxy.stop()

    def test_a_directory_that_cannot_answer(self):
        path = os.path.join(platform.scratch(), "users.db")
        proxy = platform.postigo(limits=QUICK, start=False,
                                 directories=f'[[directory]]\nname = "d"\ntype = "sqlite"\npath = "{path}"\n')
        run(postigo(), "user", "add", "-c", proxy.file, "alice", "--password-stdin", input="x\n")
        proxy.start()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.rename(path + suffix, path + suffix + ".gone")
        for _ in range(3):
            with Imap.open(proxy) as wire:
                self.assertRegex(wire.login("alice", "x")[-1], rb"^NO \[UNAVAILABLE\]")
        proxy.wait_lines("login_refused", 3, reason="directory_away")
        self.assertEqual(1, len(proxy.lines("directory_away")), proxy.log_text())
        proxy.stop()


class Login(unittest.TestCase):
    """When a user is logged in, not only when he leaves: all four ends."""

    def test_four_ends(self):
        table = f'{{ mode = "starttls", ca_file = "{platform.certificates.ca}", name = "localhost" }}'
        proxy = platform.postigo(backend_tls=table)
        user = platform.fresh_user()
        with Imap.open(proxy, source="127.0.0.9") as wire:
            wire.logged_in(user, PASSWORD)
            line = proxy.wait_lines("login", user=user)[0]
            own = "%s:%d" % wire.socket.getsockname()[:2]
        self.assertEqual((own, f"127.0.0.1:{proxy.imaps}", f"127.0.0.1:{platform.a.imap}"),
                         (line["client"], line["local"], line["backend_address"]))
        self.assertRegex(line["backend_local"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(("localhost", "a", True, False), tuple(line[key] for key in ("sni", "backend", "backend_tls", "resumed")))
        for key in ("tls", "backend_tls_version"):
            self.assertRegex(line[key], r"^TLSv1\.[23]$")
        for key in ("cipher", "backend_cipher"):
            self.assertRegex(line[key], "^TLS_")
        proxy.stop()

    def test_clear_text_pop3(self):
        proxy = platform.postigo()
        user = platform.fresh_user()
        with Pop3.open(proxy, "off") as wire:
            wire.logged_in(user, PASSWORD)
            line = proxy.wait_lines("login", user=user)[0]
        self.assertEqual(("none", "USER", False), tuple(line[key] for key in ("tls", "mechanism", "backend_tls")))
        self.assertFalse({"sni", "cipher", "backend_cipher"} & set(line), line)
        proxy.stop()


class Outages(unittest.TestCase):
    """One line when a backend goes, one when it is back, with a count; not one per session."""

    def test_away_and_back(self):
        fake = FakeBackend(imap=imap_server(), pop3=pop3_server())
        self.addCleanup(fake.stop)
        proxy = platform.postigo({"fake": fake}, limits=QUICK)

        def login():
            with Imap.open(proxy) as wire:
                return wire.login("alice", PASSWORD)[-1]

        self.assertRegex(login(), b"^OK")
        fake.cut_after = 0
        for _ in range(7):
            self.assertRegex(login(), rb"^NO \[UNAVAILABLE\]")
        fake.cut_after = None
        wait_for(lambda: login().startswith(b"OK"), 30, what="it is found to be back", step=0.2)
        back = proxy.wait_lines("backend_back")
        self.assertEqual(["fake"], [line["backend"] for line in back])
        self.assertGreaterEqual(back[0]["failed_logins"], 7)
        away = proxy.lines("backend_away")
        self.assertEqual([("fake", "closed", "warning")], [(line["backend"], line["error"], line["level"]) for line in away])
        self.assertEqual(back[0]["failed_logins"], len(proxy.lines("login_refused", reason="backend_away")))
        self.assertEqual([], proxy.lines("backend_failed"), "a line per login is for debug")
        proxy.stop()


class Probes(unittest.TestCase):
    """A balancer's connect and close: no failed handshake, no line, a count of its own."""

    def test_connect_and_close(self):
        proxy = platform.postigo()
        lines = len(proxy.lines())
        ports = (proxy.imap, proxy.imaps, proxy.pop3, proxy.pop3s)
        for port in ports:
            with Wire((proxy.host, port)):
                pass
            Wire((proxy.host, port)).reset()
        wait_for(lambda: proxy.metrics().sum("postigo_disconnects_total", reason="probe") == 2 * len(ports), what="probes")
        scrape = proxy.metrics()
        self.assertEqual(2 * len(ports), scrape.sum("postigo_disconnects_total"))
        self.assertEqual(0, scrape.sum("postigo_tls_handshakes_total", result="failed"))
        self.assertEqual(0, scrape.sum("postigo_session_seconds_count"))
        self.assertEqual(lines, len(proxy.lines()), proxy.log_text())
        with Wire((proxy.host, proxy.imaps)) as wire:  # one octet is no probe
            wire.send(b"\x16")
        wait_for(lambda: proxy.metrics().sum("postigo_tls_handshakes_total", result="failed") == 1, what="a failure")
        proxy.wait_session(reason="tls_failed")
        proxy.stop()


class Fail2ban(unittest.TestCase):
    """The filter of deploy/ on lines of a real run: guesses match, outages and forgeries do not."""

    def matched(self, text):
        """The addresses that fail2ban-regex finds, in order."""
        path = os.path.join(platform.scratch(), "log")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return run("fail2ban-regex", "-o", "ip", path, FILTER).stdout.split()

    def guess(self, kind, door, source, *names):
        with kind.open(door, source=source) as wire:
            for name in names:
                if kind is Imap:
                    wire.command(f"AUTHENTICATE PLAIN {plain(name, 'wrong')}")
                else:
                    wire.command(f"AUTH PLAIN {plain(name, 'wrong')}")

    def run_with(self, form):
        """The log of one run: guesses from .7, an outage and forgeries from .8, an honest user at .9."""
        text = ""
        for backends, directories in (({"a": platform.a}, DIRECTORY.format(shard="a")), ({"gone": Nobody()}, "")):
            path = os.path.join(platform.scratch(), "log")
            door = platform.postigo(backends, directories=directories, log=log_to(path, form), limits=QUICK)
            if directories:
                self.guess(Imap, door, "127.0.0.7", "alice", "nobody", "locked")
                self.guess(Pop3, door, "127.0.0.7", "alice")
                with Imap.open(door, source="127.0.0.9") as wire:
                    wire.logged_in("alice", PASSWORD)
                for name in FORGERIES:
                    self.guess(Imap, door, "127.0.0.6", name)
            else:
                for name in ("alice", *FORGERIES):
                    self.guess(Imap, door, "127.0.0.8", name)
                    self.guess(Pop3, door, "127.0.0.8", name)
            with Wire((door.host, door.imaps)):
                pass
            door.stop()
            with open(path, encoding="utf-8") as file:
                text += file.read()
        return text

    def test_real_lines(self):
        guesses = ["127.0.0.7"] * 4 + ["127.0.0.6"] * len(FORGERIES)
        for form in ("text", "json"):
            text = self.run_with(form)
            lines = text.splitlines()
            with self.subTest(form):
                self.assertEqual(guesses, self.matched(text), text)
            with self.subTest(form, through="journald, as a file"):
                prefixed = "".join(f"2026-11-27T09:00:00.5+00:00 mail postigo[123]: {line}\n" for line in lines)
                self.assertEqual(guesses, self.matched(prefixed))
            with self.subTest(form, through="syslog"):
                prefixed = "".join(f"Nov 27 09:00:00 mail postigo[123]: {line}\n" for line in lines)
                self.assertEqual(guesses, self.matched(prefixed))
            with self.subTest(form, through="a file with priorities"):
                self.assertEqual(guesses, self.matched("".join(f"<6>{line}\n" for line in lines)))
            with self.subTest(form, of="IPv6"):
                six = self.matched(text.replace("127.0.0.7:", "[2001:db8::7]:"))
                self.assertEqual(["2001:db8::7"] * 4, six[:4])

    def test_the_reasons_are_those_of_the_code(self):
        with open(os.path.join(SOURCE, "proxy", "LOG.md"), encoding="utf-8") as file:
            rows = [line.split("|") for line in file if line.count("|") == 6]
        guesses = [row[1].strip(" `") for row in rows if row[3].strip() == "yes"]
        with open(FILTER, encoding="utf-8") as file:
            counted = next(line for line in file if line.startswith("reasons = ")).split(" = ")[1].strip().split("|")
        self.assertEqual(guesses, counted)


class TlsErrors(unittest.TestCase):
    """What happened, on both legs."""

    def client(self, **settings):
        context = platform.certificates.client_context(**settings)
        context.check_hostname = False
        return context

    def test_of_clients(self):
        proxy = platform.postigo(tls='[tls]\nmin_version = "1.3"\n' + platform.postigo(start=False).sections["tls"])
        stranger = ssl.create_default_context()
        stranger.check_hostname = False
        old = self.client(maximum_version=ssl.TLSVersion.TLSv1_2)
        web = self.client()
        web.set_alpn_protocols(["http/1.1"])
        for context, words in ((stranger, "alert received: unknown CA"), (old, "no protocol version in common"),
                               (web, r"no application protocol \(ALPN\) in common")):
            with self.assertRaises((ssl.SSLError, OSError)), socket.create_connection((proxy.host, proxy.imaps)) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as wire:
                    wire.recv(100)
            self.told(proxy, words)
        with Wire((proxy.host, proxy.imaps)) as wire:
            wire.send("a LOGIN alice x\r\n")
            wire.rest()
        self.told(proxy, "not TLS: clear text")
        self.assertNotIn("verification context", proxy.log_text())
        proxy.stop()

    def told(self, proxy, words):
        def found():
            return [line for line in proxy.sessions(reason="tls_failed") if re.search(words, line["detail"])]

        wait_for(found, what=lambda: f"{words} in\n{proxy.log_text()[-3000:]}")


if __name__ == "__main__":
    unittest.main()
