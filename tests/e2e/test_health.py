"""A backend dies, hangs, lies or flaps under a constant load of logins: who may be served elsewhere is, who may not is told
soon, and nobody else notices."""

import os
import signal
import socket
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, wait_for
from tests.e2e.harness.dovecot import PASSWORD, Dovecot
from tests.fakes.backend import FakeBackend, imap_server

platform = None
# Much longer than any step of a healthy login: what is told within PROMPT was not waited for.
PROMPT = 12
LIMITS = ('[limits]\nauth_failure_delay = "10ms"\nbackend_connect_timeout = "25s"\nbackend_login_timeout = "25s"\n'
          '[health]\nretry_max = "2s"\nslow_start = "2s"\n')


def setUpModule():
    global platform
    platform = Platform(dovecots=("b", "c"))
    unittest.addModuleCleanup(platform.stop)


def signal_all(dovecot, number):
    os.killpg(dovecot.program.pid, number)


class Load:
    """Logins without a pause, by a few clients; each of them says how it ended."""

    def __init__(self, proxy, users, clients=3):
        self.proxy, self.users = proxy, users
        self.results = []  # (when it began, seconds, answer)
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        for turn in range(2000):
            if self.over.is_set():
                return
            began = time.monotonic()
            answer = attempt(self.proxy, self.users[(number + turn * len(self.threads)) % len(self.users)])
            self.results.append((began, time.monotonic() - began, answer))
            time.sleep(0.05)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.results

    def wait(self, more):
        """Until so many more logins are over."""
        wanted = len(self.results) + more
        wait_for(lambda: len(self.results) >= wanted, 60, what=f"{more} more logins")

    def failed(self):
        return [answer for _, _, answer in self.results if not answer.startswith(b"OK")]


def attempt(proxy, user):
    try:
        with Imap.open(proxy, "off", timeout=60) as wire:
            return wire.login(user, PASSWORD)[-1]
    except OSError as error:
        return repr(error).encode()


class Health(unittest.TestCase):
    """Users t0.. and t1.. live at x and b, which hold the same mail; t2.. at c alone, t3.. at x alone."""

    def scene(self, x, **sections):
        sections.setdefault("limits", LIMITS)
        self.proxy = platform.postigo(
            {"x": x, "b": platform.b, "c": platform.dovecots["c"]},
            pool='[[pool]]\nname = "main"\n' + "".join(
                f'[[pool.shard]]\nname = "{name}"\nbackends = [{backends}]\n'
                for name, backends in (("pair", '"x", "b"'), ("lone", '"c"'), ("sick", '"x"'))),
            routing="".join(f'[[routing.rule]]\nregex = "{regex}.*"\nshard = "{shard}"\n'
                            for regex, shard in (("t[01]", "pair"), ("t2", "lone"), ("t3", "sick"))), **sections)
        self.addCleanup(self.proxy.stop)
        return self.proxy

    def loads(self):
        self.pair = Load(self.proxy, [f"t0{number:02}" for number in range(20)])
        self.lone = Load(self.proxy, [f"t2{number:02}" for number in range(20)], clients=1)
        self.addCleanup(self.pair.stop)
        self.addCleanup(self.lone.stop)

    def fake(self, script):
        fake = FakeBackend(imap=script)
        self.addCleanup(fake.stop)
        return fake

    def state(self, backend="x"):
        rows = [labels["state"] for labels, value in self.proxy.metrics().of("postigo_backend_state")
                if labels["backend"] == backend and labels["protocol"] == "imap" and value == 1]
        self.assertEqual(1, len(rows), rows)
        return rows[0]

    def wait_state(self, *states, backend="x"):
        return wait_for(lambda: self.state(backend) in states, 40, what=lambda: f"{states}, not {self.state(backend)}")

    def errors(self, **labels):
        return self.proxy.metrics().sum("postigo_backend_errors_total", backend="x", **labels)

    def nobody_failed(self):
        self.pair.stop()
        self.lone.stop()
        self.assertEqual([], self.pair.failed(), "another one serves")
        self.assertEqual([], self.lone.failed(), "which has nothing to do with it")

    def sick_and_found(self, x, **sections):
        """x is of no use: it is found, others serve its users, and who has nobody else hears so soon."""
        self.scene(x, **sections)
        self.loads()
        self.wait_state("down")
        self.pair.wait(20)
        self.nobody_failed()
        began = time.monotonic()
        answer = attempt(self.proxy, "t300")
        if self.state() == "down":
            self.assertRegex(answer, rb"^NO \[UNAVAILABLE\]")
        self.assertLess(time.monotonic() - began, 40)
        promptly = []
        for _ in range(5):  # of five in a row one at most is a trial
            began = time.monotonic()
            attempt(self.proxy, "t301")
            promptly.append(time.monotonic() - began)
        self.assertLess(sorted(promptly)[2], PROMPT)
        self.assertEqual(["down"], [line["health"] for line in self.proxy.lines("backend_health", backend="x")][:1])


