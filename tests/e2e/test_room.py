"""Room at listeners, pools and backends: as many as may be, the others wait in order or are told, whatever comes."""

import re
import select
import socket
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3, wait_for
from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.test_reload import reload
from tests.fakes.backend import FakeBackend, imap_server

platform = None
ANSWER = re.compile(rb"^a (OK|NO|BAD)[^\r\n]*\r\n", re.M)


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


class Crowd:
    """Clients in clear text that all say their login before one of them is answered."""

    def __init__(self, proxy, count):
        self.heard = {}
        for number in range(count):
            wire = socket.create_connection((proxy.host, proxy.imap), 30)
            self.heard[wire] = b""
        for number, wire in enumerate(self.heard):
            wire.sendall(f"a LOGIN t{number % 400:03} {PASSWORD}\r\n".encode())

    def answers(self, then=b"", seconds=90):
        """The answer of each, in the order of their coming; whoever is in says `then`."""
        answers, over = [], time.monotonic() + seconds
        silent = set(self.heard)
        while silent and time.monotonic() < over:
            for wire in select.select(list(silent), [], [], 1)[0]:
                data = wire.recv(65536)
                self.heard[wire] += data
                if found := ANSWER.search(self.heard[wire]):
                    answers.append(found[0].strip())
                    silent.discard(wire)
                    if then and found[1] == b"OK":
                        wire.sendall(then)
                elif not data:
                    answers.append(b"closed")
                    silent.discard(wire)
        return answers + [b"nothing"] * len(silent)

    def leave(self):
        for wire in self.heard:
            wire.close()


class Scene(unittest.TestCase):
    def proxy(self, more="", backends=None, **options):
        made = platform.postigo(backends or {"a": platform.a}, backend_more=more, **options)
        self.addCleanup(made.stop)
        return made

    def crowd(self, proxy, count):
        made = Crowd(proxy, count)
        self.addCleanup(made.leave)
        return made

    def ok(self, answers):
        return sum(answer.startswith(b"a OK") for answer in answers)


class Room(Scene):
    def errors(self, proxy, reason, backend="a"):
        return proxy.metrics().sum("postigo_backend_errors_total", backend=backend, reason=reason)

    def test_three_hundred_at_once_and_all_get_their_turn(self):
        proxy = self.proxy('sessions_max = 40\nqueue_timeout = "50s"\n')
        answers = self.crowd(proxy, 300).answers(then=b"b LOGOUT\r\n")
        self.assertEqual(300, self.ok(answers), [each for each in answers if not each.startswith(b"a OK")][:3])
        self.assertGreater(proxy.metrics().sum("postigo_backend_queued_total"), 0)
        self.assertEqual(0, proxy.metrics().sum("postigo_backend_queue"))
        wait_for(lambda: proxy.metrics().sum("postigo_backend_sessions") == 0, 30, what="all have gone")

    def test_three_hundred_who_stay(self):
        proxy = self.proxy('sessions_max = 40\nqueue_timeout = "1s"\nqueue_max = 200\n')
        crowd = self.crowd(proxy, 300)
        answers = crowd.answers()
        self.assertEqual(40, self.ok(answers))
        self.assertEqual(260, sum(answer.startswith(b"a NO [UNAVAILABLE]") for answer in answers), answers[-3:])
        self.assertEqual(40, proxy.metrics().sum("postigo_backend_sessions"))
        self.assertEqual(40, proxy.metrics().sum("postigo_backend_sessions_limit"))
        self.assertEqual(200, proxy.metrics().sum("postigo_backend_queue_limit"))
        self.assertEqual(260, self.errors(proxy, "session_limit") + self.errors(proxy, "queue_full"))
        self.assertGreater(self.errors(proxy, "session_limit"), 0)
        self.assertEqual(260, proxy.metrics().sum("postigo_logins_refused_total", reason="backend_limit"))
        with Pop3.open(proxy) as wire:
            wire.ok("USER t399")
            self.assertTrue(wire.command(f"PASS {PASSWORD}").startswith(b"-ERR [SYS/TEMP]"))
        row = proxy.ctl("backends")["backends"][0]
        self.assertEqual((40, 40, 0), (row["sessions"], row["sessions_max"], row["queue"]))
        crowd.leave()
        wait_for(lambda: proxy.metrics().sum("postigo_backend_sessions") == 0, 30, what="all have gone")
        with Imap.open(proxy) as wire:
            wire.logged_in("t399", PASSWORD)

    def test_whoever_has_another_backend_goes_there_at_once(self):
        proxy = self.proxy(backends={"a": platform.a, "b": platform.b}, pool=(
            '[[pool]]\nname = "main"\n[[pool.shard]]\nname = "pair"\nbackends = ["a", "b"]\n'))
        first, second = proxy.sections["backends"].split("[[backend]]")[1:]
        limited = f"[[backend]]{first}sessions_max = 5\n[[backend]]{second}"
        self.assertEqual("reloaded", reload(proxy, backends=limited)["event"])
        self.assertEqual(30, self.ok(self.crowd(proxy, 30).answers()))
        at_a = proxy.metrics().sum("postigo_backend_sessions", backend="a")
        self.assertIn(at_a, (3, 4, 5), "who comes while one goes from login to session finds one less")
        self.assertEqual(30 - at_a, proxy.metrics().sum("postigo_backend_sessions", backend="b"))
        self.assertEqual(0, proxy.metrics().sum("postigo_backend_queued_total"))

    def test_a_limit_changes_while_sessions_run(self):
        proxy = self.proxy('sessions_max = 3\nqueue_max = 0\n')
        self.assertEqual(3, self.ok(self.crowd(proxy, 6).answers()))
        raised = proxy.sections["backends"].replace("sessions_max = 3", "sessions_max = 5")
        self.assertEqual("reloaded", reload(proxy, backends=raised)["event"])
        self.assertEqual(2, self.ok(self.crowd(proxy, 6).answers()), "those who were there before count")

    def test_logins_a_second(self):
        proxy = self.proxy('logins_per_s = 5\nqueue_timeout = "50s"\n')
        began = time.monotonic()
        self.assertEqual(20, self.ok(self.crowd(proxy, 20).answers()))
        self.assertGreater(time.monotonic() - began, 2.5, "five at once, and fifteen behind them")
        self.assertEqual(5, proxy.metrics().sum("postigo_backend_rate_limit"))

    def test_a_rate_without_a_queue(self):
        proxy = self.proxy('logins_per_s = 1\nqueue_max = 0\n')
        answers = self.crowd(proxy, 10).answers()
        self.assertIn(self.ok(answers), range(1, 9))
        self.assertEqual(10 - self.ok(answers), self.errors(proxy, "queue_full"))

    def test_a_pool(self):
        proxy = self.proxy(backends={"a": platform.a, "b": platform.b},
                           pool='[[pool]]\nname = "main"\nbackends = ["a", "b"]\nsessions_max = 7\n')
        answers = self.crowd(proxy, 20).answers()
        self.assertLessEqual(self.ok(answers), 7)
        self.assertGreaterEqual(self.ok(answers), 5)
        self.assertEqual(20 - self.ok(answers), sum(each.startswith(b"a NO [UNAVAILABLE]") for each in answers))
        self.assertEqual(7, proxy.metrics().sum("postigo_pool_sessions_limit", pool="main"))
        self.assertEqual(self.ok(answers), proxy.metrics().sum("postigo_pool_sessions", pool="main"))
        self.assertTrue(proxy.metrics().sum("postigo_logins_refused_total", reason="pool_limit"))

    def test_a_listener(self):
        proxy = self.proxy()
        listeners = proxy.sections["listeners"].replace('name = "imap"\n', 'name = "imap"\nsessions_max = 3\n')
        self.assertEqual("reloaded", reload(proxy, listeners=listeners)["event"])
        held = [Imap.open(proxy, "off").logged_in(platform.fresh_user(), PASSWORD) for _ in range(3)]
        with socket.create_connection((proxy.host, proxy.imap), 30) as wire:
            wire.settimeout(30)
            self.assertTrue(wire.recv(1000).startswith(b"* BYE [UNAVAILABLE]"))
        with Pop3.open(proxy, "off") as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)
        self.assertEqual(1, proxy.metrics().sum("postigo_rejected_total", listener="imap", reason="listener_limit"))
        self.assertEqual(3, proxy.metrics().sum("postigo_listener_sessions_limit", listener="imap"))
        for wire in held:
            wire.socket.close()
        wait_for(lambda: proxy.metrics().sum("postigo_listener_sessions", listener="imap") == 0, 30, what="all have gone")
        with Imap.open(proxy, "off") as wire:
            wire.logged_in(platform.fresh_user(), PASSWORD)


