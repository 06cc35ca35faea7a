"""Sessions stay with the process that they began in; whoever serves now sees and moves them all, however many upgrades ago."""

import os
import signal
import subprocess
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, postigo, wait_for
from tests.e2e.harness.succession import PATIENCE, Succession
from tests.e2e.harness.users import HOME_A, SHARDS, TOGETHER

platform = None
LIMITS = '[limits]\nauth_failure_delay = "200ms"\nmove_delay = "200ms"\nlogin_timeout = "{}"'


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    Succession.on(platform)


class Predecessors(Succession):
    """One user is logged in three times, in three processes, and another one in each, too. All live at a."""

    def setUp(self):
        self.user = platform.fresh_user()

    def three(self, login_timeout="60s", **sections):
        sections.setdefault("pool", SHARDS)
        proxy = self.make(limits=LIMITS.format(login_timeout), routing=HOME_A if sections["pool"] == SHARDS else "",
                          **sections)
        self.wires, self.others, self.other = [], [], platform.fresh_user()
        for turn in range(3):
            if turn > 0:
                self.upgrade()
            self.wires += self.idle(1)
            self.others.append(Imap.open(proxy, "implicit").logged_in(self.other, PASSWORD))
            self.addCleanup(self.others[-1].close)
        return proxy

    def rows(self, *words):
        """Of all processes; one that is slow on a busy machine is asked again."""
        def whole():
            answer = self.proxy.ctl("who", *words)
            return answer if "missing" not in answer else None
        return wait_for(whole, PATIENCE, "everybody's answer")["sessions"]

    def pids_of(self, *words):
        return sorted(row["pid"] for row in self.rows(*words))

    def served_by(self, user):
        with Imap.open(self.proxy) as wire:
            wire.logged_in(user, PASSWORD)
            client = "{}:{}".format(*wire.socket.getsockname()[:2])
            return next(row["backend"] for row in self.rows("--user", user) if row["client"] == client)

    def hears_bye(self, *wires):
        for wire in wires:
            self.assertIn(b"BYE", wire.rest())
            wire.close()

    def they_end(self):
        """Nothing is left for the old ones."""
        for pid in self.pids[:-1]:
            self.assertEqual(0, self.ends(pid))
        wait_for(lambda: not self.proxy.ctl("status")["predecessors"], PATIENCE, "no predecessors")