class Dying(Health):
    """A Dovecot."""

    def setUp(self):
        self.dovecot = Dovecot(os.path.join(platform.scratch("dying"), "x"), platform.certificates)
        self.addCleanup(self.dovecot.stop)

    def test_killed_and_back(self):
        self.scene(self.dovecot)
        self.loads()
        self.pair.wait(20)
        self.assertEqual("up", self.state())
        signal_all(self.dovecot, signal.SIGKILL)
        self.dovecot.program.process.wait()
        self.wait_state("down")
        self.pair.wait(30)
        connects = self.errors(reason="connect")
        self.assertLess(connects, 20, "nobody waits for it")
        before = len(self.dovecot.log())
        self.dovecot.start()
        self.wait_state("up")
        wait_for(lambda: "Login: " in self.dovecot.log()[before:], 40, what="users are back")
        self.nobody_failed()
        self.assertEqual(["down", "slow_start", "up"],
                         [line["health"] for line in self.proxy.lines("backend_health", backend="x")])

    def test_stopped_and_back(self):
        """It accepts and says nothing: found as one that refuses."""
        self.scene(self.dovecot)
        self.loads()
        self.pair.wait(20)
        signal_all(self.dovecot, signal.SIGSTOP)
        self.addCleanup(signal_all, self.dovecot, signal.SIGCONT)
        try:
            self.wait_state("down")
            self.pair.wait(30)
        finally:
            signal_all(self.dovecot, signal.SIGCONT)
        self.wait_state("up")
        self.nobody_failed()


class Useless(Health):
    """What else a backend can do to its users."""

    def test_resets_after_accept(self):
        self.sick_and_found(self.fake(lambda peer: peer.end("reset")))

    def test_says_nothing(self):
        self.sick_and_found(self.fake(lambda peer: peer.wait_end()))

    def test_is_unavailable_for_everybody(self):
        def login(peer, tag):
            peer.send(f"{tag} NO [UNAVAILABLE] come back later\r\n")

        self.sick_and_found(self.fake(imap_server(login=login)))

    def test_says_bye(self):
        self.sick_and_found(self.fake(lambda peer: peer.send("* BYE too many connections\r\n")))

    def test_shows_a_wrong_certificate(self):
        fake = FakeBackend(imap=imap_server(tls=True), tls=platform.certificates.server_context(
            "wrong", names=("elsewhere.example",)))
        self.addCleanup(fake.stop)
        table = f'{{ mode = "starttls", ca_file = "{platform.certificates.ca}", name = "localhost" }}'
        self.sick_and_found(fake, backend_tls=table)

    def test_has_a_full_backlog(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            held = []
            for _ in range(4):  # the last ones hang
                wire = socket.socket()
                wire.setblocking(False)
                wire.connect_ex(full.getsockname())
                held.append(wire)
            time.sleep(0.2)
            door = FakeBackend()
            door.imap, door.pop3 = full.getsockname()[1], 0
            self.sick_and_found(door, limits=LIMITS.replace('connect_timeout = "25s"', 'connect_timeout = "1s"'))
            for wire in held:
                wire.close()

    def test_one_users_mailbox_takes_nobody_else_down(self):
        def login(peer, tag):
            peer.send(f"{tag} NO [UNAVAILABLE] your mailbox is locked\r\n")

        self.scene(self.fake(imap_server(login=login)))
        for _ in range(8):
            self.assertRegex(attempt(self.proxy, "t300"), rb"^NO \[UNAVAILABLE\]")
        self.assertEqual("suspect", self.state())


class Slow(Health):
    def test_five_seconds_to_the_greeting(self):
        """Where another one serves it does; where not, it is waited for."""

        def script(peer):
            time.sleep(5)
            imap_server()(peer)

        self.scene(self.fake(script))
        self.loads()
        self.pair.wait(30)
        wait_for(lambda: attempt(self.proxy, "t300").startswith(b"OK"), 120, step=0.5,
                 what="nobody else has this user's mail, and it serves")
        self.pair.wait(10)
        self.nobody_failed()


class Flapping(Health):
    def test_it_comes_and_goes(self):
        fake = self.fake(imap_server())
        self.scene(fake)
        self.loads()
        for _ in range(4):
            fake.cut_after = 0
            self.pair.wait(15)
            fake.cut_after = None
            self.pair.wait(15)
        self.nobody_failed()
        self.assertTrue(self.proxy.lines("backend_health", backend="x", health="down"))


if __name__ == "__main__":
    unittest.main()
