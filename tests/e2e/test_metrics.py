"""Metrics: clean by promtool's rules, counters that balance (T66), a limit beside each usage."""

import concurrent.futures
import http.client
import shutil
import time
import unittest
import urllib.error
import urllib.request

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, Wire, plain, run, wait_for

platform = proxy = None


def setUpModule():
    global platform, proxy
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    proxy = platform.postigo(limits='[limits]\nauth_failure_delay = "10ms"')
    mixed_load()


def mixed_load():
    """Some of everything."""
    for number in range(12):
        kind, mode = (Imap, Pop3)[number % 2], ("implicit", "starttls", "off")[number % 3]
        with kind.open(proxy, mode) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            wire.ok("NOOP")
            wire.ok("LOGOUT" if kind is Imap else "QUIT")
    for kind in (Imap, Pop3):
        with kind.open(proxy) as wire:
            wire.command("LOGIN nobody wrong" if kind is Imap else "AUTH PLAIN =")
        kind.open(proxy).reset()
    with Wire((proxy.host, proxy.imaps)) as wire:
        wire.send("nonsense\r\n")
        wire.rest()


class Form(unittest.TestCase):
    """What promtool and conventions ask for."""

    def test_promtool(self):
        if not shutil.which("promtool"):
            self.skipTest("no promtool")
        done = run("promtool", "check", "metrics", input=proxy.metrics().text, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))

    def test_one_prefix(self):
        foreign = [name for name in proxy.metrics().names() if not name.startswith(("postigo_", "process_"))]
        self.assertEqual([], foreign)

    def test_no_users_or_addresses_in_labels(self):
        for name, labels, _ in proxy.metrics().samples:
            for key, value in labels.items():
                self.assertNotIn(key, ("user", "ip", "client", "session"), name)
                self.assertNotRegex(value, r"127\.0\.0\.1:\d{4,5}$|^t\d{3}$", f"{name} {labels}")

    def test_health(self):
        for path in ("/healthz", "/readyz"):
            with urllib.request.urlopen(proxy.url(path), timeout=5) as answer:
                self.assertEqual(200, answer.status)
        with self.assertRaises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(proxy.url("/nothing-here"), timeout=5)
        self.assertEqual(404, error.exception.code)

    def test_only_reading(self):
        for method in ("POST", "PUT", "DELETE", "TRACE"):
            connection = http.client.HTTPConnection("127.0.0.1", proxy.admin, timeout=5)
            connection.request(method, "/metrics", body=b"x" * 100000 if method == "POST" else None)
            answer = connection.getresponse()
            self.assertEqual((405, "GET, HEAD"), (answer.status, answer.getheader("Allow")), method)
            connection.close()

    def test_silent_clients_keep_nobody_out(self):
        """They neither fill a pool of threads nor all places: the oldest one goes."""
        silent = [Wire((proxy.host, proxy.admin)) for _ in range(200)]
        for wire in silent[::2]:
            wire.send("GET /metrics HTTP/1.1\r\nHost: ")
        for path in ("/healthz", "/readyz", "/metrics"):
            for _ in range(3):
                start = time.monotonic()
                with urllib.request.urlopen(proxy.url(path), timeout=5) as answer:
                    self.assertEqual(200, answer.status)
                    answer.read()
                self.assertLess(time.monotonic() - start, 3, path)
        for wire in silent:
            wire.close()

    def test_a_client_that_drips_has_its_end(self):
        with Wire((proxy.host, proxy.admin)) as wire:
            start, ended = time.monotonic(), False
            while not ended and time.monotonic() - start < 20:
                try:
                    wire.send("x")
                    ended = not wire.quiet(0.5)
                except OSError:
                    ended = True
            self.assertLess(time.monotonic() - start, 20)
            self.assertGreater(time.monotonic() - start, 5)


