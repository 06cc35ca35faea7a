"""A new configuration takes effect while sessions run: all of it or nothing, and nobody loses a session by it.

The long form (200 reloads with 5,000 sessions): POSTIGO_LONG=1 python3 -m tests.e2e tests/e2e/test_reload.py -k Memory
"""

import json
import os
import shutil
import signal
import socket
import ssl
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3, sanitized, wait_for
from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.ports import free_ports
from tests.e2e.test_crowd import crowd_backend, helper
from tests.fakes.backend import FakeBackend, imap_server

LONG = bool(os.environ.get("POSTIGO_LONG"))
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def reload(proxy, **sections):
    """Writes the sections and asks for them; the line that follows."""
    seen = len(proxy.lines("reloaded")) + len(proxy.lines("reload_refused"))
    proxy.write(**sections)
    proxy.program.signal(signal.SIGHUP)
    wait_for(lambda: len(proxy.lines("reloaded")) + len(proxy.lines("reload_refused")) > seen, 20, "an answer to SIGHUP")
    return [line for line in proxy.lines() if line["event"] in ("reloaded", "reload_refused")][-1]


class Exchange(unittest.TestCase):
    def setUp(self):
        self.user = platform.fresh_user()
        self.proxy = platform.postigo()
        self.addCleanup(self.proxy.stop)

    def served_name(self):
        """The names in the certificate that a client gets now."""
        context = ssl.create_default_context(cafile=self.proxy.ca)
        context.check_hostname = False
        with socket.create_connection((self.proxy.host, self.proxy.imaps), 5) as plain:
            with context.wrap_socket(plain) as wrapped:
                return {name for kind, name in wrapped.getpeercert()["subjectAltName"] if kind == "DNS"}

    def test_sessions_feel_nothing(self):
        with Imap.open(self.proxy) as wire, Pop3.open(self.proxy) as pop3:
            wire.logged_in(self.user, PASSWORD).ok("SELECT INBOX")
            pop3.logged_in(self.user, PASSWORD)
            for turn in range(3):
                self.assertEqual("reloaded", reload(
                    self.proxy, limits=f'[limits]\nauth_failure_delay = "{200 + turn}ms"')["event"])
                wire.ok("NOOP")
                self.assertTrue(pop3.command("NOOP").startswith(b"+OK"))
        self.assertEqual([], self.proxy.lines("session", reason="shutting_down"))

    def test_the_greeting_s_name(self):
        reload(self.proxy, server='[server]\nhostname = "new.example.com"\nworkers = 2')
        wait_for(lambda: b"new.example.com" in Pop3.open(self.proxy, "off").greeting, 20, "the new name")

    def test_all_or_nothing(self):
        before = self.proxy.metrics().sum("postigo_config_last_load_success_timestamp_seconds")
        time.sleep(1.1)
        answer = reload(self.proxy, limits='[limits]\nlogin_timout = "3s"',
                        server='[server]\nhostname = "lost.example.com"\nworkers = 2')
        self.assertEqual(("reload_refused", "SIGHUP"), (answer["event"], answer["cause"]))
        error = self.proxy.lines("configuration_error")[-1]["detail"]
        self.assertRegex(error, r"^.*postigo\.toml:\d+:\d+: .*login_timout.*did you mean")
        self.assertNotIn(b"lost.example.com", Pop3.open(self.proxy, "off").greeting)
        scrape = self.proxy.metrics()
        self.assertEqual(0, scrape.sum("postigo_config_last_load_successful"))
        self.assertEqual(before, scrape.sum("postigo_config_last_load_success_timestamp_seconds"))
        self.assertGreater(scrape.sum("postigo_config_last_load_attempt_timestamp_seconds"), before)

    def test_only_a_restart_changes_these(self):
        answer = reload(self.proxy, server='[server]\nhostname = "mail.example.com"\nworkers = 3\nqueue_max = 5')
        self.assertEqual("reload_refused", answer["event"])
        self.assertEqual("only a restart can change server.workers, server.queue_max", answer["detail"])

    def test_listeners_come_move_and_go(self):
        fresh, moved = free_ports(2)
        kept = Imap.open(self.proxy, "implicit").logged_in(self.user, PASSWORD)
        self.addCleanup(kept.close)
        old = self.proxy.imaps
        reload(self.proxy, listeners="\n".join([
            self.proxy.listener("imap", self.proxy.imap, "starttls"), self.proxy.listener("imaps", moved, "implicit"),
            self.proxy.listener("imap-more", fresh, "starttls")]))
        kept.ok("NOOP")
        self.proxy.imaps = moved
        with Imap.open(self.proxy, "implicit") as wire:
            wire.logged_in(self.user, PASSWORD).ok("NOOP")
        with socket.create_connection((self.proxy.host, fresh), 5) as plain:
            self.assertTrue(plain.recv(100).startswith(b"* OK"))
        for port in (old, self.proxy.pop3, self.proxy.pop3s):
            def closed(where=port):
                try:
                    socket.create_connection((self.proxy.host, where), 1).close()
                except ConnectionRefusedError:
                    return True
                return False
            wait_for(closed, 20, f"port {port} to be closed")
        self.assertEqual(3, len(self.proxy.lines("not_listening")))

    def test_a_port_that_is_taken_changes_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            answer = reload(self.proxy, listeners="\n".join([
                self.proxy.listener("imap", self.proxy.imap, "starttls"),
                self.proxy.listener("imap-more", other.getsockname()[1], "starttls")]))
        self.assertEqual("reload_refused", answer["event"])
        self.assertIn("address already in use", answer["detail"])
        with Imap.open(self.proxy, "implicit") as wire:
            wire.logged_in(self.user, PASSWORD).ok("NOOP")

    def test_certificates_by_reload_and_by_themselves(self):
        certificate, key = self.proxy.certificates.pair("renewed", ("renewed.example.com", "localhost", "127.0.0.1"))
        folder = platform.scratch()
        self.addCleanup(shutil.rmtree, folder, True)
        live = [os.path.join(folder, "live.pem"), os.path.join(folder, "live.key")]
        for source, target in zip(self.proxy.certificates.server, live):
            shutil.copy(source, target)
        self.assertEqual("reloaded", reload(
            self.proxy, tls=f'[[tls.certificate]]\ncertificate = "{live[0]}"\nkey = "{live[1]}"')["event"])
        kept = Imap.open(self.proxy, "implicit").logged_in(self.user, PASSWORD)
        self.addCleanup(kept.close)
        shutil.copy(certificate, live[0])  # half of a pair: the old one stays, with a word
        self.proxy.wait_lines("reload_refused", cause="certificates")
        self.assertNotIn("renewed.example.com", self.served_name())
        os.symlink(key, live[1] + ".new")
        os.rename(live[1] + ".new", live[1])
        self.proxy.wait_lines("reloaded", cause="certificates")
        wait_for(lambda: "renewed.example.com" in self.served_name(), 20, "the new certificate")
        kept.ok("NOOP")

    def test_the_file_by_itself(self):
        server = '[server]\nhostname = "{}"\nworkers = 2\nwatch = {}'
        self.assertEqual("reloaded", reload(self.proxy, server=server.format("one.example.com", "true"))["event"])
        kept = Imap.open(self.proxy).logged_in(self.user, PASSWORD)
        self.addCleanup(kept.close)
        self.proxy.write(server=server.format("two.example.com", "true"))
        self.proxy.wait_lines("reloaded", cause="watch", changes=1)
        self.assertIn(b"two.example.com", Pop3.open(self.proxy, "off").greeting)
        self.proxy.write(server=server.format("three.example.com", "maybe"))
        self.proxy.wait_lines("reload_refused", cause="watch")
        os.rename(self.proxy.file, self.proxy.file + ".old")
        time.sleep(5)
        self.assertEqual(1, len(self.proxy.lines("reload_refused", cause="watch")), "told once; a file that is gone waits")
        self.proxy.write(server=server.format("four.example.com", "false"))
        self.proxy.wait_lines("reloaded", count=2, cause="watch")
        kept.ok("NOOP")
        self.proxy.write(server=server.format("five.example.com", "false"))
        time.sleep(5)
        self.assertIn(b"four.example.com", Pop3.open(self.proxy, "off").greeting)

    def test_certificates_that_expire(self):
        certificate, key = self.proxy.certificates.pair("soon", ("soon.example.com",), days=3)
        self.assertEqual([], self.proxy.lines("certificate_expires"))
        tls = f'[[tls.certificate]]\ncertificate = "{certificate}"\nkey = "{key}"'
        self.assertEqual("reloaded", reload(self.proxy, tls=tls)["event"])
        warned = self.proxy.wait_lines("certificate_expires")[0]
        self.assertEqual(("warning", "soon.example.com"), (warned["level"], warned["name"]))
        self.assertIn(warned["days"], (2, 3), "3 in the very second in which it was made")

    def test_a_backend_that_goes_keeps_its_sessions(self):
        door = platform.a
        one = platform.postigo({"old": door})
        self.addCleanup(one.stop)
        kept = Imap.open(one).logged_in(self.user, PASSWORD)
        self.addCleanup(kept.close)
        text = one.sections["backends"].replace('"old"', '"new"')
        reload(one, backends=text, pool='[[pool]]\nname = "main"\nbackends = ["new"]')
        with Imap.open(one) as wire:
            wire.logged_in(self.user, PASSWORD).ok("NOOP")
            self.assertEqual("new", one.lines("login")[-1]["backend"])
            kept.ok("NOOP")
            scrape = one.metrics()
            self.assertEqual(1, scrape.sum("postigo_backend_sessions", backend="old"))
            self.assertEqual(1, scrape.sum("postigo_backend_sessions", backend="new"))
        reload(one, backends=text.replace('"new"', '"old"'), pool='[[pool]]\nname = "main"\nbackends = ["old"]')
        kept.ok("NOOP")
        self.assertEqual(1, one.metrics().sum("postigo_backend_connects_total", backend="old"), "it is the same one")

    def test_counters_of_listeners_add_up(self):
        with Imap.open(self.proxy):
            reload(self.proxy, listeners=self.proxy.listener("pop3", self.proxy.pop3, "starttls"))
            wait_for(self.identity, 20, "accepted = closed + open")
            self.assertEqual(1, self.proxy.metrics().sum("postigo_connections_accepted_total", listener="imaps"))
        wait_for(self.identity, 20, "accepted = closed + open")

    def identity(self):
        scrape = self.proxy.metrics()
        return scrape.sum("postigo_connections_accepted_total") == (
            scrape.sum("postigo_connections_closed_total") + scrape.sum("postigo_connections"))

    def test_the_log_moves(self):
        other = os.path.join(self.proxy.folder, "other.log")
        log = self.proxy.sections["log"]
        self.proxy.write(log=log.replace("postigo.log", "other.log"))
        self.proxy.program.signal(signal.SIGHUP)
        wait_for(lambda: os.path.exists(other) and "reloaded" in open(other, encoding="utf-8").read(), 20, "the new log")

    def test_logrotate(self):
        os.rename(self.proxy.log_file, self.proxy.log_file + ".1")
        self.proxy.program.signal(signal.SIGUSR1)
        self.proxy.wait_lines("log_reopened")


