"""Operators send users elsewhere: orders, holds, kicks and whole servers emptied; nobody is at two servers at once."""

import os
import subprocess
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, wait_for
from tests.e2e.harness.postigo import postigo
from tests.e2e.harness.users import HOME_A, SHARDS, TOGETHER, Users
from tests.fakes.backend import FakeBackend, imap_server

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


QUICK = '[limits]\nauth_failure_delay = "200ms"\nmove_delay = "{}"'


class Moves(Users):
    def door(self, backends=None, pool=SHARDS, routing=HOME_A, delay="200ms", **sections):
        """Everybody lives at a."""
        sections.setdefault("limits", QUICK.format(delay))
        proxy = platform.postigo(backends, pool=pool, routing=routing if pool == SHARDS else "", **sections)
        self.addCleanup(proxy.kill)
        return proxy

    def served_by(self, proxy, user):
        """Where a login of now ends."""
        with Imap.open(proxy) as wire:
            wire.logged_in(user, PASSWORD)
            rows = proxy.ctl("who", "--user", user)["sessions"]
            mine = f"{wire.socket.getsockname()[0]}:{wire.socket.getsockname()[1]}"
            return next(row["backend"] for row in rows if row["client"] == mine)

    @staticmethod
    def refused(proxy, *words):
        done = subprocess.run([postigo(), "ctl", "--socket", proxy.admin_socket, *words], capture_output=True, text=True,
                              timeout=90, check=False)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
        return done.stderr.strip()


class Orders(Moves):
    def test_to_a_backend_a_shard_and_back(self):
        proxy, user = self.door(), platform.fresh_user()
        self.assertEqual("a", self.served_by(proxy, user))
        for to in ("b", "main/b"):
            answer = proxy.ctl("move", user.upper(), to)
            self.assertEqual((user, 0), (answer["user"], answer["ended"]))
            self.assertEqual("b", self.served_by(proxy, user))
            self.assertEqual("b", proxy.ctl("route", user)["backends"][0]["name"])
            self.assertIn("operator", proxy.ctl("route", user)["reason"])
            self.assertEqual("a", self.served_by(proxy, platform.fresh_user()))
            self.assertEqual([user], [row["user"] for row in proxy.ctl("users", "--off-home")["users"]])
            proxy.ctl("move", user, "auto")
            self.assertEqual("a", self.served_by(proxy, user))
        self.assertEqual([], proxy.ctl("users")["users"])

    def test_whom_a_directory_has_placed_is_at_home(self):
        """Affinity remembers both: one where the directory has put him, the other one where an order has."""
        placed, moved = platform.fresh_user(), platform.fresh_user()
        entry = '[[directory.user]]\nname = "%s"\nshard = "b"\n'
        proxy = self.door(pool=SHARDS + "\naffinity = true", routing="",
                          more='[[directory]]\ntype = "static"\n' + entry % placed + entry % moved)
        proxy.ctl("move", moved, "a")
        for user, backend in ((placed, "b"), (moved, "a")):
            self.assertEqual(backend, self.served_by(proxy, user))
        self.assertEqual([moved], [row["user"] for row in proxy.ctl("users", "--off-home")["users"]])
        self.assertEqual({placed, moved}, {row["user"] for row in proxy.ctl("users")["users"]})

    def test_a_backend_of_his_shard(self):
        proxy, user = self.door(pool=TOGETHER.replace("affinity = true", "")), platform.fresh_user()
        self.assertEqual("a", self.served_by(proxy, user))
        proxy.ctl("move", user, "b")
        self.assertEqual("b", self.served_by(proxy, user))

    def test_how_long_they_last(self):
        folder = platform.scratch()
        proxy = self.door(server='[server]\nhostname = "h"\nworkers = 2\nstate_file = "%s/state"' % folder)
        once, timed, short, always, back = (platform.fresh_user() for _ in range(5))
        proxy.ctl("move", once, "b")
        self.assertGreater(proxy.ctl("move", timed, "b", "--for", "1h")["until_s"], time.time() + 3000)
        proxy.ctl("move", short, "b", "--for", "2s")
        proxy.ctl("move", always, "b", "--permanent")
        proxy.ctl("move", back, "b", "--permanent")
        proxy.ctl("move", back, "auto")
        proxy.ctl("reload")
        for user in (once, timed, always):
            self.assertEqual("b", self.served_by(proxy, user))
        proxy.stop()
        time.sleep(2)
        proxy.start()
        self.assertEqual(["a", "b", "a", "b", "a"],
                         [self.served_by(proxy, user) for user in (once, timed, short, always, back)])
        proxy.stop()

    def test_an_upgrade_takes_them_along_and_waits_for_holds(self):
        proxy, user = self.door(), platform.fresh_user()
        proxy.ctl("move", user, "b")
        proxy.ctl("hold", "somebody")
        self.assertIn("on hold", self.refused(proxy, "upgrade"))
        proxy.ctl("release", "somebody")
        successor = proxy.ctl("upgrade")["pid"]
        try:
            self.assertEqual("b", self.served_by(proxy, user))
        finally:
            proxy.kill()
            os.kill(successor, 9)

    def test_a_shard_that_is_gone_holds_nobody(self):
        proxy, user = self.door(), platform.fresh_user()
        proxy.ctl("move", user, "b")
        proxy.write(pool='[[pool]]\nname = "main"\nbackends = ["a"]')
        proxy.ctl("reload")
        self.assertEqual("a", self.served_by(proxy, user))

    def test_what_makes_no_sense(self):
        proxy = self.door()
        self.assertIn('no backend or shard "zzz"', self.refused(proxy, "move", "u", "zzz"))
        self.assertIn("either", self.refused(proxy, "move", "u", "b", "--for", "1h", "--permanent"))
        self.assertIn("auto", self.refused(proxy, "move", "u", "auto", "--permanent"))
        self.assertIn("10m", self.refused(proxy, "hold", "u", "--max", "1h"))
        self.assertIn("hook_folder", self.refused(proxy, "flush", "a", "--to", "b", "--hook", "x"))
        self.assertIn("--to", self.refused(proxy, "flush", "a"))
        self.assertIn("no backend", self.refused(proxy, "flush", "zzz"))


