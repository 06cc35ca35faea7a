"""Another process takes the place of the one that serves: an upgrade, a takeover, sockets from systemd. Nobody notices."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, free_ports, postigo, sanitized, wait_for
from tests.e2e.harness.succession import PATIENCE, Succession, server
from tests.fakes.backend import FakeBackend, imap_server

platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)
    Succession.on(platform)


class Upgrade(Succession):
    def setUp(self):
        self.user = platform.fresh_user()

    def test_sessions_stay_and_new_ones_are_the_successors(self):
        proxy = self.make()
        old = self.log_in()
        old.ok("SELECT INBOX")
        old.send("i IDLE\r\n")
        self.assertTrue(old.line().startswith(b"+"))
        first, = self.pids
        second = self.upgrade()
        self.assertEqual(second, proxy.wait_lines("handed_over")[0]["pid"])
        old.send("DONE\r\n")
        self.assertTrue(old.until("i")[-1].startswith(b"i OK"))
        old.ok("NOOP")
        with self.log_in() as fresh:
            fresh.ok("NOOP")
        self.assertIsNone(self.code(first))
        self.assertTrue(proxy.ready())
        self.assertEqual(1, proxy.ctl("status")["phases"]["relay"], "the one before counts, too")
        old.ok("LOGOUT")
        old.close()
        self.assertEqual(0, self.ends(first))
        self.assertIsNone(self.code(second))
        with self.log_in("off") as again:
            again.ok("NOOP")

    def test_by_signal(self):
        proxy = self.make()
        proxy.program.signal(signal.SIGUSR2)
        self.pids.append(proxy.wait_lines("handed_over", cause="SIGUSR2")[0]["pid"])
        self.assertEqual(0, self.ends(self.pids[0]))
        with self.log_in() as wire:
            wire.ok("NOOP")

    def test_a_login_under_way_is_ended_as_it_was_begun(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def slow(peer, tag, verb, rest):
            if verb == "LOGIN":
                gate.wait(20)
            return False

        fake = FakeBackend(imap=imap_server(command=slow))
        self.addCleanup(fake.stop)
        proxy = self.make({"fake": fake})
        greeted = Imap.open(proxy, "implicit")  # has said nothing yet
        self.addCleanup(greeted.close)
        waiting = Imap.open(proxy, "implicit")
        self.addCleanup(waiting.close)
        waiting.send("a LOGIN u p\r\n")
        wait_for(lambda: fake.peers, what="the login at the backend")
        self.upgrade()
        gate.set()
        self.assertTrue(waiting.until("a")[-1].startswith(b"a OK"))
        greeted.logged_in("u", "p").ok("NOOP")
        waiting.ok("LOGOUT")
        greeted.ok("LOGOUT")
        for wire in (waiting, greeted):
            wire.close()
        self.assertEqual(0, self.ends(self.pids[0]))

    def test_a_ticket_is_good_at_the_successor(self):
        proxy = self.make()
        context = ssl.create_default_context(cafile=proxy.ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # Python shows these tickets at once

        def handshake(session=None):
            with socket.create_connection((proxy.host, proxy.imaps), 5) as plain:
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as wrapped:
                    wrapped.recv(100)
                    return wrapped.session, wrapped.session_reused
        session, _ = handshake()
        self.assertTrue(handshake(session)[1])
        self.upgrade()
        self.ends(self.pids[0])
        self.assertTrue(handshake(session)[1])

    def test_orders_stand_without_a_state_file(self):
        proxy = self.make()
        name = next(iter(proxy.backends))
        proxy.ctl("backend", name, "drain")
        self.upgrade()
        self.ends(self.pids[0])
        row, = [row for row in proxy.ctl("backends")["backends"] if row["name"] == name]
        self.assertEqual("drain", row["state"])

    def test_more_workers_and_fewer(self):
        proxy = self.make()
        for workers in (4, 1, 3):
            proxy.write(server=server(workers))
            self.upgrade()
            self.ends(self.pids[-2])
            self.assertEqual(workers, proxy.ctl("status")["workers"])
            for _ in range(40):  # one queue that nobody accepts from would be hit
                with Imap.open(proxy, "off") as wire:
                    wire.ok("NOOP")

    def test_a_new_program_that_fails_changes_nothing(self):
        proxy = self.make(server=server(timeout="2s"))
        wire = self.log_in()
        before = proxy.program.pid
        for text, why in (("exit 3", "ended with exit code 3"), ("kill -9 $$", "ended by signal 9"),
                          ("exec sleep 60", "did not serve in time")):
            self.install(text)
            started = time.monotonic()
            self.assertRegex(self.refused(), "nothing is changed: the new program .*" + why)
            self.assertLess(time.monotonic() - started, 15)
            self.assertEqual([before], self.pids)
            wire.ok("NOOP")
            with self.log_in() as fresh:
                fresh.ok("NOOP")
        os.unlink(self.binary)
        self.assertRegex(self.refused(), "cannot start .*: No such file")
        self.install()
        proxy.write(limits="[limits]\nlogin_timout = 3")
        self.assertRegex(self.refused(), "ended with exit code 3")
        proxy.write(limits="")
        self.assertEqual(5, len(proxy.lines("upgrade_failed", cause="ctl")))
        self.upgrade()
        wire.ok("LOGOUT")
        wire.close()
        self.assertEqual(0, self.ends(before))

    def test_one_at_a_time_and_no_reload_meanwhile(self):
        proxy = self.make(server=server(timeout="3s"))
        self.install("exec sleep 60")
        first = threading.Thread(target=self.refused)
        first.start()
        proxy.wait_lines("upgrading")
        self.assertIn("an upgrade is under way", self.refused())
        proxy.program.signal(signal.SIGHUP)
        refusal = proxy.wait_lines("reload_refused")[0]
        self.assertEqual("an upgrade is under way", refusal["detail"])
        first.join(30)
        proxy.program.signal(signal.SIGHUP)
        proxy.wait_lines("reloaded")

    def test_what_the_successor_would_not_know_is_not_decided_meanwhile(self):
        proxy = self.make(server=server(timeout="60s"))
        enough = os.path.join(os.path.dirname(self.binary), "enough")
        self.install(f"while [ ! -e {enough} ]; do sleep 0.1; done; exit 5")
        first = threading.Thread(target=self.refused)
        first.start()
        self.addCleanup(first.join, 30)
        self.addCleanup(lambda: open(enough, "w", encoding="ascii").close())
        proxy.wait_lines("upgrading")
        home, user = proxy.ctl("backends")["backends"][0]["name"], self.platform.fresh_user()
        changes = (("move", user, home), ("move", user, home, "--kick"), ("hold", user), ("flush", home), ("drain",),
                   ("undrain",), ("backend", home, "drain"), ("forgive", user))
        for words in changes:
            done = subprocess.run([postigo(), "ctl", "--socket", proxy.admin_socket, *words], capture_output=True, text=True,
                                  timeout=90, check=False)
            self.assertEqual(1, done.returncode, words)
            self.assertIn("not now: an upgrade is under way", done.stderr, words)
        proxy.ctl("log", "level", "info")
        self.assertEqual("none", proxy.ctl("flush")["state"])
        open(enough, "w", encoding="ascii").close()
        first.join(30)
        self.assertEqual(user, proxy.ctl("hold", user)["user"])
        self.assertIn("on hold", self.refused())

    def test_the_old_program_is_killed_in_the_middle(self):
        """Nobody is left who serves but the new one: so it does."""
        proxy = self.make()
        self.install(f'sleep 1\nexec {postigo()} "$@"')
        asked = subprocess.Popen([postigo(), "ctl", "--socket", proxy.admin_socket, "upgrade"], stderr=subprocess.DEVNULL)
        proxy.wait_lines("upgrading")
        with open(f"/proc/{proxy.program.pid}/task/{proxy.program.pid}/children", encoding="ascii") as file:
            self.pids += [int(word) for word in file.read().split()]
        proxy.program.signal(signal.SIGKILL)
        asked.wait(20)
        wait_for(lambda: len(proxy.lines("ready")) == 2, PATIENCE, "the successor")
        with self.log_in() as wire:
            wire.ok("NOOP")

    def test_ctl_is_killed_in_the_middle(self):
        proxy = self.make()
        asked = subprocess.Popen([postigo(), "ctl", "--socket", proxy.admin_socket, "upgrade"])
        proxy.wait_lines("upgrading")
        asked.kill()
        asked.wait()
        self.pids.append(proxy.wait_lines("handed_over")[0]["pid"])
        self.assertEqual(0, self.ends(self.pids[0]))
        with self.log_in() as wire:
            wire.ok("NOOP")

    def test_the_old_one_lets_go_in_its_time(self):
        proxy = self.make(server=server(drain="3s"))
        wires = [self.log_in() for _ in range(6)]
        self.upgrade()
        started = time.monotonic()
        for wire in wires:
            self.assertIn(b"BYE", wire.rest())
        self.assertLess(time.monotonic() - started, 8)
        self.assertEqual(0, self.ends(self.pids[0]))
        self.assertEqual(6, len(proxy.sessions(reason="shutting_down")))

    def test_term_ends_the_old_one_too(self):
        proxy = self.make(server=server(drain_time="1s"))
        wire = self.log_in()
        self.upgrade()
        proxy.program.signal(signal.SIGTERM)
        self.assertIn(b"BYE", wire.rest())
        self.assertEqual(0, self.ends(self.pids[0]))
        with self.log_in() as fresh:
            fresh.ok("NOOP")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_as_the_account_that_it_has_become(self):
        """The successor is started by the account, not by root: what it needs has to be readable for that."""
        def open_up(proxy):
            for path in (os.path.dirname(self.binary), proxy.folder):
                os.chmod(path, 0o777)
            shutil.chown(platform.certificates.server[1], "nobody")
            self.addCleanup(shutil.chown, platform.certificates.server[1], "root")

        proxy = self.make(before=open_up, server=server(2, user="nobody"))
        wire = self.log_in()
        self.upgrade()
        wire.ok("NOOP")
        with self.log_in() as fresh:
            fresh.ok("NOOP")
        self.assertEqual(os.stat(f"/proc/{self.pids[-1]}").st_uid, 65534)
        with open(f"/proc/{self.pids[-1]}/status", encoding="ascii") as file:
            self.assertRegex(file.read(), r"NoNewPrivs:\s1\n")
        self.assertEqual([], proxy.lines("socket_unused"))
        wire.ok("LOGOUT")
        wire.close()
        self.assertEqual(0, self.ends(self.pids[0]))

    def test_a_secret_of_the_environment_goes_along(self):
        """The variable is overwritten once it was read; a successor needs it still."""
        os.environ["POSTIGO_TEST_MASTER"] = PASSWORD
        try:
            proxy = self.make(before=lambda proxy: proxy.tool("user", "add", self.user, "--password-stdin", input="x\n"),
                              auth=f"""[[directory]]