class Removed(unittest.TestCase):
    """What becomes of the sessions of a backend that a new configuration has no more."""

    def setUp(self):
        self.old, self.other = FakeBackend(imap=imap_server()), FakeBackend(imap=imap_server())
        self.addCleanup(self.old.stop)
        self.addCleanup(self.other.stop)
        self.proxy = platform.postigo({"old": self.old, "other": self.other}, pool=self.pool("old", "other"))
        self.addCleanup(self.proxy.stop)
        self.both = self.proxy.sections["backends"]
        self.only = self.both[self.both.index('[[backend]]\nname = "other"'):]

    @staticmethod
    def pool(*names):
        return f'[[pool]]\nname = "main"\n[[pool.shard]]\nname = "s"\nbackends = {list(names)}'.replace("'", '"')

    @staticmethod
    def server(time_text):
        return f'[server]\nhostname = "mail.example.com"\nworkers = 2\nremove_time = "{time_text}"'

    def drained(self):
        """Both backends, and that sessions of the old one are to go with it."""
        return self.both.replace('name = "old"\n', 'name = "old"\non_remove = "drain"\n')

    def log_in(self, count):
        wires = [Imap.open(self.proxy, "off").logged_in(f"u{number}", "p") for number in range(count)]
        for wire in wires:
            self.addCleanup(wire.close)
        return wires

    def test_they_stay(self):
        wires = self.log_in(3)
        reload(self.proxy, backends=self.only, pool=self.pool("other"), server=self.server("0s"))
        for wire in wires:
            wire.ok("NOOP")
        self.log_in(1)[0].ok("NOOP")
        self.assertEqual(["old"] * 3 + ["other"], [line["backend"] for line in self.proxy.lines("login")])
        rows = {row["name"]: row for row in self.proxy.ctl("backends")["backends"]}
        self.assertEqual((3, "removed"), (rows["old"]["sessions"], rows["old"]["state"]))

    def test_they_are_let_go(self):
        reload(self.proxy, backends=self.drained(), server=self.server("1500ms"))
        wires = self.log_in(4)
        started = time.monotonic()
        reload(self.proxy, backends=self.only, pool=self.pool("other"))
        wires[3].ok("NOOP")
        for wire in wires:
            self.assertTrue(wire.line().startswith(b"* BYE"))
        self.assertGreater(time.monotonic() - started, 1)
        self.proxy.wait_session(4, reason="backend_removed")
        line, = self.proxy.wait_lines("backend_removed")
        self.assertEqual(("old", 4, 1.5), (line["backend"], line["sessions"], line["seconds"]))
        self.log_in(1)[0].ok("NOOP")

    def test_it_comes_back_in_time(self):
        reload(self.proxy, backends=self.drained(), server=self.server("3s"))
        wire, = self.log_in(1)
        reload(self.proxy, backends=self.only, pool=self.pool("other"))
        self.proxy.wait_lines("backend_removed")
        reload(self.proxy, backends=self.drained(), pool=self.pool("old", "other"))
        time.sleep(4)
        wire.ok("NOOP")


