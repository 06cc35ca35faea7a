"""All sessions of a user are at one backend: over both protocols, all workers, failures and upgrades."""

import contextlib
import ctypes
import os
import socket
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, wait_for
from tests.e2e.harness.users import Users
from tests.fakes.backend import FakeBackend, imap_server, pop3_server

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: a successor is ours to wait for


def pool(affinity=True, **settings):
    """One shard, whose first choice is a."""
    lines = "".join(f'{key} = "{value}"\n' for key, value in settings.items())
    return (f'[[pool]]\nname = "main"\naffinity = {str(affinity).lower()}\n{lines}'
            '[[pool.shard]]\nname = "one"\nbackends = ["a", "b"]')


class Affinity(Users):
    def door(self, backends=None, **settings):
        proxy = platform.postigo(backends, pool=pool(**settings))
        self.addCleanup(proxy.kill)
        return proxy

    def bound_to_b(self, proxy, user):
        """A session at b, which is not where he would go first; a serves again."""
        proxy.ctl("backend", "a", "drain")
        wire = self.enter(proxy, user)
        proxy.ctl("backend", "a", "auto")
        self.assertEqual({"b"}, self.places(proxy, user))
        return wire


class Sessions(Affinity):
    def test_both_protocols_on_all_workers(self):
        proxy, user, other = self.door(), platform.fresh_user(), platform.fresh_user()
        self.bound_to_b(proxy, user)
        for _ in range(6):
            self.enter(proxy, user)
            self.enter(proxy, user, Pop3).ok("QUIT")
        self.assertEqual({"b"}, self.places(proxy, user))
        self.assertEqual(0, len(platform.a.logins(user)))
        self.enter(proxy, other)
        self.assertEqual({"a"}, self.places(proxy, other))
        scrape = proxy.metrics()
        self.assertEqual(2, scrape.sum("postigo_users_pinned"))
        self.assertEqual(12, scrape.sum("postigo_affinity_redirects_total"))
        self.assertGreater(scrape.sum("postigo_users_pinned_limit"), 2)

    def test_without_it_there_is_none(self):
        proxy, user = self.door(affinity=False), platform.fresh_user()
        self.bound_to_b(proxy, user)
        self.enter(proxy, user)
        self.assertEqual({"a", "b"}, self.places(proxy, user))
        self.assertEqual(0, proxy.metrics().sum("postigo_users_pinned"))

    def test_it_outlives_the_last_session(self):
        proxy, user = self.door(affinity_time="10m"), platform.fresh_user()
        self.bound_to_b(proxy, user).ok("LOGOUT")
        wait_for(lambda: not proxy.ctl("who")["sessions"], what="the end of the session")
        self.enter(proxy, user)
        self.assertEqual({"b"}, self.places(proxy, user))

    def test_and_lapses(self):
        proxy, user = self.door(affinity_time="1s"), platform.fresh_user()
        self.bound_to_b(proxy, user).ok("LOGOUT")
        wait_for(lambda: not proxy.ctl("who")["sessions"], what="the end of the session")
        time.sleep(2)
        self.enter(proxy, user)
        self.assertEqual({"a"}, self.places(proxy, user))

    def test_a_refused_login_binds_nobody(self):
        proxy, user = self.door(), platform.fresh_user()
        proxy.ctl("backend", "a", "drain")
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login(user, "wrong")[-1], b"^NO ")
            self.assertEqual(0, proxy.metrics().sum("postigo_users_pinned"))
            proxy.ctl("backend", "a", "auto")
            wire.logged_in(user, PASSWORD)  # on the same connection
            self.assertEqual({"a"}, self.places(proxy, user))

    def test_a_reload_moves_nobody_who_has_a_session(self):
        proxy, user = self.door(), platform.fresh_user()
        self.enter(proxy, user)
        proxy.write(pool='[[pool]]\nname = "main"\naffinity = true\n[[pool.shard]]\nname = "two"\nbackends = ["b"]\n'
                         '[[pool]]\nname = "other"\nbackends = ["a"]\n')
        proxy.ctl("reload")
        self.enter(proxy, user)
        self.assertEqual({"a"}, self.places(proxy, user))


