"""What is believed of backends: it outlives reloads, restarts and upgrades, operators may overrule it, probes find it out;
and what becomes of the many whose backend died in one moment."""

import base64
import os
import signal
import ssl
import threading
import time
import unittest

from tests.e2e.harness import Certificates, Imap, Platform, Pop3, wait_for
from tests.e2e.harness.dovecot import PASSWORD, Dovecot
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

platform = None
LIMITS = '[limits]\nauth_failure_delay = "10ms"\n'


def setUpModule():
    global platform
    platform = Platform(dovecots=())
    unittest.addModuleCleanup(platform.stop)


def attempt(proxy, user="alice"):
    with Imap.open(proxy, "off") as wire:
        return wire.login(user, PASSWORD)[-1]


class Scene(unittest.TestCase):
    def fake(self, **scripts):
        fake = FakeBackend(**(scripts or {"imap": imap_server()}))
        self.addCleanup(fake.stop)
        return fake

    def proxy_before(self, backends, **sections):
        proxy = platform.postigo(backends, **sections)
        self.addCleanup(proxy.stop)
        return proxy

    def state(self, proxy, backend="fake", protocol="imap"):
        rows = [labels["state"] for labels, value in proxy.metrics().of("postigo_backend_state")
                if labels["backend"] == backend and labels["protocol"] == protocol and value == 1]
        self.assertEqual(1, len(rows), rows)
        return rows[0]

    def wait_state(self, proxy, *states, **which):
        return wait_for(lambda: self.state(proxy, **which) in states, 40, what=f"one of {states}")


class Kept(Scene):
    """Trials are an hour apart, so that only a memory that was lost could make it look well."""

    rare = '[health]\nretry_min = "1h"\nretry_max = "1h"\n'

    def down(self, **server):
        self.sick = self.fake(imap=lambda peer: peer.end("reset"))
        lines = "".join(f'{key} = "{value}"\n' for key, value in server.items())
        proxy = self.proxy_before({"fake": self.sick}, limits=LIMITS + self.rare,
                                  server=f'[server]\nhostname = "mail.example.com"\nworkers = 2\n{lines}')
        for _ in range(4):
            self.assertRegex(attempt(proxy), rb"^NO \[UNAVAILABLE\]")
        self.assertEqual("down", self.state(proxy))
        return proxy

    def test_a_reload_forgets_nothing(self):
        proxy = self.down()
        proxy.write(limits=LIMITS + self.rare + 'fall = 5\n')
        proxy.ctl("reload")
        self.assertEqual("down", self.state(proxy))
        heard = len(self.sick.peers)
        self.assertRegex(attempt(proxy), rb"^NO \[UNAVAILABLE\]")
        self.assertEqual(heard, len(self.sick.peers), "nobody was sent there")

    def test_a_restart_forgets_nothing_that_is_fresh(self):
        file = os.path.join(platform.scratch(), "state.json")
        proxy = self.down(state_file=file)
        wait_for(lambda: os.path.exists(file) and '"fake"' in open(file, encoding="utf-8").read(), what="it is kept")
        proxy.stop()
        with open(file, encoding="utf-8") as kept:
            fresh = kept.read()
        proxy.start()
        self.assertEqual("down", self.state(proxy))
        [line] = proxy.ctl("backends")["backends"]
        self.assertEqual(("down", "auto"), (line["health"], line["state"]))
        self.assertIn("closed", line["health_why"] + "closed")
        proxy.stop()
        with open(file, "w", encoding="utf-8") as kept:
            kept.write(fresh.replace('"written_s": 1', '"written_s": '))  # decades ago
        proxy.start()
        self.assertEqual("up", self.state(proxy), "what was long ago says nothing")

    def test_an_upgrade_forgets_nothing(self):
        proxy = self.down()
        proxy.ctl("upgrade")
        wait_for(lambda: proxy.lines("handed_over"), 30, what="the other process serves")
        self.addCleanup(self.end_successor, proxy)
        wait_for(proxy.ready, 20, what="it answers")
        self.assertEqual("down", self.state(proxy))

    def end_successor(self, proxy):
        pid = int(proxy.lines("handed_over")[-1]["pid"])
        os.kill(pid, 15)
        wait_for(lambda: len(proxy.lines("stopped")) >= 2, 30, what="both are over")

    def test_an_operator_is_believed_more(self):
        proxy = self.down()
        self.sick.stop()
        proxy.ctl("backend", "fake", "ready")
        self.assertEqual("forced", self.state(proxy))
        refused = proxy.metrics().sum("postigo_backend_errors_total", backend="fake", reason="connect")
        self.assertRegex(attempt(proxy), rb"^NO \[UNAVAILABLE\]")
        tried = proxy.metrics().sum("postigo_backend_errors_total", backend="fake", reason="connect")
        self.assertEqual(refused + 1, tried, "it was sent there")
        proxy.ctl("backend", "fake", "auto")
        self.assertEqual("down", self.state(proxy))


