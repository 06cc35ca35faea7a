"""Connections to backends that are made before somebody logs in: used, renewed, never twice; and no client can tell."""

import os
import re
import signal
import socket
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3, wait_for
from tests.e2e.harness.dovecot import ODD, ODD_PASSWORD, PASSWORD, Dovecot
from tests.e2e.test_health import Load
from tests.e2e.test_reload import reload
from tests.fakes.backend import FakeBackend, imap_server

platform = None
READY = "ready = { max = 4 }\n"
ONE = '[server]\nhostname = "mail.example.com"\nworkers = 1\n'


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def results(proxy, result):
    return proxy.metrics().sum("postigo_ready_connections_total", result=result)


def wait_ready(proxy, count=1, **labels):
    """So many are there, and have had the time to be greeted."""
    wait_for(lambda: proxy.metrics().sum("postigo_ready_connections", **labels) >= count, 30, what=f"{count} ready")
    time.sleep(0.3)


def talk(port, words):
    """All that is heard, if these octets are said at once; but for how long Dovecot took."""
    with socket.create_connection(("127.0.0.1", port), 30) as wire:
        wire.settimeout(30)
        wire.sendall(words)
        heard = b""
        while data := wire.recv(65536):
            heard += data
        return re.sub(rb"\(\d+\.\d+ \+ [^)]*secs\)", b"(TIME)", heard)


class Used(unittest.TestCase):
    def proxy(self, backends=None, **options):
        options.setdefault("backend_more", READY)
        options.setdefault("server", ONE)
        made = platform.postigo(backends or {"a": platform.a}, **options)
        self.addCleanup(made.stop)
        return made

    def until_used(self, proxy, log_in):
        """Logins, until one was by a connection that had been ready."""
        before = results(proxy, "used")
        for _ in range(20):
            log_in()
            if results(proxy, "used") > before:
                return
            wait_ready(proxy)
        self.fail(f"none was used: {proxy.metrics().of('postigo_ready_connections_total')}")

    def in_use(self):
        """A proxy, a user, and what logs him in, once one of his logins was by a connection that had been ready."""
        proxy, user = self.proxy(), platform.fresh_user()

        def log_in():
            with Imap.open(proxy) as wire:
                wire.logged_in(user, PASSWORD)

        self.until_used(proxy, log_in)
        return proxy, user, log_in

    def test_with_and_without_tls(self):
        ca = platform.certificates.ca
        for tls in ("", f'{{ mode = "starttls", ca_file = "{ca}", name = "localhost" }}',
                    f'{{ mode = "implicit", ca_file = "{ca}", name = "localhost" }}'):
            for trusted in (False, True):
                with self.subTest(tls=tls, trusted=trusted):
                    proxy, user = self.proxy(backend_tls=tls, trusted=trusted), platform.fresh_user()

                    def imap():
                        with Imap.open(proxy) as wire:
                            wire.logged_in(user, PASSWORD).ok("SELECT INBOX")

                    def pop3():
                        with Pop3.open(proxy) as wire:
                            wire.logged_in(user, PASSWORD)

                    self.until_used(proxy, imap)
                    self.until_used(proxy, pop3)
                    self.assertEqual(0, results(proxy, "failed"))
                    lines = platform.a.logins(user)
                    self.assertGreaterEqual(len(lines), 4)
                    if trusted:  # each as who he is, though the connection did not know him when it was made
                        self.assertTrue(all(re.search(r"session=<?[0-9a-f]{16}", line) for line in lines), lines)
                        self.assertEqual(len(lines), len({re.search(r"session=<?(\w+)", line)[1] for line in lines}))

    def test_clients_hear_the_same_octets(self):
        without, proxy = self.proxy(backend_more=""), self.proxy()
        user = platform.fresh_user()
        platform.deliver(user, b"Subject: one\r\n\r\nbody\r\n")
        quoted = ODD_PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        odd = f'b LOGIN {ODD} "{quoted}"\r\n'.encode()
        imap = [f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\nc FETCH 1 (BODY[])\r\nd LOGOUT\r\n".encode(),
                f"a LOGIN {user} wrong\r\nb LOGIN {user} {PASSWORD}\r\nc CAPABILITY\r\nd LOGOUT\r\n".encode(),
                f"a LOGIN nobody-here {PASSWORD}\r\nd LOGOUT\r\n".encode(),
                b'a ID ("name" "Mutt")\r\n' + odd + b"c NAMESPACE\r\nd LOGOUT\r\n"]
        pop3 = [f"USER {user}\r\nPASS {PASSWORD}\r\nSTAT\r\nTOP 1 5\r\nQUIT\r\n".encode(),
                f"USER {user}\r\nPASS wrong\r\nUSER {user}\r\nPASS {PASSWORD}\r\nCAPA\r\nQUIT\r\n".encode(),
                f"USER {ODD}\r\nPASS {ODD_PASSWORD}\r\nSTAT\r\nQUIT\r\n".encode()]
        for port, scripts in (("imap", imap), ("pop3", pop3)):
            for words in scripts:
                with self.subTest(words=words):
                    talk(getattr(without, port), words)  # from then on no message is recent
                    said = talk(getattr(without, port), words)
                    self.until_used(proxy, lambda: self.assertEqual(said, talk(getattr(proxy, port), words)))

    def test_no_connection_serves_two(self):
        fake = FakeBackend(imap=imap_server())
        self.addCleanup(fake.stop)
        proxy = self.proxy({"fake": fake})

        def client(number):
            for _ in range(10):
                with Imap.open(proxy, "off") as wire:
                    wire.logged_in(f"user{number}", PASSWORD)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.until_used(proxy, lambda: client(9))
        logins = [len(re.findall(rb"AUTHENTICATE|LOGIN ", peer.said())) for peer in list(fake.peers)]
        self.assertLessEqual(max(logins), 1)
        self.assertGreaterEqual(sum(logins), 50)

    def test_metrics_and_ctl_agree_and_stay_within_the_limit(self):
        proxy = self.proxy(backend_more="ready = { min = 3, max = 4 }\n", server='[server]\nworkers = 2\n')
        wait_ready(proxy, 6)  # of two protocols
        self.assertEqual(8, proxy.metrics().sum("postigo_ready_connections_limit", backend="a"))
        self.assertEqual(6, proxy.metrics().sum("postigo_ready_connections", backend="a"))
        self.assertEqual([6], [row["ready"] for row in proxy.ctl("backends")["backends"]])