class Secrets(unittest.TestCase):
    def test_a_password_from_the_environment_is_still_known(self):
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        auth = '[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "m"\nmaster_password_env = "MASTER"'
        users = '[[directory]]\ntype = "static"\ncheck_password = true\n' \
                '[[directory.user]]\nname = "u"\npassword = "{PLAIN}p"'
        os.environ["MASTER"] = "master-secret"
        self.addCleanup(os.environ.pop, "MASTER")
        proxy = platform.postigo({"fake": fake}, auth=auth, users=users)
        self.addCleanup(proxy.stop)
        self.assertEqual("reloaded", reload(proxy)["event"])
        with Imap.open(proxy) as wire:
            wire.logged_in("u", "p").ok("NOOP")


class UnderLoad(unittest.TestCase):
    """Logins go on while configurations come, every fourth one broken; none fails, no session is lost."""

    reloads = 20 if sanitized() else 60

    def log_in(self, user):
        while not self.over.is_set():
            try:
                with Imap.open(self.proxy, "implicit") as wire:
                    wire.logged_in(user, PASSWORD).ok("NOOP")
                self.logins += 1
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(repr(error))
                return

    def test_logins_during_reloads(self):
        self.proxy = platform.postigo()
        self.addCleanup(self.proxy.stop)
        self.over, self.failures, self.logins = threading.Event(), [], 0
        users = [platform.fresh_user() for _ in range(4)]
        held = [Imap.open(self.proxy).logged_in(user, PASSWORD) for user in users]
        for wire in held:
            self.addCleanup(wire.close)
        threads = [threading.Thread(target=self.log_in, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        good, listener = 0, self.proxy.sections["listeners"]
        try:
            for turn in range(self.reloads):
                broken = turn % 4 == 3
                extra = self.proxy.listener("more", self.spare, "starttls") if turn % 2 else ""
                answer = reload(self.proxy, listeners=listener + "\n" + extra,
                                limits="[limits]\nnonsense = 1" if broken else f'[limits]\nlogin_timeout = "{60 + turn}s"')
                self.assertEqual("reload_refused" if broken else "reloaded", answer["event"], answer)
                good += not broken
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        self.assertEqual([], self.failures)
        self.assertGreater(self.logins, self.reloads // 4)
        for wire in held:
            wire.ok("NOOP")
        self.assertEqual(good, len(self.proxy.lines("reloaded")))

    def setUp(self):
        self.spare, = free_ports(1)


class Memory(unittest.TestCase):
    """Nothing large of an old snapshot outlives its last login, however many sessions began under it."""

    sessions = 5000 if LONG else 100 if sanitized() else 1000
    reloads = 200 if LONG else 10 if sanitized() else 60

    def ask(self, clients, command):
        clients.stdin.write(command + "\n")
        clients.stdin.flush()
        self.assertEqual(self.sessions, json.loads(clients.stdout.readline())["ok"], command)

    def test_reloads_with_idle_sessions(self):
        users = "\n".join(f'[[directory.user]]\nname = "user{i}@example.com"\npool = "main"' for i in range(2000))
        proxy = platform.postigo({"fake": crowd_backend(self)}, users='[[directory]]\ntype = "static"\n' + users,
                                 auth="[auth]\naccept_unknown = true")
        self.addCleanup(proxy.stop)
        clients = helper(self, "crowd_clients.py", platform.certificates.ca, self.sessions, proxy.imap, proxy.imaps)
        self.ask(clients, "login")
        for turn in range(5):
            reload(proxy, limits=f'[limits]\nlogin_timeout = "{30 + turn}s"')
        before = proxy.memory()
        for turn in range(self.reloads):
            # Everything is made new: directories by a user more, TLS by another list of suites.
            suites = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256")[turn % 2]
            certificate, key = proxy.certificates.server
            reload(proxy, users=f'[[directory]]\ntype = "static"\n{users}\n[[directory.user]]\nname = "more{turn}"',
                   tls=f'[tls]\nciphers = "{suites}"\n[[tls.certificate]]\ncertificate = "{certificate}"\nkey = "{key}"')
        self.assertEqual(self.reloads + 5, len(proxy.lines("reloaded")), proxy.log_text()[-2000:])
        growth = proxy.memory() - before
        print(f"{self.reloads} reloads with {self.sessions} sessions: {growth / 1024:.0f} KiB more")
        if not sanitized():
            # Of two thousand users in the file there are a few copies while one configuration takes over from another.
            self.assertLess(growth, 16 << 20)
        self.ask(clients, "noop")


if __name__ == "__main__":
    unittest.main()