class Probes(Scene):
    def health(self, level, more=""):
        return f'[health]\nlevel = "{level}"\ninterval = "300ms"\nretry_max = "1s"\nslow_start = "1s"\n{more}'

    account = f'user = "probe"\npassword = "{PASSWORD}"\n'

    def heard(self, fake, text):
        return [peer for peer in fake.peers if text in peer.said()]

    def test_each_protocol_to_the_greeting_and_a_goodbye(self):
        fake = self.fake(imap=imap_server(), pop3=pop3_server())
        proxy = self.proxy_before({"fake": fake}, limits=LIMITS + self.health("greeting"))
        for goodbye in (b"LOGOUT", b"QUIT"):
            wait_for(lambda: self.heard(fake, goodbye), 20, what=f"a probe that ends with {goodbye}")
        for peer in self.heard(fake, b"LOGOUT") + self.heard(fake, b"QUIT"):
            self.assertNotIn(b"LOGIN", peer.said())
            self.assertNotIn(b"USER", peer.said())
        self.assertGreater(proxy.metrics().sum("postigo_backend_probes_total", backend="fake", result="ok"), 0)
        self.assertEqual([], proxy.lines("backend_health"))

    def test_a_login_and_a_command(self):
        fake = self.fake(imap=imap_server(), pop3=pop3_server())
        self.proxy_before({"fake": fake}, limits=LIMITS + self.health("login", self.account))
        imap = wait_for(lambda: self.heard(fake, b"NOOP\r\nbye LOGOUT"), 20, what="an IMAP probe")[0].said()
        self.assertIn(base64.b64encode(b"\0probe\0" + PASSWORD.encode()), imap)
        pop3 = wait_for(lambda: self.heard(fake, b"STAT\r\nQUIT"), 20, what="a POP3 probe")[0].said()
        self.assertIn(b"USER probe\r\n", pop3)

    def test_nobody_is_probed_while_all_is_well(self):
        fake = self.fake()
        proxy = self.proxy_before({"fake": fake}, limits=LIMITS + self.health("auto"))
        self.assertRegex(attempt(proxy), b"^OK")
        time.sleep(2)
        self.assertEqual(1, len(fake.peers))

    def test_a_dead_one_is_found_and_so_is_its_return_without_any_login(self):
        fake = self.fake()
        proxy = self.proxy_before({"fake": fake}, limits=LIMITS + self.health("greeting"))
        fake.cut_after = 0
        self.wait_state(proxy, "down")
        fake.cut_after = None
        self.wait_state(proxy, "up")
        self.assertEqual(["down", "slow_start", "up"], [line["health"] for line in proxy.lines("backend_health")])
        self.assertRegex(proxy.lines("backend_health")[0]["detail"], "^probe: closed by the backend")

    def ok(self, proxy):
        return proxy.metrics().sum("postigo_backend_probes_total", result="ok")

    def test_level_connect_asks_for_no_more_than_a_connection(self):
        """Who takes one and says nothing is well at this level, and down at the next; no probe says a word."""
        mute = self.fake(imap=lambda peer: peer.wait_end())
        proxy = self.proxy_before({"fake": mute}, limits=LIMITS + self.health("connect", 'timeout = "500ms"\n'))
        wait_for(lambda: self.ok(proxy) >= 4, 30, what="four probes")
        self.assertEqual("up", self.state(proxy))
        self.assertEqual([], proxy.lines("backend_health"))
        self.assertEqual({b""}, {peer.said() for peer in mute.peers})
        further = self.proxy_before({"fake": mute}, limits=LIMITS + self.health("greeting", 'timeout = "500ms"\n'))
        self.wait_state(further, "down")
        mute.stop()
        self.wait_state(proxy, "down")
        self.assertRegex(proxy.lines("backend_health")[0]["detail"], "^probe: ")

    def test_level_tls_asks_for_a_handshake(self):
        """Of a real server, which is then stopped where it stands: the kernel goes on taking connections for it."""
        dovecot = Dovecot(os.path.join(platform.folder, "stopped"), platform.certificates)
        self.addCleanup(dovecot.stop)
        tls = f'{{ mode = "implicit", ca_file = "{platform.certificates.ca}", name = "localhost" }}'
        scene = {name: self.proxy_before({"real": dovecot}, backend_tls=tls,
                                         limits=LIMITS + self.health(name, 'timeout = "2s"\n'))
                 for name in ("connect", "tls")}
        for proxy in scene.values():
            wait_for(lambda each=proxy: self.ok(each) >= 4, 40, what="four probes")
            self.assertEqual([], proxy.lines("backend_health"))
        os.killpg(dovecot.program.pid, signal.SIGSTOP)
        try:
            self.wait_state(scene["tls"], "down", backend="real")
            seen = self.ok(scene["connect"])
            wait_for(lambda: self.ok(scene["connect"]) >= seen + 2, 40, what="two probes more")
            self.assertEqual("up", self.state(scene["connect"], backend="real"))
        finally:
            os.killpg(dovecot.program.pid, signal.SIGCONT)
        self.wait_state(scene["tls"], "up", backend="real")
        self.assertRegex(attempt(scene["tls"]), b"^OK")

    def test_level_tls_finds_a_certificate_of_somebody_else(self):
        """Which a mere connection does not show."""
        other = Certificates(os.path.join(platform.scratch(), "ca"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*other.server)
        fake = FakeBackend(imap=imap_server(), tls=context, implicit=True)
        self.addCleanup(fake.stop)
        tls = f'{{ mode = "implicit", ca_file = "{platform.certificates.ca}", name = "localhost" }}'
        for level, state in (("connect", "up"), ("tls", "down")):
            proxy = self.proxy_before({"fake": fake}, backend_tls=tls, limits=LIMITS + self.health(level))
            probes = lambda: proxy.metrics().sum("postigo_backend_probes_total")
            wait_for(lambda: probes() >= 4, 40, what="four probes")
            self.assertEqual(state, self.state(proxy))

    def test_an_account_that_cannot_log_in_takes_nothing_down(self):
        def login(peer, tag):
            peer.send(f"{tag} NO [AUTHENTICATIONFAILED] who?\r\n")

        fake = self.fake(imap=imap_server(login=login))
        proxy = self.proxy_before({"fake": fake}, limits=LIMITS + self.health("login", self.account))
        wait_for(lambda: len(self.heard(fake, b"LOGOUT")) >= 4, 30, what="four probes")
        self.assertEqual(["up"], [self.state(proxy)])
        [line] = proxy.lines("probe_refused")
        self.assertEqual(("fake", "imap", "error"), (line["backend"], line["protocol"], line["level"]))
        self.assertNotIn(PASSWORD, proxy.log_text())

    def test_pop3_alone_may_be_down(self):
        fake = self.fake(imap=imap_server(), pop3=lambda peer: peer.end("reset"))
        proxy = self.proxy_before({"fake": fake}, limits=LIMITS + self.health("greeting"))
        self.wait_state(proxy, "down", protocol="pop3")
        self.assertEqual("up", self.state(proxy))
        self.assertRegex(attempt(proxy), b"^OK")
        with Pop3.open(proxy, "off") as wire:
            wire.ok("USER alice")
            self.assertRegex(wire.command(f"PASS {PASSWORD}"), rb"^-ERR \[SYS/TEMP\]")
        [line] = proxy.ctl("backends")["backends"]
        self.assertEqual("imap up, pop3 down", line["health"])


class Shared(Scene):
    def pool(self, policy):
        return f'[[pool]]\nname = "main"\nstorage = "shared"\npolicy = "{policy}"\nbackends = ["x", "y", "z"]'

    def test_any_backend_serves_whose_shard_is_down(self):
        for policy in ("rendezvous", "least_sessions", "round_robin"):
            with self.subTest(policy):
                fakes = {name: self.fake() for name in "xyz"}
                proxy = self.proxy_before(fakes, pool=self.pool(policy), limits=LIMITS)
                fakes["x"].cut_after = 0
                fakes["z"].stop()
                for number in range(24):
                    self.assertRegex(attempt(proxy, f"u{number}"), b"^OK")
                served = proxy.metrics().sum("postigo_backend_login_seconds_count", backend="y")
                self.assertEqual(24, served)

    def test_in_turn(self):
        proxy = self.proxy_before({name: self.fake() for name in "xyz"}, pool=self.pool("round_robin"), limits=LIMITS)
        for _ in range(12):
            self.assertRegex(attempt(proxy), b"^OK")
        for name in "xyz":
            self.assertEqual(4, proxy.metrics().sum("postigo_backend_login_seconds_count", backend=name))


class Storm(Scene):
    def test_the_many_who_lose_their_backend_go_one_after_the_other(self):
        fake = self.fake()
        proxy = self.proxy_before({"fake": fake}, limits=LIMITS, server=(
            '[server]\nhostname = "mail.example.com"\nworkers = 2\nlost_spread = "6s"'))
        wires = []
        for number in range(80):
            wire = Imap.open(proxy, "off").logged_in(f"u{number}", PASSWORD)
            self.addCleanup(wire.close)
            wires.append(wire)
        ends, lock = [], threading.Lock()

        def wait(wire):
            wire.socket.settimeout(60)
            while wire.socket.recv(4096):
                pass
            with lock:
                ends.append(time.monotonic())

        threads = [threading.Thread(target=wait, args=(wire,)) for wire in wires]
        for thread in threads:
            thread.start()
        for peer in fake.peers:
            peer.end()
        for thread in threads:
            thread.join()
        ends.sort()
        self.assertEqual(80, len(ends))
        self.assertGreater(ends[-1] - ends[0], 3, "spread, not in one burst")
        proxy.wait_session(80, reason="backend_closed")


if __name__ == "__main__":
    unittest.main()