class Ramp(Scene):
    """After a start all of them come at once, and no backend is overrun: one more login with each that succeeds."""

    START = 2
    LIMITS = f'[limits]\nbackend_logins_start = {START}\n'

    def setUp(self):
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.under_way = self.done = self.most = 0
        self.beyond = []
        self.gate.set()
        self.fake = FakeBackend(imap=imap_server(login=self.login))
        self.addCleanup(self.fake.stop)
        self.addCleanup(self.gate.set)

    def login(self, peer, tag):
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            if self.under_way > self.START + self.done:
                self.beyond.append((self.under_way, self.done))
        time.sleep(0.05)
        self.gate.wait(60)
        with self.lock:
            self.under_way -= 1
            self.done += 1
        peer.send(f"{tag} OK [CAPABILITY IMAP4rev1] in\r\n")

    def storm(self, proxy):
        """Whoever would have to wait too long, on a busy machine, is told to come again, and does."""
        self.done = self.most = 0
        for _ in range(20):
            crowd = self.crowd(proxy, 24)
            answers = crowd.answers()
            crowd.leave()
            self.assertEqual([], [each for each in answers if not re.match(rb"a (OK|NO \[UNAVAILABLE\])", each)])
            self.assertEqual([], self.beyond)
            if self.done >= 24:
                break
        self.assertGreaterEqual(self.done, 24)
        self.assertGreater(self.most, self.START, "it grows")

    def test_at_the_start_and_after_a_restart(self):
        proxy = self.proxy(backends={"fake": self.fake}, limits=self.LIMITS)
        self.storm(proxy)
        proxy.stop()
        proxy.start()
        self.storm(proxy)

    def test_a_reload_is_no_restart(self):
        """What the backend has shown counts still: all may be under way together."""
        proxy = self.proxy(backends={"fake": self.fake}, limits=self.LIMITS)
        self.storm(proxy)
        proxy.ctl("reload")
        self.gate.clear()
        crowd = self.crowd(proxy, 20)
        wait_for(lambda: self.under_way == 20, 20, what=lambda: f"20 logins, not {self.under_way}")
        self.gate.set()
        self.assertEqual(20, self.ok(crowd.answers()))


if __name__ == "__main__":
    unittest.main()