name = "users"
type = "sqlite"
check_password = true
path = "{platform.scratch()}/users.db"
[auth.backend_login]
mode = "master_authzid"
master_user = "master"
master_password_env = "POSTIGO_TEST_MASTER"
""")
        finally:
            del os.environ["POSTIGO_TEST_MASTER"]
        for _ in range(2):
            self.upgrade()
            self.ends(self.pids[-2])
        for pid in self.pids[-1:]:
            with open(f"/proc/{pid}/environ", "rb") as file:
                self.assertNotIn(PASSWORD.encode(), file.read())
        self.assertEqual("serving", proxy.ctl("status")["state"])


class UnderLoad(Succession):
    """T66: logins without a pause, sessions that wait in IDLE, ten upgrades: two of a program that crashes, one that hangs."""

    def setUp(self):
        self.user = platform.fresh_user()
        self.failed, self.served, self.stop = [], 0, threading.Event()

    def clients(self):
        modes = ("implicit", "starttls", "off")
        while not self.stop.is_set():
            for mode in modes:
                try:
                    with Imap.open(self.proxy, mode) as wire:
                        wire.logged_in(self.user, PASSWORD).ok("NOOP")
                        wire.ok("LOGOUT")
                    with Pop3.open(self.proxy, mode) as wire:
                        wire.logged_in(self.user, PASSWORD)
                    self.served += 2
                except (OSError, AssertionError) as error:
                    self.failed.append(repr(error))

    def test_t66_ten_upgrades(self):
        self.make(server=server(timeout="3s" if not sanitized() else "15s"))
        idle = self.idle(10)
        threads = [threading.Thread(target=self.clients) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(10):
                before = self.served
                if turn in (2, 6):
                    self.install("exit 1")
                    self.assertIn("exit code 1", self.refused())
                elif turn == 4:
                    self.install("exec sleep 100")
                    self.assertIn("in time", self.refused())
                else:
                    self.install()
                    self.upgrade()
                wait_for(lambda: self.served > before + 6, PATIENCE, "logins")
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual([], self.failed[:5])
        self.assertGreater(self.served, 100 if not sanitized() else 20)
        self.assertEqual(8, len(self.pids))
        self.nothing_was_lost(idle)
        print(f"{self.served} logins, 7 successors", end=" ", flush=True)


class Takeover(Succession):
    def setUp(self):
        self.user = platform.fresh_user()

    def second(self, *words, **options):
        process = subprocess.Popen([postigo(), "serve", *words, "-c", self.proxy.file], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, **options)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def test_a_second_one_takes_over(self):
        proxy = self.make()
        wire = self.log_in()
        second = self.second("--takeover")
        told = proxy.wait_lines("handed_over", cause="takeover")[0]
        self.assertEqual(second.pid, told["pid"])
        wire.ok("NOOP")
        with self.log_in() as fresh:
            fresh.ok("NOOP")
        wire.ok("LOGOUT")
        wire.close()
        self.assertEqual(0, self.ends(proxy.program.pid))
        with self.log_in() as fresh:
            fresh.ok("NOOP")
        second.terminate()
        self.assertEqual(0, second.wait(20))

    def test_without_the_word_the_ports_stay_exclusive(self):
        self.make()
        second = self.second()
        said, _ = second.communicate(timeout=20)
        self.assertEqual(1, second.returncode)
        self.assertIn("address already in use", said)

    def test_where_nobody_runs_it_starts(self):
        proxy = self.make()
        proxy.program.signal(signal.SIGTERM)
        self.assertEqual(0, self.ends(proxy.program.pid))
        second = self.second("--takeover")
        wait_for(proxy.ready, PATIENCE, "the start")
        with self.log_in() as fresh:
            fresh.ok("NOOP")
        second.terminate()
        self.assertEqual(0, second.wait(20))

    def test_without_a_socket_there_is_no_way(self):
        proxy = self.make()
        proxy.write(admin=f'[admin]\naddress = "127.0.0.1:{proxy.admin}"')
        second = self.second("--takeover")
        said, _ = second.communicate(timeout=20)
        self.assertEqual(1, second.returncode)
        self.assertRegex(said, "cannot start: --takeover needs .admin. socket")

    def test_the_keys_are_for_this_account_and_root_only(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        proxy = self.make()
        os.chmod(proxy.admin_socket, 0o666)
        group = os.stat(proxy.admin_socket).st_gid
        code = ("import socket, os\n"
                f"s = socket.socket(socket.AF_UNIX); s.connect({proxy.admin_socket!r})\n"
                "s.sendall(b'POST /api/v1/succession HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n')\n"
                "print(s.recv(4000))")
        said = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, check=False, timeout=20,
                              user=65534, group=group, extra_groups=[]).stdout
        self.assertIn("409", said)
        self.assertEqual([], proxy.lines("upgrading"))


class Activation(Succession):
    """Sockets that systemd opened: by address, or by name."""

    def activated(self, names, listeners, **sections):
        ports = free_ports(len(names))
        self.proxy = platform.postigo(start=False, listeners="\n".join(
            platform_listener(name, port if port else given) for (name, port), given in zip(listeners, ports)), **sections)
        words = ["systemd-socket-activate", "--fdname=" + ":".join(names)]
        for port in ports:
            words += ["-l", f"127.0.0.1:{port}"]
        with open(os.path.join(self.proxy.folder, "stderr.log"), "ab") as sink:
            process = subprocess.Popen([*words, postigo(), "serve", "-c", self.proxy.file], stdin=subprocess.DEVNULL,
                                       stdout=sink, stderr=sink)

        def end():
            process.terminate()
            process.wait(20)
        self.addCleanup(end)
        time.sleep(0.5)
        return process, ports

    def greeting(self, port):
        with socket.create_connection((self.proxy.host, port), 5) as plain:
            plain.settimeout(20)
            return plain.recv(200)

    def test_by_address(self):
        process, (port,) = self.activated(["unknown"], [("imap", 0)])
        self.assertIn(b"* OK", self.greeting(port))
        wait_for(self.proxy.ready, PATIENCE)
        for _ in range(20):
            self.assertIn(b"* OK", self.greeting(port))
        process.terminate()
        self.assertEqual(0, process.wait(20))
        self.assertEqual([], self.proxy.lines("socket_unused"))

    def test_by_name_also_over_a_reload_and_an_upgrade(self):
        elsewhere, = free_ports(1)
        process, (port,) = self.activated(["front"], [("front", elsewhere)], server=server())
        self.assertIn(b"* OK", self.greeting(port))
        wait_for(self.proxy.ready, PATIENCE)
        with self.assertRaises(ConnectionRefusedError):
            self.greeting(elsewhere)
        self.proxy.write(limits='[limits]\nauth_failure_delay = "300ms"')
        answer = self.proxy.ctl("reload")
        self.assertEqual(["limits.auth_failure_delay"], [change["key"] for change in answer["changes"]])
        self.assertIn(b"* OK", self.greeting(port))
        successor = self.proxy.ctl("upgrade")["pid"]
        self.assertEqual(0, process.wait(PATIENCE))
        self.assertIn(b"* OK", self.greeting(port))
        answer = self.proxy.ctl("reload")
        self.assertEqual([], answer["changes"])
        os.kill(successor, signal.SIGTERM)
        os.waitpid(successor, 0)

    def test_one_that_nobody_asked_for(self):
        _, (port, spare) = self.activated(["imap", "what"], [("imap", 0)])
        self.assertIn(b"* OK", self.greeting(port))
        unused = self.proxy.wait_lines("socket_unused")[0]
        self.assertEqual(f"127.0.0.1:{spare}", unused["address"])


def platform_listener(name, port):
    return (f'[[listener]]\nname = "{name}"\nprotocol = "imap"\naddress = "127.0.0.1:{port}"\ntls = "starttls"\n'
            "plaintext_login = true\n")


if __name__ == "__main__":
    unittest.main()
