"""`postigo ctl` and the admin API behind it: what it shows, what it changes, who may, and what it says when it cannot."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import unittest

from tests.e2e.harness import Imap, Platform, Pop3, run, sanitized, wait_for
from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.postigo import postigo
from tests.fakes.backend import FakeBackend, imap_server

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Ctl(unittest.TestCase):
    def setUp(self):
        self.user = platform.fresh_user()
        self.fake = FakeBackend(imap=imap_server())
        self.addCleanup(self.fake.stop)
        self.proxy = platform.postigo({"a": platform.a, "spare": self.fake}, pool=(
            '[[pool]]\nname = "main"\n[[pool.shard]]\nname = "s"\nbackends = ["a", "spare"]'), server=(
                '[server]\nhostname = "mail.example.com"\nworkers = 2\nstate_file = "state.json"'))
        self.addCleanup(self.proxy.stop)

    def log_in(self, user=None):
        wire = Imap.open(self.proxy).logged_in(user or self.user, PASSWORD)
        self.addCleanup(wire.close)
        return wire

    def tried(self, *words):
        """Exit code, standard output and error of `postigo ctl`."""
        done = subprocess.run([postigo(), "ctl", "--socket", self.proxy.admin_socket, *words], capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    # --- looking ---
    def test_status_and_version(self):
        self.log_in()
        status = self.proxy.ctl("status")
        self.assertEqual(("serving", 2, 1), (status["state"], status["workers"], status["sessions"]))
        self.assertEqual(1, status["phases"]["relay"])
        self.assertEqual(status["version"], self.proxy.ctl("version")["version"])
        scrape = self.proxy.metrics()
        self.assertTrue(scrape.has("postigo_config_info"))

    def test_who(self):
        other = platform.fresh_user()
        wires = [self.log_in(), self.log_in(), self.log_in(other)]
        pop3 = Pop3.open(self.proxy, "off")
        self.addCleanup(pop3.close)
        rows = self.proxy.ctl("who")["sessions"]
        self.assertEqual(4, len(rows))
        self.assertEqual(2, len(self.proxy.ctl("who", "--user", self.user)["sessions"]))
        row, = self.proxy.ctl("who", "--user", other)["sessions"]
        self.assertEqual(("a", "imaps", "imap", "relay", True, "TLSv1.3"), (
            row["backend"], row["listener"], row["protocol"], row["phase"], row["authenticated"], row["tls"]))
        host, port = wires[2].socket.getsockname()
        self.assertEqual(f"{host}:{port}", row["client"])
        self.assertEqual(1, len(self.proxy.ctl("who", "--protocol", "pop3")["sessions"]))
        self.assertEqual(4, len(self.proxy.ctl("who", "--address", "127.0.0.1")["sessions"]))
        for network, count in (("127.0.0.0/8", 4), ("10.0.0.0/8", 0), ("::1", 0)):
            self.assertEqual(count, len(self.proxy.ctl("who", "--address", network)["sessions"]), network)
        code, _, err = self.tried("who", "--address", "10.0.0.1/8")
        self.assertEqual((1, 'postigo ctl: address: "10.0.0.1/8" has bits behind its mask: is it another network?\n'), (code, err))
        self.assertEqual(3, len(self.proxy.ctl("who", "--limit", "3")["sessions"]))
        self.assertEqual([], self.proxy.ctl("who", "--user", "nobody")["sessions"])

    def test_a_table_for_people(self):
        self.log_in()
        code, out, _ = self.tried("who")
        self.assertEqual(0, code)
        head, row = out.splitlines()
        self.assertRegex(head, r"^id +user +authenticated +client +listener")
        self.assertIn(self.user, row)
        code, out, _ = self.tried("config")
        self.assertIn('[[backend]]\nname = "a"', out)

    def test_backends_listeners_certificates(self):
        self.log_in()
        rows = {row["name"]: row for row in self.proxy.ctl("backends")["backends"]}
        self.assertEqual((1, "auto"), (rows["a"]["sessions"], rows["a"]["state"]))
        listeners = {row["name"]: row for row in self.proxy.ctl("listeners")["listeners"]}
        self.assertEqual((1, 1, "implicit"), tuple(listeners["imaps"][key] for key in ("open", "accepted", "tls")))
        certificate, = self.proxy.ctl("certs")["certificates"]
        self.assertEqual(self.proxy.certificates.server[0], certificate["file"])
        self.assertTrue(20 < certificate["days_left"] <= 30)

    def test_route(self):
        answer = self.proxy.ctl("route", self.user.upper())
        self.assertEqual((self.user, "main", "s"), (answer["user"], answer["pool"], answer["shard"]))
        self.assertEqual(["a", "spare"], [row["name"] for row in answer["backends"]])

    # --- changing ---
    def test_kick(self):
        wires = [self.log_in(), self.log_in()]
        kept = self.log_in(platform.fresh_user())
        self.assertEqual(2, self.proxy.ctl("kick", "--user", self.user)["ended"])
        for wire in wires:
            self.assertTrue(wire.line().startswith(b"* BYE"))
        kept.ok("NOOP")
        self.proxy.wait_session(2, reason="kicked")
        code, _, err = self.tried("kick")
        self.assertEqual((1, "postigo ctl: whom? give at least one filter\n"), (code, err))
        kept.ok("NOOP")
        action = self.proxy.lines("admin_action")[0]
        self.assertEqual(("kick", "done", f"user={self.user}"), (action["verb"], action["result"], action["detail"]))
        self.assertRegex(action["by"], r"^\d+ \(\w+\)$")

    def test_kick_by_network(self):
        wire = self.log_in()
        self.assertEqual(0, self.proxy.ctl("kick", "--address", "10.0.0.0/8")["ended"])
        wire.ok("NOOP")
        self.assertEqual(1, self.proxy.ctl("kick", "--address", "127.0.0.0/8")["ended"])
        self.assertTrue(wire.line().startswith(b"* BYE"))

    def test_kick_over_a_time(self):
        wires = [self.log_in() for _ in range(8)]
        kept = self.log_in(platform.fresh_user())
        started = time.monotonic()
        answer = self.proxy.ctl("kick", "--user", self.user, "--over", "2s")
        self.assertEqual((0, 8), (answer["ended"], answer["leaving"]))
        self.proxy.ctl("drain", "--over", "1h")
        self.proxy.ctl("undrain")  # pardons those of the drain only
        gone = []
        for wire in wires:
            threading.Thread(target=lambda each=wire: gone.append((each.line(), time.monotonic() - started))).start()
        wait_for(lambda: len(gone) == 8, 20, "all to be gone")
        self.assertTrue(all(line.startswith(b"* BYE") for line, _ in gone))
        moments = sorted(moment for _, moment in gone)
        self.assertGreater(moments[0], 0.2, "nobody at once")
        self.assertGreater(moments[-1], 1.9, "the last at the end")
        self.assertGreater(moments[4] - moments[1], 0.3, "and evenly")
        self.proxy.wait_session(8, reason="kicked")
        kept.ok("NOOP")

    def test_down_over_a_time(self):
        wires = [self.log_in() for _ in range(3)]
        self.assertEqual(3, self.proxy.ctl("backend", "a", "down", "--over", "900ms")["leaving"])
        wires[2].ok("NOOP")
        for wire in wires:
            self.assertTrue(wire.line().startswith(b"* BYE"))
        code, _, err = self.tried("backend", "a", "drain", "--over", "1s")
        self.assertEqual((1, "postigo ctl: a time belongs to down only\n"), (code, err))

    def backend_of(self, user):
        seen = len(self.proxy.lines("login"))
        with Imap.open(self.proxy) as wire:
            wire.logged_in(user, PASSWORD)
        return self.proxy.wait_lines("login", seen + 1)[-1]["backend"]

    def state_file(self):
        with open(os.path.join(self.proxy.folder, "state.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_ready(self):
        self.proxy.ctl("backend", "a", "drain")
        self.assertEqual("spare", self.backend_of(self.user))
        self.assertEqual("ready", self.proxy.ctl("backend", "a", "ready")["state"])
        self.assertEqual("a", self.backend_of(self.user))
        self.assertEqual({"backends": {"a": "ready"}}, self.state_file())

    def test_weight(self):
        users = [self.user, *(platform.fresh_user() for _ in range(23))]
        self.assertEqual(50, self.proxy.ctl("backend", "a", "weight", "50")["weight"])
        half = {user: self.backend_of(user) for user in users}
        self.assertTrue(3 <= sum(where == "a" for where in half.values()) <= 21, half)
        for user in users[:4]:
            self.assertEqual(half[user], self.proxy.ctl("route", user)["backends"][0]["name"], "the same words")
        self.proxy.stop()
        self.proxy.start()
        self.proxy.ctl("reload")
        self.assertEqual({"a": 50}, self.state_file()["weights"])
        self.assertEqual(half, {user: self.backend_of(user) for user in users}, "whoever it was, it is the same one")
        self.proxy.ctl("backend", "a", "weight", "0")
        self.assertEqual("spare", self.backend_of(self.user))
        self.proxy.ctl("backend", "spare", "drain")
        self.assertEqual("a", self.backend_of(self.user), "the last resort")
        for name in ("a", "spare"):
            self.proxy.ctl("backend", name, "auto")
        self.assertEqual({"a"}, {self.backend_of(user) for user in users})
        self.assertEqual({"backends": {}}, self.state_file())

    def test_a_state_file_that_is_none(self):
        """One line that names it; above all not a start that never ends."""
        path = os.path.join(self.proxy.folder, "state.json")
        self.proxy.stop()
        for make, why in ((lambda: os.mkfifo(path), "is not a file"), (lambda: os.mkdir(path), "is not a file"),
                          (lambda: open(path, "w", encoding="ascii").close(), "mend it, or move it away")):
            if os.path.lexists(path):
                (os.rmdir if os.path.isdir(path) else os.remove)(path)
            make()
            done = run(postigo(), "serve", "-c", self.proxy.file, check=False, timeout=60)
            self.assertEqual(1, done.returncode, done)
            self.assertIn("state.json: ", done.stderr)
            self.assertIn(why, done.stderr)
        os.remove(path)
        self.proxy.start()

    def test_a_weight_that_makes_no_sense(self):
        for words, why in ((("weight",), "weight is missing: a number from 0 to 100"), (("weight", "101"), "weight: must be from 0 to 100"),
                           (("drain", "5"), "a number belongs behind weight only"), (("weight", "-1"), None)):
            code, _, err = self.tried("backend", "a", *words)
            self.assertNotEqual(0, code)
            if why:
                self.assertEqual(f"postigo ctl: {why}\n", err)
        self.assertEqual([("auto", 100)], [(row["state"], row["weight"]) for row in self.proxy.ctl("backends")["backends"]
                                           if row["name"] == "a"])

    def test_a_backend_is_taken_out_and_comes_back(self):
        kept = self.log_in()
        self.proxy.ctl("backend", "a", "drain")
        with Imap.open(self.proxy) as wire:
            wire.logged_in(self.user, PASSWORD)
        self.assertEqual("spare", self.proxy.lines("login")[-1]["backend"])
        kept.ok("NOOP")
        self.assertEqual(1, self.proxy.ctl("backend", "a", "down")["ended"])
        self.assertTrue(kept.line().startswith(b"* BYE"))
        self.assertEqual([], self.proxy.lines("backend_away"), "it is no news")
        self.proxy.stop()
        self.proxy.start()  # the order stands
        self.assertEqual("down", {row["name"]: row["state"] for row in self.proxy.ctl("backends")["backends"]}["a"])
        self.proxy.ctl("reload")
        with Imap.open(self.proxy) as wire:
            wire.logged_in(self.user, PASSWORD)
        self.assertEqual("spare", self.proxy.lines("login")[-1]["backend"])
        self.proxy.ctl("backend", "a", "auto")
        with Imap.open(self.proxy) as wire:
            wire.logged_in(self.user, PASSWORD)
        self.assertEqual("a", self.proxy.lines("login")[-1]["backend"])
        with open(os.path.join(self.proxy.folder, "state.json"), encoding="utf-8") as file:
            self.assertEqual({"backends": {}}, json.load(file))

    def test_all_backends_are_out(self):
        for name in ("a", "spare"):
            self.proxy.ctl("backend", name, "drain")
        with Imap.open(self.proxy) as wire:
            self.assertIn(b"[UNAVAILABLE]", wire.command(f"LOGIN {self.user} x")[-1])

    def test_diff_and_reload(self):
        self.assertEqual([], self.proxy.ctl("diff")["changes"])
        self.proxy.write(limits='[limits]\nlogin_timeout = "44s"', server=self.proxy.sections["server"] + "\nqueue_max = 9")
        changes = {row["key"]: row for row in self.proxy.ctl("diff")["changes"]}
        self.assertEqual(("1m", "44s", False), tuple(
            changes["limits.login_timeout"][key] for key in ("before", "after", "needs_restart")))
        code, _, err = self.tried("reload")
        self.assertEqual(1, code)
        self.assertIn("nothing is changed: only a restart can change server.queue_max", err)
        answer = self.proxy.ctl("reload", "--partial")
        self.assertEqual(["server.queue_max"], answer["left_out"])
        self.assertIn('login_timeout = "44s"', self.proxy.ctl("config")["toml"])
        self.proxy.write(limits="[limits]\nlogin_timout = 3")
        code, _, err = self.tried("reload")
        self.assertEqual(1, code)
        self.assertRegex(err, r"postigo\.toml:\d+:\d+: .*login_timout")

    def test_the_log(self):
        self.proxy.ctl("log", "level", "debug")
        self.log_in()
        self.proxy.wait_lines("phase")
        os.rename(self.proxy.log_file, self.proxy.log_file + ".1")
        self.proxy.ctl("log", "reopen")
        self.proxy.wait_lines("log_reopened")

    def test_drain_and_undrain(self):
        wire = self.log_in()
        self.proxy.ctl("drain", "--over", "1h")
        self.assertEqual("draining", self.proxy.ctl("status")["state"])
        self.assertFalse(self.proxy.ready())
        wire.ok("NOOP")
        self.proxy.ctl("undrain")
        self.assertTrue(self.proxy.ready())
        self.assertEqual("serving", self.proxy.ctl("status")["state"])
        self.proxy.ctl("drain", "--over", "300ms")
        self.assertTrue(wire.line().startswith(b"* BYE"))
        with Imap.open(self.proxy) as fresh:
            fresh.logged_in(self.user, PASSWORD).ok("NOOP")
        self.assertEqual((1, "postigo ctl: over: "), (self.tried("drain", "--over", "soon")[0],
                                                      self.tried("drain", "--over", "soon")[2][:19]))

    def test_stop(self):
        self.proxy.ctl("stop")
        wait_for(lambda: not self.proxy.program.running(), 10, "the end")
        self.assertEqual(0, self.proxy.program.process.wait())

    # --- what is refused ---
    def test_what_makes_no_sense(self):
        self.assertEqual(2, self.tried("nonsense")[0])
        self.assertEqual(2, self.tried("backend", "a", "sideways")[0])
        code, _, err = self.tried("backend", "zzz", "drain")
        self.assertEqual((1, 'postigo ctl: there is no backend "zzz"\n'), (code, err))
        code, _, err = self.tried("who", "--limit", "many")
        self.assertEqual((1, "postigo ctl: limit: must be a number\n"), (code, err))

    def test_nobody_listens(self):
        done = subprocess.run([postigo(), "ctl", "--socket", "/nonexistent/sock", "status"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(1, done.returncode)
        self.assertEqual("postigo ctl: cannot connect to /nonexistent/sock: No such file or directory (is postigo running?)\n",
                         done.stderr)
        done = subprocess.run([postigo(), "ctl", "-c", self.proxy.file, "status"], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, "the configuration says where")

    def raw(self, text):
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(10)
            wire.connect(self.proxy.admin_socket)
            wire.sendall(text)
            heard = b""
            while piece := wire.recv(65536):
                heard += piece
        head, _, body = heard.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if b"json" in head else body

    def test_requests_that_are_none(self):
        post = b"POST /api/v1/kick HTTP/1.1\r\nContent-Length: %d\r\nContent-Type: %s\r\n\r\n%s"
        form = b"user=x"
        cases = [
            (b"GET /api/v1/nothing HTTP/1.1\r\n\r\n", 404), (b"GET / HTTP/1.1\r\n\r\n", 404),
            (b"GET /api/v1/kick HTTP/1.1\r\n\r\n", 409), (b"POST /api/v1/who HTTP/1.1\r\n\r\n", 405),
            (post % (len(form), b"application/x-www-form-urlencoded", form), 415), (post % (1, b"text/plain", b"x"), 415),
            (post % (1, b"application/json", b"{"), 422), (post % (2, b"application/json", b"[]"), 422),
            (post % (9, b"application/json", b'{"x": 17}'), 422), (post % (14, b"application/json", b'{"user": 1234}'), 422),
            (b"POST /api/v1/kick HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            (b"POST /api/v1/kick HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
            (b"POST /api/v1/kick HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400), (b"\x16\x03\x01\r\n\r\n", 400)]
        kept = self.log_in()
        for text, status in cases:
            self.assertEqual(status, self.raw(text)[0], text)
        kept.ok("NOOP")

    def test_the_document_of_the_api(self):
        status, document = self.raw(b"GET /api/v1/openapi.json HTTP/1.1\r\n\r\n")
        self.assertEqual((200, "3.1.0"), (status, document["openapi"]))
        help_text = subprocess.run([postigo(), "ctl", "--help"], capture_output=True, text=True, check=True).stdout
        for path, operations in document["paths"].items():
            verb = path.rsplit("/", 1)[1]
            self.assertRegex(help_text, rf"(?m)^  {verb} ", "one table")
            method, operation = next(iter(operations.items()))
            if method == "get" and not any(each["required"] for each in operation["parameters"]):
                status, answer = self.raw(f"GET {path} HTTP/1.1\r\n\r\n".encode())
                self.assertEqual((200, dict), (status, type(answer)), path)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_strangers_hear_nothing(self):
        self.assertEqual(0o660, os.stat(self.proxy.admin_socket).st_mode & 0o777)
        os.chmod(self.proxy.admin_socket, 0o666)  # also if the mode is wide, the account decides
        ask = ("import os,socket,sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); s=socket.socket(socket.AF_UNIX); "
               "s.connect(sys.argv[1]); s.sendall(b'GET /api/v1/status HTTP/1.1\\r\\n\\r\\n'); print(s.recv(100))")
        done = subprocess.run([sys.executable, "-c", ask, self.proxy.admin_socket], capture_output=True, text=True, check=False)
        self.assertTrue(done.stdout.strip() == "b''" or "BrokenPipe" in done.stderr or "ConnectionReset" in done.stderr, done)

    def test_a_socket_that_was_left_behind(self):
        self.proxy.kill()
        self.assertTrue(os.path.exists(self.proxy.admin_socket))
        self.proxy.start()
        self.assertEqual("serving", self.proxy.ctl("status")["state"])


class Crowd(unittest.TestCase):
    """Verbs over many sessions hold no worker up; and they may come while sessions come and go."""

    def test_verbs_under_a_storm_of_logins(self):
        proxy = platform.postigo({"fake": self.fake}, limits='[limits]\nauth_failure_delay = "10ms"')
        self.addCleanup(proxy.stop)
        over, failures, rounds = threading.Event(), [], 6 if sanitized() else 20

        def come_and_go(number):
            try:
                while not over.is_set():
                    wire = Imap.open(proxy, "off").logged_in(f"u{number}", "p")
                    wire.command("NOOP") if number % 2 else None
                    wire.close()
            except Exception as error:  # pylint: disable=broad-except
                if number % 2 == 0:
                    failures.append(repr(error))

        threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(rounds):
                proxy.ctl("who")
                proxy.ctl("kick", "--user", "u1")
                proxy.ctl("reload")
                proxy.metrics()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual([], failures)

    def setUp(self):
        self.fake = FakeBackend(imap=imap_server())
        self.addCleanup(self.fake.stop)

    def test_a_thousand_sessions(self):
        proxy = platform.postigo({"fake": self.fake}, server='[server]\nhostname = "mail.example.com"\nworkers = 1')
        self.addCleanup(proxy.stop)
        count = 100 if sanitized() else 1000
        for number in range(count):
            wire = Imap.open(proxy, "off")
            self.addCleanup(wire.close)
        started = time.monotonic()
        self.assertEqual(count, len(proxy.ctl("who", "--limit", "5000")["sessions"]))
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(count, proxy.ctl("kick", "--protocol", "imap")["ended"])
        wait_for(lambda: proxy.ctl("status")["sessions"] == 0, 10, "all to be gone")


if __name__ == "__main__":
    unittest.main()