class Seen(Predecessors):
    def test_by_all_who_ask_about_sessions(self):
        proxy = self.three()
        self.assertEqual(sorted(self.pids), self.pids_of("--user", self.user))
        self.assertEqual(sorted(self.pids * 2), self.pids_of())
        self.assertEqual(4, len(self.rows("--limit", "4")))
        self.assertEqual(6, len(self.rows("--backend", "a", "--listener", "imaps", "--address", "127.0.0.0/8")))
        self.assertEqual([], self.rows("--protocol", "pop3"))
        row = next(row for row in self.rows("--user", self.user) if row["pid"] == self.pids[0])
        self.assertEqual([(row["id"], row["pid"])], [(each["id"], each["pid"]) for each in self.rows("--id", row["id"])])
        status = proxy.ctl("status")
        self.assertEqual((6, 6), (status["sessions"], status["phases"]["relay"]))
        self.assertEqual(sorted((pid, 2) for pid in self.pids[:2]),
                         sorted((each["pid"], each["sessions"]) for each in status["predecessors"]))
        self.assertEqual({"a": 6, "b": 0}, {each["name"]: each["sessions"] for each in proxy.ctl("backends")["backends"]})
        self.assertEqual({"imaps": 6}, {each["name"]: each["open"] for each in proxy.ctl("listeners")["listeners"] if each["open"]})
        wait_for(lambda: (proxy.metrics().sum("postigo_predecessors"), proxy.metrics().sum("postigo_predecessor_sessions"))
                 == (2, 4), PATIENCE, "the gauges")
        for wire in self.wires[:2] + self.others[:2]:
            wire.close()
        self.they_end()
        self.assertEqual(0, proxy.metrics().sum("postigo_predecessors"))
        self.assertEqual([self.pids[2]] * 2, self.pids_of())

    def test_users_with_affinity(self):
        proxy = self.three(pool=TOGETHER)
        rows = {row["user"]: row["sessions"] for row in proxy.ctl("users")["users"]}
        self.assertEqual({self.user: 3, self.other: 3}, rows)

    def test_also_after_an_upgrade_that_failed(self):
        self.three()
        self.install("exit 3")
        self.assertIn("exit code 3", self.refused())
        self.assertEqual(sorted(self.pids * 2), self.pids_of())
        self.install()
        self.upgrade()
        self.assertEqual(sorted(self.pids[:3] * 2), self.pids_of())

    def test_one_that_is_killed_is_gone(self):
        self.three()
        os.kill(self.pids[0], signal.SIGKILL)
        wait_for(lambda: self.pids_of() == sorted(self.pids[1:] * 2), PATIENCE, "the others' sessions")
        self.assertEqual(2, self.proxy.ctl("kick", "--user", self.user)["ended"])
        self.hears_bye(*self.wires[1:])

    def test_one_that_hangs_is_told_of_and_nobody_waits_for_it(self):
        proxy = self.three()
        os.kill(self.pids[1], signal.SIGSTOP)
        self.addCleanup(os.kill, self.pids[1], signal.SIGCONT)
        started = time.monotonic()
        answer = proxy.ctl("who", "--user", self.user)
        self.assertEqual(sorted([self.pids[0], self.pids[2]]), sorted(row["pid"] for row in answer["sessions"]))
        line, = answer["missing"]
        self.assertRegex(line, f"process {self.pids[1]} .*does not answer")
        self.assertEqual(1, len(proxy.ctl("status")["missing"]))
        gone = proxy.ctl("kick", "--user", self.user)
        self.assertEqual((2, 1), (gone["ended"], len(gone["missing"])))
        self.assertLess(time.monotonic() - started, 30)
        # Nobody knows whether they have sessions there: they stay where they are.
        proxy.ctl("flush", "a", "--to", "b", "--max", "8s")
        wait_for(lambda: proxy.ctl("flush")["state"] == "done", 3 * PATIENCE, "the end of the flush")
        progress = proxy.ctl("flush")
        self.assertEqual((0, progress["users"]), (progress["moved"], progress["failed"]))
        self.assertIn(f"process {self.pids[1]} ", progress["failures"][-1])
        self.assertEqual("a", proxy.ctl("route", self.user)["backends"][0]["name"])
        os.kill(self.pids[1], signal.SIGCONT)
        wait_for(lambda: "missing" not in proxy.ctl("who"), PATIENCE, "its answer")
        # What nobody waited for any more was not done.
        self.assertEqual([self.pids[1]], self.pids_of("--user", self.user))