class Failures(Affinity):
    def test_failover_and_no_way_back_while_a_session_is_open(self):
        proxy, user = self.door(), platform.fresh_user()
        lost = self.enter(proxy, user)
        platform.a.stop()
        try:
            lost.rest()
            wait_for(lambda: not proxy.ctl("who")["sessions"], what="the end of the session")
            self.enter(proxy, user)
            self.assertEqual({"b"}, self.places(proxy, user))
        finally:
            platform.a.start()
        self.enter(proxy, user, Pop3)
        self.assertEqual({"b"}, self.places(proxy, user))
        self.assertEqual(1, proxy.metrics().sum("postigo_affinity_moves_total"))

    def test_wait(self):
        proxy, user, other = self.door(affinity_down="wait"), platform.fresh_user(), platform.fresh_user()
        lost = self.enter(proxy, user)
        platform.a.stop()
        try:
            lost.rest()
            wait_for(lambda: not proxy.ctl("who")["sessions"], what="the end of the session")
            with Imap.open(proxy) as wire:
                self.assertRegex(wire.login(user, PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")
            self.enter(proxy, other)  # nothing binds him to a
            self.assertEqual({"b"}, self.places(proxy, other))
        finally:
            platform.a.start()

        def served():
            with Imap.open(proxy) as wire:
                return wire.login(user, PASSWORD)[-1].startswith(b"OK")
        wait_for(served, 60, what="a login at a")
        self.assertEqual(0, len(platform.b.logins(user)))

    def test_nobody_is_at_two_backends_while_a_session_is_alive(self):
        """a takes no new logins, but the sessions that it has go on."""
        full = threading.Event()

        def login(peer, tag):
            peer.send(f"{tag} NO [UNAVAILABLE] full\r\n" if full.is_set() else f"{tag} OK in\r\n")
        a, b = (FakeBackend(imap=imap_server(login=login)), FakeBackend(imap=imap_server()))
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        proxy = self.door({"a": a, "b": b})
        first = self.enter(proxy, "u")
        full.set()
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login("u", PASSWORD)[-1], rb"^NO \[UNAVAILABLE\]")
        self.enter(proxy, "v")
        self.assertEqual({"b"}, self.places(proxy, "v"))
        first.ok("LOGOUT")
        wait_for(lambda: not self.places(proxy, "u"), what="the end of the session")
        self.enter(proxy, "u")
        self.assertEqual({"b"}, self.places(proxy, "u"))

    def test_sessions_at_a_backend_that_cannot_be_reached_are_let_go(self):
        """Its sessions hang, and nobody else gets in: who comes again is served elsewhere, and only there."""
        a, b = FakeBackend(imap=imap_server()), FakeBackend(imap=imap_server())
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        proxy = self.door({"a": a, "b": b})
        hangs, other = self.enter(proxy, "u"), self.enter(proxy, "v")
        for listener in a._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        a._listeners = []
        threads = [threading.Thread(target=self.enter, args=(proxy, "u")) for _ in range(3)]
        for thread in threads:
            thread.start()
        self.assertIn(b"BYE", hangs.rest())
        for thread in threads:
            thread.join(60)
        self.assertEqual({"b"}, self.places(proxy, "u"))
        self.assertEqual(3, len([row for row in proxy.ctl("who", "--user", "u")["sessions"] if row["phase"] == "relay"]))
        other.ok("NOOP")  # he has not come again

    def test_first_logins_at_the_same_moment_agree(self):
        """a takes every second login only, late: without affinity half of them would be at each."""
        count, lock = [0], threading.Lock()

        def every_second(peer, tag):
            with lock:
                count[0] += 1
                mine = count[0]
            if mine % 2:
                time.sleep(0.3)
            peer.send(f"{tag} OK in\r\n" if mine % 2 else f"{tag} NO [UNAVAILABLE] not you\r\n")
        a, b = FakeBackend(imap=imap_server(login=every_second)), FakeBackend(imap=imap_server())
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        proxy = self.door({"a": a, "b": b})
        for user in ("u0", "u1", "u2"):
            wires = [Imap.open(proxy) for _ in range(8)]
            for wire in wires:
                self.addCleanup(wire.close)
                wire.send(f"x LOGIN {user} {PASSWORD}\r\n")
            said = [wire.until("x")[-1] for wire in wires]
            self.assertEqual(1, len(self.places(proxy, user)), said)
            self.assertTrue(any(b"OK" in line for line in said), said)

    def test_a_draining_backend_keeps_who_has_a_session_there(self):
        proxy, user, other = self.door(), platform.fresh_user(), platform.fresh_user()
        self.enter(proxy, user)
        proxy.ctl("backend", "a", "drain")
        self.enter(proxy, user)
        self.enter(proxy, other)
        self.assertEqual({"a"}, self.places(proxy, user))
        self.assertEqual({"b"}, self.places(proxy, other))
        proxy.ctl("backend", "a", "auto")


class Upgrade(Affinity):
    def test_a_successor_knows_where_users_are(self):
        proxy, user, other = self.door(), platform.fresh_user(), platform.fresh_user()
        self.bound_to_b(proxy, user)
        self.bound_to_b(proxy, other).ok("LOGOUT")
        successor = proxy.ctl("upgrade")["pid"]
        try:
            for name in (user, other):
                self.enter(proxy, name)
                self.assertEqual({"b"}, self.places(proxy, name))
                self.assertEqual(0, len(platform.a.logins(name)))
        finally:
            proxy.kill()
            os.kill(successor, 9)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(successor, 0)


if __name__ == "__main__":
    unittest.main()