class Balance(unittest.TestCase):
    """T66: accepted = closed + open; attempts = ok + everything else."""

    def test_t66_connections(self):
        with Imap.open(proxy), Pop3.open(proxy) as pop3:
            pop3.logged_in(platform.fresh_user(), PASSWORD)

            def balanced():
                scrape = proxy.metrics()
                accepted = scrape.sum("postigo_connections_accepted_total")
                closed = scrape.sum("postigo_connections_closed_total")
                open_now = scrape.sum("postigo_connections")
                return accepted > 10 and accepted == closed + open_now and open_now >= 2 and (accepted, closed, open_now)

            wait_for(balanced, 20, f"accepted = closed + open in\n{self.lines('connections')}")

        def all_gone():
            return proxy.metrics().sum("postigo_connections") == 0

        wait_for(all_gone, 20, "no open connection")

    def lines(self, word):
        return "\n".join(line for line in proxy.metrics().text.splitlines() if word in line and not line.startswith("#"))

    def test_t66_logins(self):
        """As many attempts as were made, each with what became of it."""
        def counts():
            results = {}
            for labels, value in proxy.metrics().of("postigo_auth_attempts_total"):
                key = (labels["protocol"], labels["mechanism"], labels["result"])
                results[key] = results.get(key, 0) + value
            return results

        before = counts()
        user = platform.fresh_user()
        for _ in range(3):
            with Imap.open(proxy) as wire:
                wire.login(user, "wrong")
                wire.command(f"AUTHENTICATE PLAIN {plain(user, 'wrong')}")
                wire.command("LOGIN")  # no attempt: it names nobody
                wire.logged_in(user, PASSWORD)
            with Pop3.open(proxy) as wire:
                wire.command(f"USER {user}")
                wire.command("PASS wrong")
                wire.logged_in(user, PASSWORD)
        with Imap.open(proxy) as wire:
            wire.command(f"AUTHENTICATE PLAIN {plain(user, PASSWORD, authzid='somebody')}")
        after = counts()
        self.assertEqual({("imap", "LOGIN", "bad_credentials"): 3, ("imap", "PLAIN", "bad_credentials"): 3,
                          ("imap", "LOGIN", "ok"): 3, ("pop3", "USER", "bad_credentials"): 3, ("pop3", "USER", "ok"): 3,
                          ("imap", "PLAIN", "authorization_failed"): 1},
                         {key: value - before[key] for key, value in after.items() if value != before[key]})
        scrape = proxy.metrics()
        refused = sum(value for (_, _, result), value in after.items() if result != "ok")
        self.assertEqual(refused, scrape.sum("postigo_logins_refused_total"), "every attempt that was not ok has a reason")

    def test_commands_by_verb(self):
        scrape = proxy.metrics()
        for protocol, verb in (("imap", "NOOP"), ("pop3", "QUIT")):
            count = scrape.sum("postigo_commands_total", protocol=protocol, verb=verb)
            self.assertGreaterEqual(count, 6, self.lines("commands"))

    def test_capability_rewrites(self):
        def counts():
            scrape = proxy.metrics()
            return {(protocol, kind): scrape.sum("postigo_capability_rewrites_total", protocol=protocol, kind=kind)
                    for protocol in ("imap", "pop3") for kind in ("login", "stream")}

        before = counts()
        with Imap.open(proxy) as imap, Pop3.open(proxy) as pop3:
            imap.logged_in(platform.fresh_user(), PASSWORD).capabilities()
            pop3.logged_in(platform.fresh_user(), PASSWORD).capabilities()
            after = counts()
        self.assertEqual({("imap", "login"): 1, ("imap", "stream"): 1, ("pop3", "login"): 0, ("pop3", "stream"): 1},
                         {each: after[each] - before[each] for each in after})

    def test_handshakes_by_group_and_signature(self):
        with Imap.open(proxy, "implicit"):
            scrape = proxy.metrics()
        ok = scrape.sum("postigo_tls_handshakes_total", result="ok")
        full = scrape.sum("postigo_tls_handshakes_total", result="ok", resumed="no")
        self.assertGreaterEqual(full, 1)
        self.assertEqual(ok, scrape.sum("postigo_tls_groups_total"), self.lines("tls"))
        self.assertEqual(full, scrape.sum("postigo_tls_signatures_total"), self.lines("tls"))

    def test_two_servers_of_one_version_do_not_differ(self):
        """IMAP's answer to a login lists what there is; in POP3 nobody asks a backend."""
        told = proxy.metrics().of("postigo_backend_capabilities_differ")
        self.assertEqual({(name, "imap") for name in platform.dovecots},
                         {(labels["backend"], labels["protocol"]) for labels, _ in told})
        self.assertEqual({0}, {value for _, value in told}, told)

    def test_a_session_has_a_port(self):
        with Imap.open(proxy) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
            scrape = proxy.metrics()
        used = scrape.sum("postigo_backend_source_ports")
        self.assertEqual(scrape.sum("postigo_backend_sessions") + scrape.sum("postigo_backend_logins"), used)
        self.assertGreaterEqual(used, 1)
        self.assertGreater(scrape.sum("postigo_backend_source_ports_limit"), 10_000)

    def test_t66_parallel_load_keeps_the_balance(self):
        def one(number):
            with Imap.open(proxy, ("off", "implicit")[number % 2]) as wire:
                wire.logged_in(platform.fresh_user(), PASSWORD).ok("NOOP")

        before = proxy.metrics().sum("postigo_auth_attempts_total", result="ok")
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(one, range(100)))
        self.assertEqual(100, proxy.metrics().sum("postigo_auth_attempts_total", result="ok") - before)


class Limits(unittest.TestCase):
    """Saturation without knowing the configuration."""

    def test_limit_beside_usage(self):
        scrape = proxy.metrics()
        for usage, limit in (("postigo_connections", "postigo_connections_limit"), ("postigo_fds", "postigo_fds_limit")):
            self.assertTrue(scrape.has(usage) and scrape.has(limit), f"{usage} or {limit} is missing: {scrape.names()}")
            self.assertGreater(scrape.sum(limit), scrape.sum(usage))

    def test_histograms(self):
        scrape = proxy.metrics()
        for name in ("postigo_tls_handshake_seconds", "postigo_backend_connect_seconds", "postigo_login_seconds",
                     "postigo_session_seconds", "postigo_event_loop_lag_seconds"):
            self.assertGreater(scrape.sum(name + "_count"), 0, f"{name}: {[n for n in scrape.names() if 'seconds' in n]}")
            infinite = scrape.sum(name + "_bucket", le="+Inf")
            self.assertEqual(infinite, scrape.sum(name + "_count"), name)

    def test_refused_politely_beyond_the_limit(self):
        door = platform.postigo(limits="[limits]\nsessions_max = 5")
        self.addCleanup(door.stop)
        wires = [Imap.open(door, "off") for _ in range(5)]
        for kind, port, word in ((Imap, door.imap, b"* BYE"), (Pop3, door.pop3, b"-ERR")):
            with kind((door.host, port)) as wire:
                self.assertTrue(wire.rest().startswith(word), wire.heard)
        scrape = door.metrics()
        self.assertGreaterEqual(scrape.sum("postigo_rejected_total"), 2, scrape.text[-2000:])
        for wire in wires:
            wire.close()
        wait_for(lambda: door.metrics().sum("postigo_connections") == 0, 20, "room again")
        with Imap.open(door) as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)


if __name__ == "__main__":
    unittest.main()