class Ended(Predecessors):
    def test_kick(self):
        proxy = self.three()
        self.assertEqual(3, proxy.ctl("kick", "--user", self.user)["ended"])
        self.hears_bye(*self.wires)
        wait_for(lambda: self.pids_of() == sorted(self.pids), PATIENCE, "the others only")
        gone = proxy.ctl("kick", "--listener", "imaps", "--over", "3s")
        self.assertEqual((0, 3), (gone["ended"], gone["leaving"]))
        self.hears_bye(*self.others)
        self.they_end()

    def test_drain(self):
        """And taken back before anybody had to go: who began before the upgrades stays, too."""
        proxy = self.three()
        self.assertEqual({"sessions": 6}, proxy.ctl("drain", "--over", "1h"))
        self.assertEqual({"sessions": 6}, proxy.ctl("undrain"))
        for wire in self.others:
            wire.ok("NOOP")
        self.assertEqual({"sessions": 6}, proxy.ctl("drain", "--over", "1s"))
        self.hears_bye(*self.wires, *self.others)
        self.they_end()

    def test_t65_hold_reaches_a_login_that_the_old_one_has_greeted(self):
        proxy = self.make(pool=SHARDS, routing=HOME_A, limits=LIMITS.format("60s"))
        greeted = Imap.open(proxy, "implicit")
        self.addCleanup(greeted.close)
        self.upgrade()
        self.assertNotIn("missing", proxy.ctl("hold", self.user))
        greeted.send(f"a LOGIN {self.user} {PASSWORD}\r\n")
        self.assertTrue(greeted.quiet(2))
        self.assertTrue(proxy.ctl("release", self.user)["released"])
        self.assertTrue(greeted.until("a")[-1].startswith(b"a OK"))
        self.assertEqual([self.pids[0]], self.pids_of("--user", self.user))

    def test_a_backend_that_is_taken_down(self):
        proxy = self.three()
        self.assertEqual(6, proxy.ctl("backend", "a", "down")["ended"])
        self.hears_bye(*self.wires, *self.others)
        self.they_end()

    def test_t65_a_user_whose_session_is_in_the_oldest_is_moved(self):
        proxy = self.three(login_timeout="10s")
        self.wires[1].close()
        self.wires[2].close()
        wait_for(lambda: self.pids_of("--user", self.user) == [self.pids[0]], PATIENCE, "the oldest's only")
        answer = proxy.ctl("move", self.user, "b", "--kick")
        self.assertEqual(1, answer["ended"])
        self.hears_bye(self.wires[0])
        self.assertEqual("b", self.served_by(self.user))
        self.assertEqual(sorted(self.pids), self.pids_of("--user", self.other))

    def test_t65_a_login_that_the_old_one_has_greeted_does_not_go_to_where_he_was(self):
        proxy = self.make(pool=SHARDS, routing=HOME_A, limits=LIMITS.format("12s"))
        idle = self.idle(1)
        greeted = Imap.open(proxy, "implicit")
        self.addCleanup(greeted.close)
        self.upgrade()
        proxy.ctl("move", self.user, "b", "--kick")
        self.hears_bye(*idle)
        greeted.send(f"a LOGIN {self.user} {PASSWORD}\r\n")
        self.assertEqual("b", self.served_by(self.user))
        self.assertNotIn(b"a OK", greeted.rest())

    def test_a_backend_is_emptied(self):
        proxy = self.three()
        users = [platform.fresh_user() for _ in range(3)]
        for user in users:  # only where they are now
            self.addCleanup(Imap.open(proxy, "implicit").logged_in(user, PASSWORD).close)
        proxy.ctl("flush", "a", "--to", "b")
        wait_for(lambda: proxy.ctl("flush")["state"] == "done", PATIENCE, "the end of the flush")
        progress = proxy.ctl("flush")
        self.assertEqual((5, 5, 9), (progress["users"], progress["moved"], progress["ended"]))
        self.hears_bye(*self.wires, *self.others)
        wait_for(lambda: not self.rows("--backend", "a"), PATIENCE, "nobody at a")
        self.assertEqual("b", self.served_by(self.user))
        self.they_end()

    def test_nobody_takes_over_while_a_backend_is_emptied(self):
        """Also when nobody is being moved just then."""
        proxy = self.make(pool=SHARDS, routing=HOME_A, limits=LIMITS.format("60s"))
        for _ in range(12):
            self.addCleanup(Imap.open(proxy, "implicit").logged_in(platform.fresh_user(), PASSWORD).close)
        proxy.ctl("flush", "a", "--to", "b", "--rate", "1")
        def between():
            progress = proxy.ctl("flush")
            return progress["moved"] >= 1 and progress["under_way"] == 0
        wait_for(between, PATIENCE, "a moment between two users")
        self.assertIn("users are being moved", self.refused())
        proxy.ctl("flush", "--stop")

    def test_whom_a_process_does_not_know(self):
        proxy = self.three()
        self.assertEqual(0, proxy.ctl("kick", "--user", "nobody")["ended"])
        for words in (("kick",), ("who", "--address", "10.0.0.1/8")):
            done = subprocess.run([postigo(), "ctl", "--socket", proxy.admin_socket, *words], capture_output=True, text=True,
                                  timeout=90, check=False)
            self.assertEqual((1, 1), (done.returncode, len(done.stderr.splitlines())), done)
        self.assertEqual(sorted(self.pids * 2), self.pids_of())