class Goes(Used):
    """Backends that end, change or are taken out."""

    test_with_and_without_tls = test_clients_hear_the_same_octets = None
    test_no_connection_serves_two = test_metrics_and_ctl_agree_and_stay_within_the_limit = None

    def test_restarts_under_load_fail_nobody(self):
        dovecot = Dovecot(os.path.join(platform.scratch("goes"), "x"), platform.certificates)
        self.addCleanup(dovecot.stop)
        proxy = self.proxy({"x": dovecot, "b": platform.b}, server='[server]\nworkers = 2\n',
                           limits='[limits]\nauth_failure_delay = "10ms"\n[health]\nretry_max = "1s"\nslow_start = 0\n'
                           .replace("slow_start = 0", 'slow_start = "1s"'),
                           pool='[[pool]]\nname = "main"\n[[pool.shard]]\nname = "pair"\nbackends = ["x", "b"]\n')
        load = Load(proxy, [f"t3{number:02}" for number in range(40)])
        self.addCleanup(load.stop)
        load.wait(20)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            used = results(proxy, "used")
            if number == signal.SIGHUP:
                os.kill(dovecot.program.pid, number)
                load.wait(20)
            else:
                os.killpg(dovecot.program.pid, number)
                dovecot.program.process.wait()
                load.wait(20)
                dovecot.start()
            wait_for(lambda: results(proxy, "used") > used + 5, 90, what="it serves again, by ready ones")
        load.stop()
        self.assertEqual([], load.failed())

    def test_a_reload_takes_the_new_server(self):
        proxy, user, log_in = self.in_use()
        # Dovecot writes its line a moment later than we do.
        before = len(platform.a.wait_login(user, len(proxy.lines("login", user=user))))
        wait_ready(proxy)
        moved = proxy.sections["backends"].replace(str(platform.a.imap), str(platform.b.imap))
        self.assertEqual("reloaded", reload(proxy, backends=moved)["event"])
        for _ in range(5):
            log_in()
        platform.b.wait_login(user, 5)
        self.assertEqual(before, len(platform.a.logins(user)))

    def test_drain_lets_them_go(self):
        proxy, _, log_in = self.in_use()
        wait_ready(proxy)
        proxy.ctl("backend", "a", "drain")
        wait_for(lambda: proxy.metrics().sum("postigo_ready_connections") == 0, 20, what="none is kept")
        proxy.ctl("backend", "a", "auto")
        self.until_used(proxy, log_in)
        proxy.stop()  # and none is left open


if __name__ == "__main__":
    unittest.main()