class Transition(Moves):
    """A shard that is new, or goes, by times in the file: what is not yet, what is half done, what is over."""

    def shares(self, begins, ends):
        """How many of 60 users live at b, if it comes in the place of a between these hours from now."""
        def moment(hours):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))
        change = f"transition = {{ weight = %s, from = {moment(begins)}, until = {moment(ends)} }}\n"
        pool = ('[[pool]]\nname = "main"\n[[pool.shard]]\nname = "a"\nbackends = ["a"]\nweight = 1.0\n' + change % "0"
                + '[[pool.shard]]\nname = "b"\nbackends = ["b"]\nweight = 0\n' + change % "1.0")
        self.proxy.write(pool=pool)
        self.proxy.ctl("reload")
        homes = [self.proxy.ctl("route", f"user{i}")["shard"] for i in range(60)]
        self.assertEqual(homes[:3], [self.proxy.tool("route", f"user{i}").stdout.split("shard:")[1].split()[0] for i in range(3)])
        return homes.count("b")

    def test_by_the_clock(self):
        self.proxy = self.door(routing="")
        self.assertEqual(0, self.shares(1, 2))
        self.assertTrue(10 < self.shares(-1, 1) < 50)
        self.assertEqual(60, self.shares(-2, -1))
        user = platform.fresh_user()
        self.assertEqual("b", self.served_by(self.proxy, user))


