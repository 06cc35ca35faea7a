"""Users in a real Redis: who comes in and where he goes, TLS, a cluster of three, and servers that are away or lie."""

import contextlib
import json
import signal
import socket
import threading
import unittest

from tests.e2e.harness import PASSWORD, Imap, Platform, Pop3, plain, wait_for
from tests.e2e.harness.redis import Redis, cluster
from tests.e2e.harness.users import MASTER_AUTH, SHARDS, attempt, own_user

OURS = "canary-Redis/word"  # known to Redis, not to the Dovecots
KEY = "canary-Redis/key"  # our own password there
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
LATER = rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])"
LIMITS = '[limits]\nauth_failure_delay = "100ms"\nlookup_timeout = "30s"\n[penalty]\nexempt = ["127.0.0.0/8"]'
STATIC = own_user("bob", OURS)
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def directory(servers, more="", redis="", check=True):
    """The section of a configuration."""
    return (f'[[directory]]\nname = "people"\ntype = "redis"\ncheck_password = {str(check).lower()}\n'
            f'servers = {json.dumps(servers)}\nfields = ["home=shard"]\n{more}[directory.redis]\n{redis}')


def pop3(door, user, password=OURS):
    with Pop3.open(door) as wire:
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


class Users(unittest.TestCase):
    def server(self, *options, people=True, **how):
        made = Redis(platform.scratch("redis"), *options, **how)
        self.addCleanup(made.stop)
        if people:
            self.fill(made)
        return made

    @staticmethod
    def fill(server, **how):
        for name, home in (("alice", "a"), ("carol", "b"), ("dave", "a")):
            server.user(name, password="{PLAIN}" + OURS, home=home, **how)
        server.user("dave", disabled="yes", **how)

    def proxy(self, *sections, auth=MASTER_AUTH, **options):
        made = platform.postigo(auth=auth, pool=SHARDS, limits=LIMITS, directories="\n".join(sections), **options)
        self.addCleanup(made.stop)
        return made

    def expect_all_well(self, door):
        self.assertRegex(attempt(door, "alice", OURS), rb"^OK")
        self.assertRegex(attempt(door, "alice", "wrong"), REFUSED)
        self.assertRegex(attempt(door, "nobody", OURS), REFUSED)

    def expect_away(self, door):
        """Nobody is wrong or unknown now, and whom another directory knows comes in."""
        for user, password in (("alice", OURS), ("alice", "wrong"), ("nobody", OURS), ("dave", OURS)):
            self.assertRegex(attempt(door, user, password), LATER, user)
        self.assertRegex(pop3(door, "alice"), LATER)
        self.assertRegex(attempt(door, "bob", OURS), rb"^OK")

    def come_back(self, door):
        wait_for(lambda: attempt(door, "alice", OURS).startswith(b"OK"), 120, what="users come in again", step=0.3)
        self.expect_all_well(door)


class WhoComesIn(Users):
    def test_over_two_dovecots(self):
        server = self.server()
        door = self.proxy(directory([server.address]))
        for user, at in (("alice", platform.a), ("carol", platform.b), ("ALICE", platform.a)):
            for enter in (attempt, pop3):
                before = len(at.logins(user.lower()))
                self.assertRegex(enter(door, user, OURS), rb"^(OK|\+OK)")
                at.wait_login(user.lower(), before + 1)
        for user, password in (("alice", "wrong"), ("alice", PASSWORD), ("dave", OURS), ("nobody", OURS), ("*", OURS),
                               ("%u", OURS)):
            self.assertRegex(attempt(door, user, password), REFUSED, user)
            self.assertRegex(pop3(door, user, password), REFUSED, user)
        with Imap.open(door) as wire:
            self.assertNotIn(b"OK", wire.command(f"AUTHENTICATE PLAIN {plain('x' + chr(13) + chr(10) + 'FLUSHALL', OURS)}")[-1])
        self.expect_all_well(door)
        self.assertNotIn("canary", door.log_text() + door.program.output())

    def test_a_change_counts_for_the_next_login(self):
        server = self.server()
        door = self.proxy(directory([server.address]))
        self.expect_all_well(door)
        server.user("alice", password="{PLAIN}another")
        self.assertRegex(attempt(door, "alice", OURS), REFUSED)
        self.assertRegex(attempt(door, "alice", "another"), rb"^OK")
        server.say("DEL", "user:alice")
        self.assertRegex(attempt(door, "alice", "another"), REFUSED)
        server.user("alice", password="{PLAIN}" + OURS, home="nowhere")
        self.assertNotRegex(attempt(door, "alice", OURS), rb"^OK")

    def test_the_backend_checks_and_redis_says_where(self):
        door = self.proxy(directory([self.server().address], check=False), auth="")
        self.assertRegex(attempt(door, "carol", PASSWORD), rb"^OK")
        platform.b.wait_login("carol")
        self.assertRegex(attempt(door, "carol", OURS), REFUSED)
        self.assertRegex(attempt(door, "dave", PASSWORD), REFUSED)
        self.assertRegex(attempt(door, "bob", PASSWORD), REFUSED, "Redis does not know him")

    def test_entries_of_no_use_are_our_fault(self):
        server = self.server()
        server.say("SET", "user:u1", "text")
        server.user("u2", password="{PLAIN}" + OURS, disabled="perhaps")
        door = self.proxy(directory([server.address]))
        for user in ("u1", "u2"):
            self.assertRegex(attempt(door, user, OURS), LATER)
        self.assertIn("WRONGTYPE", door.log_text())
        self.expect_all_well(door)

    def test_our_own_login(self):
        server = self.server("--requirepass", "admin", "--user", "postigo", "on", ">" + KEY, "~user:*", "+hgetall", "+select",
                             people=False)
        self.fill(server, user=("default", "admin"))
        own = f'login = "postigo"\npassword_file = "{platform.secret(KEY)}"\n'
        self.expect_all_well(self.proxy(directory([server.address], own)))
        wrong = f'login = "postigo"\npassword_file = "{platform.secret(KEY + "x")}"\n'
        for more, redis in (("", ""), (wrong, ""), (own, 'key = "secret:%u"\n')):  # the last one is not within its ACL
            with self.subTest(more=more, redis=redis):
                door = self.proxy(STATIC, directory([server.address], more, redis))
                self.expect_away(door)
                self.assertNotIn("canary", door.log_text() + door.program.output())