class Remembered(Succession):
    """What the one before knew counts for the next one, too."""

    def setUp(self):
        self.user = platform.fresh_user()

    def backend_of(self, user):
        """Where a login of now goes."""
        with Imap.open(self.proxy) as wire:
            wire.logged_in(user, PASSWORD)
            client = "{}:{}".format(*wire.socket.getsockname()[:2])
            return next(row["backend"] for row in self.proxy.ctl("who", "--user", user)["sessions"] if row["client"] == client)

    def test_t65_a_session_in_an_old_process_binds_its_user(self):
        """Also where the backend takes nobody new; and when it ends he is free."""
        proxy = self.make(pool=TOGETHER, limits=LIMITS.format("60s"))
        idle, = self.idle(1)
        home = proxy.ctl("who", "--user", self.user)["sessions"][0]["backend"]
        other = "b" if home == "a" else "a"
        for _ in range(2):
            self.upgrade()
        proxy.ctl("backend", home, "drain")

        def comes_home():
            time.sleep(1)  # a login of before that is still ending would hold him where it was
            return self.backend_of(self.user) == home

        wait_for(comes_home, 3 * PATIENCE, "the bond of a session elsewhere")
        idle.close()
        wait_for(lambda: self.backend_of(self.user) == other, 4 * PATIENCE, "the end of the bond")

    def test_the_last_session_elsewhere_ends_while_somebody_is_moved(self):
        proxy = self.make(pool=TOGETHER, limits=LIMITS.format("60s").replace("200ms\"\nlogin", "10s\"\nlogin"))
        idle, = self.idle(1)
        home = proxy.ctl("who", "--user", self.user)["sessions"][0]["backend"]
        self.upgrade()

        def is_held():
            return "hold him" in proxy.ctl("move", self.user, home).get("note", "")
        wait_for(is_held, 3 * PATIENCE, "the bond of a session elsewhere")
        other = platform.fresh_user()
        self.addCleanup(Imap.open(proxy).logged_in(other, PASSWORD).close)
        moving = subprocess.Popen([postigo(), "ctl", "--socket", proxy.admin_socket, "move", other,
                                   "b" if self.backend_of(other) == "a" else "a", "--kick"], stdout=subprocess.DEVNULL)
        idle.close()
        self.assertEqual(0, self.ends(self.pids[0]))
        self.assertEqual(0, moving.wait(4 * PATIENCE))
        wait_for(lambda: not is_held(), 4 * PATIENCE, "the end of the bond")

    def test_limits_of_sessions_are_not_doubled(self):
        proxy = self.make(limits=LIMITS.format("60s") + "\nsessions_per_user = 2")
        idle = self.idle(2)

        def refused():
            with Imap.open(proxy) as wire:
                return b"[LIMIT]" in wire.login(self.user, PASSWORD)[-1]
        self.assertTrue(refused())
        self.upgrade()
        wait_for(refused, 3 * PATIENCE, "their sessions to count")
        self.upgrade()
        wait_for(refused, 3 * PATIENCE, "their sessions to count two upgrades later")
        self.assertEqual(2, proxy.metrics().sum("postigo_most_sessions", kind="user"))
        idle[0].close()
        wait_for(lambda: not refused(), 4 * PATIENCE, "the place of a session that ended")
        idle[1].close()
        wait_for(lambda: proxy.metrics().sum("postigo_most_sessions", kind="user") == 0, 4 * PATIENCE, "no session")

    def test_penalties_and_who_is_known(self):
        proxy = self.make(limits=LIMITS.format("60s"), penalty='[penalty]\nfree = 3\ndelay = "5s"\ndelay_max = "10s"\n'
                          'forget = "10m"\nexempt = []')
        with Imap.open(proxy, source="127.0.0.9") as wire:
            wire.logged_in(self.user, PASSWORD)
        for number in range(3):
            with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
                self.assertIn(b"NO", wire.login("somebody", f"wrong{number}")[-1])
        before = proxy.ctl("penalties")["penalties"]
        self.assertEqual({"127.0.0.9/32", "somebody"}, {row["whom"] for row in before})
        for _ in range(2):
            self.upgrade()
            self.ends(self.pids[-2])
        after = {row["whom"]: row for row in proxy.ctl("penalties")["penalties"]}
        self.assertEqual({row["whom"] for row in before}, set(after))
        for row in before:
            self.assertAlmostEqual(row["failures"], after[row["whom"]]["failures"], delta=0.7)
        with Imap.open(proxy, mode="off", source="127.0.0.9") as wire:
            wire.login("somebody", "one more")
        stranger = platform.fresh_user()
        for user in (self.user, stranger):
            with Imap.open(proxy, source="127.0.0.9") as wire:
                wire.logged_in(user, PASSWORD)
        self.assertIn("delayed", proxy.wait_lines("login", user=stranger)[0])
        self.assertEqual([False, False], ["delayed" in line for line in proxy.wait_lines("login", 2, user=self.user)])


if __name__ == "__main__":
    unittest.main()