class Holds(Moves):
    def waiting(self, proxy, user, kind=Imap):
        """A login that has been sent and is not answered."""
        wire = kind.open(proxy)
        self.addCleanup(wire.close)
        if kind is Pop3:
            wire.ok(f"USER {user}")
        wire.send(f"x LOGIN {user} {PASSWORD}\r\n" if kind is Imap else f"PASS {PASSWORD}\r\n")
        self.assertTrue(wire.quiet(0.7))
        return wire

    def test_t65_logins_wait_and_go_on(self):
        proxy, user, other = self.door(), platform.fresh_user(), platform.fresh_user()
        open_already = self.enter(proxy, user)
        proxy.ctl("hold", user)
        imap, pop3 = self.waiting(proxy, user), self.waiting(proxy, user, Pop3)
        self.assertEqual(2, proxy.metrics().sum("postigo_logins_held"))
        self.assertTrue(proxy.ctl("route", user)["on_hold"])
        self.assertEqual("a", self.served_by(proxy, other))
        open_already.ok("NOOP")
        proxy.ctl("move", user, "b")
        self.assertTrue(proxy.ctl("release", user)["released"])
        self.assertRegex(imap.until("x")[-1], b"^x OK")
        self.assertRegex(pop3.line(), rb"^\+OK")
        self.assertEqual(2, len(platform.b.logins(user)))
        self.assertEqual(0, proxy.metrics().sum("postigo_logins_held"))
        self.assertFalse(proxy.ctl("release", user)["released"])

    def test_a_hold_ends_by_itself(self):
        proxy, user = self.door(), platform.fresh_user()
        proxy.ctl("hold", user, "--max", "2s")
        self.assertRegex(self.waiting(proxy, user).until("x")[-1], b"^x OK")

    def test_t66_who_waits_too_long_is_told_to_try_later(self):
        proxy = self.door(limits=QUICK.format("0s") + '\nlogin_timeout = "3s"')
        user = platform.fresh_user()
        proxy.ctl("hold", user)
        wire = self.waiting(proxy, user)
        self.assertRegex(wire.until("x")[-1], rb"^x NO \[UNAVAILABLE\]")
        gone = self.waiting(proxy, user)
        gone.reset()
        wait_for(lambda: proxy.metrics().sum("postigo_logins_refused_total", reason="aborted") == 1, what="the end of it")
        scrape = proxy.metrics()
        self.assertEqual(1, scrape.sum("postigo_logins_refused_total", reason="on_hold"))
        self.assertEqual(2, scrape.sum("postigo_auth_attempts_total"))
        self.assertEqual(0, scrape.sum("postigo_logins_held"))


class Kicks(Moves):
    def test_t65_nobody_comes_to_the_new_server_before_the_old_one_has_finished(self):
        """Who has been let go comes again at once, and many times; the new server sees nobody for as long as that takes."""
        ended, begun = [], []

        def login(which):
            def script(peer, tag):
                begun.append((which, time.monotonic()))
                peer.send(f"{tag} OK in\r\n")
            return script

        def at_a(peer):
            try:
                imap_server(login=login("a"))(peer)
            finally:
                ended.append(time.monotonic())
        a, b = FakeBackend(imap=at_a), FakeBackend(imap=imap_server(login=login("b")))
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        proxy = self.door({"a": a, "b": b}, delay="2s")
        wires = [self.enter(proxy, "u") for _ in range(3)]
        over = threading.Event()

        def come_again(wire):
            wire.rest()
            while not over.is_set():
                with Imap.open(proxy) as again:
                    if again.login("u", PASSWORD)[-1].startswith(b"OK"):
                        return
        threads = [threading.Thread(target=come_again, args=(wire,)) for wire in wires]
        for thread in threads:
            thread.start()
        other = self.enter(proxy, "v")
        answer = proxy.ctl("move", "u", "b", "--kick")
        self.assertEqual(3, answer["ended"])
        for thread in threads:
            thread.join(60)
        over.set()
        other.ok("NOOP")
        arrivals = [when for which, when in begun if which == "b"]
        self.assertEqual(3, len(arrivals))
        left = sorted(ended)[2]
        self.assertGreater(min(arrivals) - left, 1.5, "the old server had no time to finish")
        self.assertEqual(1, proxy.metrics().sum("postigo_user_moves_total", result="moved"))

    def test_the_affinity_of_a_session_is_moved_with_it(self):
        proxy, user = self.door(pool=TOGETHER), platform.fresh_user()
        self.enter(proxy, user)
        note = proxy.ctl("move", user, "b")["note"]
        self.assertIn("--kick", note)
        self.assertEqual("a", self.served_by(proxy, user))
        self.assertEqual(1, proxy.ctl("move", user, "b", "--kick")["ended"])
        self.enter(proxy, user)
        self.assertEqual({"b"}, self.places(proxy, user))
        row = proxy.ctl("users", "--off-home")["users"][0]
        self.assertEqual((user, "b", "a", 1), (row["user"], row["backend"], row["home"], row["sessions"]))