class Tls(Users):
    def test_it_is_verified(self):
        ca = platform.certificates.ca
        server = self.server(pair=platform.certificates.server, ca=ca)
        for more, good in ((f'tls_ca = "{ca}"\n', True), ("tls_verify = false\n", True), ("", False)):
            with self.subTest(more):
                door = self.proxy(directory([server.address], 'tls = "on"\ntimeout = "20s"\n' + more))
                self.assertRegex(attempt(door, "alice", OURS), rb"^OK" if good else LATER)
        self.assertRegex(attempt(self.proxy(directory([server.address], 'timeout = "2s"\n')), "alice", OURS), LATER)

    def test_the_name_counts(self):
        pair = platform.certificates.pair("redis", names=("localhost",))
        server = self.server(pair=pair, ca=platform.certificates.ca)
        more = f'tls = "on"\ntimeout = "20s"\ntls_ca = "{platform.certificates.ca}"\n'
        self.assertRegex(attempt(self.proxy(directory([server.address], more)), "alice", OURS), LATER)
        self.assertRegex(attempt(self.proxy(directory([f"localhost:{server.port}"], more)), "alice", OURS), rb"^OK")


class Trouble(Users):
    def test_killed_and_back(self):
        server = self.server()
        door = self.proxy(STATIC, directory([server.address]))
        self.expect_all_well(door)
        server.kill()
        self.expect_away(door)
        server.start()
        self.come_back(door)

    def test_stopped_and_back(self):
        server = self.server()
        door = self.proxy(STATIC, directory([server.address], 'timeout = "1s"\n'))
        self.expect_all_well(door)
        server.signal(signal.SIGSTOP)
        self.expect_away(door)
        server.signal(signal.SIGCONT)
        self.come_back(door)

    def test_a_stopped_server_keeps_no_worker(self):
        """One login finds out that it is away; the others need not wait for that, nor do sessions."""
        server = self.server()
        door = self.proxy(STATIC, directory([server.address], 'timeout = "5s"\n'))
        with Imap.open(door) as session, contextlib.ExitStack() as wires:
            session.logged_in("bob", OURS)
            server.signal(signal.SIGSTOP)
            waiting = [wires.enter_context(Imap.open(door)) for _ in range(30)]
            for wire in waiting:
                wire.send(f"a LOGIN alice {OURS}\r\n")
            for _ in range(5):
                session.ok("NOOP")
                self.assertRegex(attempt(door, "bob", OURS), rb"^OK")
            for wire in waiting:
                self.assertRegex(wire.until("a")[-1], rb"^a NO \[UNAVAILABLE\]")
            server.signal(signal.SIGCONT)
        self.come_back(door)

    def test_away_at_the_start(self):
        server = self.server()
        server.kill()
        door = self.proxy(STATIC, directory([server.address]))
        self.expect_away(door)
        server.start()
        self.come_back(door)

    def test_the_next_server_is_asked(self):
        first, second = self.server(), self.server()
        door = self.proxy(directory([first.address, second.address]))
        self.expect_all_well(door)
        first.kill()
        for _ in range(3):
            self.expect_all_well(door)
        first.start()
        second.kill()
        self.come_back(door)

    def test_one_that_loads_its_data_is_no_no(self):
        """What a replica says that has lost its master, and one that is not ready: an error is not an answer."""
        with Liar(b"-LOADING\r\n") as liar:
            door = self.proxy(directory([liar.address]))
            for error in (b"LOADING Redis is loading the dataset in memory", b"MASTERDOWN Link with MASTER is down", b"NOAUTH x",
                          b"MOVED 3999 127.0.0.1:1", b"CLUSTERDOWN Hash slot not served", b"READONLY x", b""):
                liar.answer = b"-" + error + b"\r\n"
                with self.subTest(error):
                    self.assertRegex(attempt(door, "alice", OURS), LATER)

    def test_liars(self):
        """Whatever comes back, nobody is let in, nor told that he is unknown or wrong."""
        good = b"$8\r\npassword\r\n$%d\r\n{PLAIN}%s\r\n" % (len(OURS) + 7, OURS.encode())
        lies = (b"\x16\x03\x01 garbage\r\n", b"", b"+OK\r\n", b":5\r\n", b"$-1\r\n", b"*-1\r\n", b"*1\r\n$1\r\nx\r\n",
                b"*3\r\n" + good + b"$1\r\nx\r\n", b"*2\r\n$8\r\npassword\r\n*1\r\n+x\r\n", b"$999999999\r\n",
                b"*99999999\r\n", b"*2\r\n$300000\r\n" + b"x" * 400_000, b"*2\r\n" + good[:30], b"*1\r\n" * 5000,
                b"*2\r\n$8\r\npassword\r\n$-1\r\n", b"*2\r\n$8\r\npassword\r\n:1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with Liar(b"") as liar:
            door = self.proxy(STATIC, directory([liar.address], 'timeout = "1s"\n'))
            for liar.answer in lies:
                with self.subTest(liar.answer[:40]):
                    self.assertRegex(attempt(door, "alice", OURS), LATER)
            self.assertRegex(attempt(door, "bob", OURS), rb"^OK")


class Liar:
    """A server that answers each command with the same octets."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                wire, _ = self.socket.accept()
                threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire):
        with wire, contextlib.suppress(OSError):
            while wire.recv(4096) and self.answer:
                wire.sendall(self.answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Cluster(Users):
    def test_of_three(self):
        servers = cluster(platform.scratch("cluster"))
        for server in servers:
            self.addCleanup(server.stop)
        at = {}
        for number in range(12):
            user = platform.fresh_user()
            slot = servers[0].say("CLUSTER", "KEYSLOT", f"user:{user}")
            at[user] = servers[slot // 5462]
            at[user].user(user, password="{PLAIN}" + OURS, home="ab"[number % 2])
        self.assertGreater(len(set(map(id, at.values()))), 1)
        door = self.proxy(STATIC, directory([servers[0].address, servers[1].address], 'timeout = "1s"\n', "cluster = true\n"))
        self.everybody(door, at)
        self.assertRegex(attempt(door, "nobody", OURS), REFUSED)
        gone = servers[2]
        for break_it, mend_it in ((gone.kill, gone.start), (lambda: gone.signal(signal.SIGSTOP), lambda: gone.signal(signal.SIGCONT))):
            break_it()
            self.everybody(door, at, gone)
            self.assertRegex(attempt(door, "bob", OURS), rb"^OK")
            mend_it()
            hers = next(user for user in at if at[user] is gone)
            wait_for(lambda: attempt(door, hers, OURS).startswith(b"OK"), 120, what="her users come in again", step=0.3)
            wait_for(lambda: all("cluster_state:ok" in server.say("CLUSTER", "INFO") for server in servers), 120, what="all well")
            self.everybody(door, at)
        self.move(servers, at)
        self.everybody(door, at)

    def everybody(self, door, at, gone=None):
        for user, server in at.items():
            self.assertRegex(attempt(door, user, OURS), LATER if server is gone else rb"^OK", user)

    def move(self, servers, at):
        """A slot on its way from one server to another (ASK), then there (MOVED)."""
        user = next(iter(at))
        source, target = at[user], next(server for server in servers if server is not at[user])
        slot = source.say("CLUSTER", "KEYSLOT", f"user:{user}")
        for server, word, other in ((target, "IMPORTING", source), (source, "MIGRATING", target)):
            self.assertEqual("OK", server.say("CLUSTER", "SETSLOT", slot, word, other.say("CLUSTER", "MYID")))
        self.assertEqual("OK", source.say("MIGRATE", "127.0.0.1", target.port, f"user:{user}", 0, 5000))
        door = self.proxy(directory([source.address], "", "cluster = true\n"))
        self.assertRegex(attempt(door, user, OURS), rb"^OK")
        for server in (target, source):
            server.say("CLUSTER", "SETSLOT", slot, "NODE", target.say("CLUSTER", "MYID"))
        self.assertRegex(attempt(door, user, OURS), rb"^OK")


if __name__ == "__main__":
    unittest.main()