class Flush(Moves):
    def finished(self, proxy):
        return wait_for(lambda: (said := proxy.ctl("flush"))["state"] == "done" and said, 60, what="the end of the flush")

    def test_a_server_is_emptied(self):
        proxy = self.door(pool=TOGETHER)
        users = [platform.fresh_user() for _ in range(12)]
        wires = {user: self.enter(proxy, user) for user in users}
        asleep = platform.fresh_user()
        self.enter(proxy, asleep).ok("LOGOUT")  # only his affinity is there
        self.assertEqual("none", proxy.ctl("flush")["state"])
        self.assertEqual(13, proxy.ctl("flush", "a", "--max-parallel", "4", "--rate", "50")["users"])
        said = self.finished(proxy)
        self.assertEqual((13, 0, 12, "b"), (said["moved"], said["failed"], said["ended"], said["to"]))
        for user, wire in wires.items():
            self.assertIn(b"BYE", wire.rest())
            self.assertEqual("b", self.served_by(proxy, user))
        self.assertEqual("b", self.served_by(proxy, asleep))
        states = {row["name"]: row["state"] for row in proxy.ctl("backends")["backends"]}
        self.assertTrue(states["a"].startswith("drain"), states)
        self.assertEqual(0, proxy.metrics().sum("postigo_backend_sessions", backend="a"))
        self.assertEqual(1, len(proxy.lines("flushed", backend="a")))

    def flushing(self, text):
        """A door whose users are carried over by that script."""
        folder = platform.scratch("hooks")
        path = os.path.join(folder, "carry")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + text.replace("FOLDER", folder))
        os.chmod(path, 0o755)
        proxy = platform.postigo(start=False, pool=SHARDS, routing=HOME_A, limits=QUICK.format("200ms"))
        self.addCleanup(proxy.kill)
        proxy.write(admin=proxy.sections["admin"] + f'\nhook_folder = "{folder}"')
        return proxy.start(), folder

    def test_a_hook_carries_mailboxes_over(self):
        """While it runs his logins wait; where it fails he stays where he is, and is told of."""
        good, bad, late = (platform.fresh_user() for _ in range(3))
        proxy, folder = self.flushing(f'echo "$@" >> FOLDER/done\nenv > FOLDER/env\n[ $1 = {bad} ] && exit 3\n'
                                      f'[ $1 = {late} ] && sleep 600\nsleep 1\nexit 0\n')
        for user in (good, bad, late):
            self.enter(proxy, user)
        proxy.ctl("flush", "a", "--to", "b", "--hook", "carry", "--max", "5s")
        wait_for(lambda: os.path.exists(os.path.join(folder, "done")), what="the hook")
        said = self.finished(proxy)
        self.assertEqual((1, 2), (said["moved"], said["failed"]), said)
        self.assertIn(f"{bad}: the hook ended with exit code 3", said["failures"])
        self.assertIn("signal 9", "".join(line for line in said["failures"] if line.startswith(late)))
        self.assertEqual(["b", "a", "a"], [self.served_by(proxy, user) for user in (good, bad, late)])
        with open(os.path.join(folder, "done"), encoding="ascii") as file:
            self.assertEqual(sorted(f"{user} a b\n" for user in (good, bad, late)), sorted(file))
        with open(os.path.join(folder, "env"), encoding="ascii") as file:
            self.assertLessEqual({line.split("=")[0] for line in file}, {"PATH", "PWD", "_", "SHLVL", "OLDPWD"})
        self.assertEqual(2, len(proxy.lines("move_failed")))
        self.assertEqual(0, proxy.ctl("flush")["under_way"])

    def test_the_end_of_the_process_leaves_nobody_half_way(self):
        user = platform.fresh_user()
        proxy, folder = self.flushing("echo $$ > FOLDER/pid\nexec sleep 600\n")
        self.enter(proxy, user)
        proxy.ctl("flush", "a", "--to", "b", "--hook", "carry")
        pid_file = os.path.join(folder, "pid")
        wait_for(lambda: os.path.exists(pid_file) and os.path.getsize(pid_file), what="the hook")
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
        proxy.stop()
        wait_for(lambda: not alive(pid), what="the end of the hook")
        proxy.start()
        self.assertEqual("a", self.served_by(proxy, user))

    def test_it_can_be_stopped(self):
        proxy, folder = self.flushing("sleep 1\n")
        for _ in range(6):
            self.enter(proxy, platform.fresh_user())
        proxy.ctl("flush", "a", "--to", "b", "--hook", "carry", "--max-parallel", "1")
        self.assertIn("another flush", self.refused(proxy, "flush", "a", "--to", "b"))
        wait_for(lambda: proxy.ctl("flush")["under_way"] == 1, what="the first one")
        proxy.ctl("flush", "--stop")
        said = self.finished(proxy)
        self.assertTrue(0 < said["moved"] < 6, said)
        self.assertTrue(os.path.isdir(folder))

    def test_to_stop_begins_nothing(self):
        proxy = self.door(pool=TOGETHER)
        wire = self.enter(proxy, platform.fresh_user())
        self.assertEqual("none", proxy.ctl("flush", "--stop")["state"])
        self.assertIn("not being emptied", self.refused(proxy, "flush", "a", "--stop"))
        wire.ok("NOOP")
        self.assertEqual("none", proxy.ctl("flush")["state"])

    def test_who_was_moved_for_good_stays_moved_after_a_restart(self):
        """Also if nobody asks for anything behind the flush, and the process is killed."""
        state = os.path.join(platform.scratch("state"), "state.json")
        proxy = self.door(server=f'[server]\nhostname = "h"\nstate_file = "{state}"')
        users = [platform.fresh_user() for _ in range(3)]
        for user in users:
            self.enter(proxy, user)
        proxy.ctl("flush", "a", "--to", "b")
        self.assertEqual(3, self.finished(proxy)["moved"])
        wait_for(lambda: all(user in read(state) for user in users), what="the orders in the state file")
        proxy.kill()
        proxy.start()
        self.assertEqual({"b"}, {self.served_by(proxy, user) for user in users})

    def test_a_target_that_a_reload_takes_away_ends_it(self):
        proxy, _ = self.flushing("sleep 1\n")
        users = [platform.fresh_user() for _ in range(5)]
        for user in users:
            self.enter(proxy, user)
        proxy.ctl("flush", "a", "--to", "b", "--hook", "carry", "--max-parallel", "1")
        wait_for(lambda: proxy.ctl("flush")["under_way"] == 1, what="the first one")
        proxy.ctl("backend", "b", "down")
        said = self.finished(proxy)
        self.assertEqual(5, said["moved"] + said["failed"], said)
        self.assertGreater(said["failed"], 0)
        self.assertIn("no backend any more", said["failures"][-1])

    def test_what_makes_no_sense_is_refused(self):
        proxy = self.door(pool=TOGETHER)
        for words, said in ((("flush", "a", "--rate", "0"), "rate: at least 1"),
                            (("flush", "a", "--max", "0s"), "max: from 1s"),
                            (("flush", "a", "--max-parallel", "0"), "max-parallel: from 1"),
                            (("flush", "a", "--to", "a"), "there already"),
                            (("flush", "a", "--to", "b", "--for", "0s"), "for: longer than nothing"),
                            (("move", "ann", "b", "--for", "0s"), "for: longer than nothing")):
            self.assertIn(said, self.refused(proxy, *words))
        self.assertEqual([], proxy.ctl("users")["users"])


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def alive(pid):
    """A zombie that nobody waits for counts as gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    unittest.main()
