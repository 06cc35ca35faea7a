"""Users known to a program that is asked over HTTP, in each dialect: who comes in and where he goes, nginx's own
questions beside ours, HTTPS, and a program that is away, slow, or says nonsense."""

import contextlib
import json
import signal
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, Gone, Imap, Platform, Pop3, nginx, wait_for
from tests.e2e.harness.auth_daemon import AuthDaemon, AuthProgram, DIALECTS
from tests.e2e.harness.users import MASTER_AUTH, attempt, own_user

OURS = "canary-Auth/pass word%"  # known to the program, not to the Dovecots
REFUSED = rb"^(NO \[AUTHENTICATIONFAILED\]|-ERR \[AUTH\])"
LATER = rb"^(NO \[UNAVAILABLE\]|-ERR \[SYS/TEMP\])"
LIMITS = '[limits]\nauth_failure_delay = "100ms"\nlookup_timeout = "30s"\n[penalty]\nexempt = ["127.0.0.0/8"]'
STATIC = own_user("bob", OURS)
platform = None


def setUpModule():
    global platform
    platform = Platform()
    unittest.addModuleCleanup(platform.stop)


def directory(url, dialect="nginx", more="", http="", check=True):
    """The section of a configuration."""
    fields = "" if dialect == "nginx" else 'fields = ["host=backend"]\n'
    return (f'[[directory]]\nname = "people"\ntype = "http"\ncheck_password = {str(check).lower()}\n{fields}{more}'
            f'[directory.http]\ndialect = "{dialect}"\nurl = "{url}"\n{http}')


def people():
    """Fresh users, by turns at each Dovecot; one has another name there."""
    made = {}
    for number in range(4):
        door = platform.a if number % 2 == 0 else platform.b
        made[platform.fresh_user()] = {"password": OURS, **{protocol: f"127.0.0.1:{getattr(door, protocol)}"
                                                            for protocol in ("imap", "pop3")}}
    known = platform.fresh_user()
    made["alias " + known] = {**made[list(made)[0]], "name": known}
    return made


def said(door, user, password=OURS, kind=Imap, **options):
    with kind.open(door, **options) as wire:
        if kind is Imap:
            return wire.login(user, password)[-1]
        wire.ok(f"USER {user}")
        return wire.command(f"PASS {password}")


class Programs(unittest.TestCase):
    def proxy(self, *sections, auth=MASTER_AUTH, **options):
        options.setdefault("limits", LIMITS)
        made = platform.postigo(auth=auth, directories="\n".join(sections), **options)
        self.addCleanup(made.stop)
        return made

    def daemon(self, answer, port=0, context=None):
        made = AuthDaemon(answer, port, context)
        self.addCleanup(made.stop)
        return made

    def program(self, dialect, users):
        made = AuthProgram(platform.scratch("daemon"), dialect, users)
        self.addCleanup(made.stop)
        return made


class WhoComesIn(Programs):
    def test_each_dialect_over_two_dovecots(self):
        for dialect, speak in DIALECTS.items():
            users = people()
            daemon = self.daemon(speak(users))
            door = self.proxy(directory(daemon.url(), dialect))
            for number, user in enumerate(users):
                at = platform.dovecots["ab"[number % 2]]
                for kind in (Imap, Pop3):
                    with self.subTest(dialect=dialect, user=user, kind=kind.__name__):
                        name = users[user].get("name", user)
                        before = len(at.logins(name))
                        self.assertRegex(said(door, user, kind=kind), rb"^(OK|\+OK)")
                        at.wait_login(name, before + 1)
            for kind in (Imap, Pop3):
                for user, password in ((list(users)[0], "wrong"), (list(users)[0], PASSWORD), ("nobody", OURS)):
                    with self.subTest(dialect=dialect, user=user, password=password):
                        self.assertRegex(said(door, user, password, kind), REFUSED)
            text = door.log_text() + door.program.output()
            self.assertNotIn("canary", text)
            self.assertLess(daemon.connections, len(daemon.requests()) / 2, "connections are kept")

    def test_the_backend_checks_and_the_program_says_where(self):
        """No password leaves for a program that need not know it."""
        for dialect in ("json", "nauthilus"):
            users = people()
            for user in users.values():
                user["password"] = PASSWORD
            daemon = self.daemon(DIALECTS[dialect](users))
            door = self.proxy(directory(daemon.url(), dialect, check=False), auth="")
            user = list(users)[1]
            self.assertRegex(said(door, user, PASSWORD), rb"^OK")
            platform.b.wait_login(user)
            self.assertRegex(said(door, user, "wrong"), REFUSED)
            self.assertNotIn(PASSWORD.encode(), b"".join(str(each).encode() for each in daemon.requests()))

    def test_a22_a_hash_is_spent_where_others_spend_one(self):
        """The program checks passwords, so there is none of ours to hash; beside a directory of hashes time must not tell."""
        users = people()
        daemon = self.daemon(DIALECTS["json"](users))
        for sections, cost in (((), 0), ((STATIC,), 1)):
            door = self.proxy(*sections, directory(daemon.url(), "json"))
            for user, password in ((list(users)[0], OURS), (list(users)[0], "wrong"), ("nobody", OURS)):
                before = door.metrics().sum("postigo_password_checks_total")
                said(door, user, password)
                self.assertEqual(before + cost, door.metrics().sum("postigo_password_checks_total"), user)

    def test_a_connection_that_was_kept_too_long(self):
        """The program closes it while nobody looks: the next login asks on a new one, and nobody hears of it."""
        users = people()
        program = self.program("json", users)
        door = self.proxy(directory(program.url(), "json"))
        for _ in range(3):
            for user in users:
                self.assertRegex(said(door, user), rb"^OK")
            program.kill()
            program.start()


class NginxDialect(Programs):
    def answered(self, headers, status=200):
        """What a client hears if the daemon says this."""
        with contextlib.suppress(KeyError):
            headers = {**headers, "Auth-Port": str(headers["Auth-Port"])}
        daemon = self.daemon(lambda *_: (status, headers, b""))
        return said(self.proxy(directory(daemon.url())), "t000")

    def test_statuses(self):
        place = {"Auth-Server": "127.0.0.1", "Auth-Port": platform.a.imap, "Auth-Pass": PASSWORD}
        for headers, hears in (({"Auth-Status": "OK", **place}, rb"^OK"), ({"Auth-Status": "ok", **place}, REFUSED),
                               ({"Auth-Status": "Who?"}, REFUSED), ({**place}, LATER),
                               ({"Auth-Status": "Busy", "Auth-Error-Code": "451 4.3.2"}, LATER),
                               ({"Auth-Status": "No", "Auth-Error-Code": "535 5.7.8"}, REFUSED)):
            with self.subTest(headers):
                self.assertRegex(self.answered(headers), hears)
        self.assertRegex(self.answered({"Auth-Status": "OK", **place}, status=500), LATER)

    def test_waiting(self):
        asked = []

        def answer(_method, _path, headers, _body):
            asked.append((headers["Auth-User"], headers["Auth-Login-Attempt"]))
            if headers["Auth-User"] == "t001" and len(asked) < 3:
                return 200, {"Auth-Status": "WAIT", "Auth-Wait": "1"}, b""
            if headers["Auth-User"] == "t001":
                return 200, {"Auth-Status": "OK", "Auth-Pass": PASSWORD}, b""
            return 200, {"Auth-Status": "No", "Auth-Wait": "2"}, b""

        door = self.proxy(directory(self.daemon(answer).url()))
        began = time.monotonic()
        self.assertRegex(said(door, "t001"), rb"^OK")
        self.assertGreaterEqual(time.monotonic() - began, 2)
        self.assertEqual([("t001", "1")] * 3, asked)
        with Imap.open(door) as wire:
            for _ in range(2):
                began = time.monotonic()
                self.assertRegex(wire.login("t002", OURS)[-1], REFUSED)
                self.assertGreaterEqual(time.monotonic() - began, 2)
        self.assertEqual([("t002", "1"), ("t002", "2")], asked[3:])

    @unittest.skipUnless(nginx.there(), "needs nginx with its mail module")
    def test_asks_what_nginx_itself_asks(self):
        """The same logins through both: the daemon is asked the same, and what it says means the same."""
        users = people()
        daemon = self.daemon(DIALECTS["nginx"](users))
        real = nginx.Nginx(platform.scratch(), daemon.url("/check?x=1"), platform.certificates,
                           'auth_http_header X-Key "some key";')
        self.addCleanup(real.stop)
        ours = self.proxy(directory(daemon.url("/check?x=1"), http='headers = ["X-Key: some key"]\n'))

        def up():
            with contextlib.suppress(OSError, Gone, EOFError):
                Imap.open(real, mode="off").close()
                return True

        wait_for(up, seconds=60, what="nginx")
        user = list(users)[0]
        for kind, mode, name, password in ((Imap, "off", user, OURS), (Imap, "off", user, "wrong"),
                                           (Imap, "implicit", user, OURS), (Pop3, "implicit", user, OURS),
                                           (Pop3, "off", user, "wrong"), (Imap, "off", "nobody%41 x", "a%b c+/="),
                                           (Imap, "off", "j\u00f6rg", "\u00fc")):
            asked, comes_in = [], []
            for door in (real, ours):
                before = len(daemon.requests())
                comes_in.append(said(door, name, password, kind, mode=mode).startswith((b"OK", b"+OK")))
                (method, path, headers, body), = daemon.requests()[before:]
                asked.append((method, path, sorted((key.lower(), value) for key, value in headers if key.lower() != "host"),
                              body))
            with self.subTest(kind=kind.__name__, mode=mode, name=name, password=password):
                self.assertEqual(*asked)
                self.assertEqual([password == OURS] * 2, comes_in)


class Tls(Programs):
    def secure(self, names=("localhost", "127.0.0.1")):
        users = people()
        context = platform.certificates.server_context("http" + names[0], names=names)
        return self.daemon(DIALECTS["json"](users), context=context), list(users)[0]

    def test_https_is_verified(self):
        daemon, user = self.secure()
        ca = f'tls_ca = "{platform.certificates.ca}"\ntimeout = "20s"\n'
        for more, hears in ((ca, rb"^OK"), ('tls_verify = false\ntimeout = "20s"\n', rb"^OK"), ('timeout = "20s"\n', LATER)):
            with self.subTest(more):
                before = len(daemon.requests())
                self.assertRegex(said(self.proxy(directory(daemon.url(), "json", more)), user), hears)
                self.assertEqual(before + (hears != LATER), len(daemon.requests()), "a stranger is told no password")

    def test_the_name_counts(self):
        daemon, user = self.secure(names=("auth.elsewhere.example",))
        door = self.proxy(directory(daemon.url(), "json", f'tls_ca = "{platform.certificates.ca}"\ntimeout = "20s"\n'))
        self.assertRegex(said(door, user), LATER)
        self.assertEqual([], daemon.requests())
        self.assertIn("directory people: ", door.log_text())


class Trouble(Programs):
    """No wrong verdict, "try later" at once, back by itself; others are not concerned."""

    def suffer(self, dialect, break_it, mend_it, more=""):
        users = people()
        program = self.program(dialect, users)
        door = self.proxy(STATIC, directory(program.url(), dialect, more))
        user = list(users)[1]
        self.assertRegex(said(door, user), rb"^OK")
        break_it(program)
        for name, password in ((user, OURS), (user, "wrong"), ("nobody", OURS)):
            self.assertRegex(said(door, name, password), LATER, name)
        self.assertRegex(said(door, user, kind=Pop3), LATER)
        self.assertRegex(attempt(door, "bob", OURS), rb"OK", "of another directory")
        mend_it(program)
        wait_for(lambda: said(door, user).startswith(b"OK"), 120, what="users come in again", step=0.3)
        self.assertRegex(said(door, user, "wrong"), REFUSED)
        self.assertRegex(said(door, "nobody"), REFUSED)

    def test_killed_and_back(self):
        for dialect in DIALECTS:
            with self.subTest(dialect):
                self.suffer(dialect, AuthProgram.kill, AuthProgram.start)

    def test_stopped_and_back(self):
        def go_on(program):
            program.signal(signal.SIGCONT)

        for dialect in ("nginx", "json"):
            with self.subTest(dialect):
                self.suffer(dialect, lambda program: program.signal(signal.SIGSTOP), go_on, 'timeout = "1s"\n')

    def test_a_stopped_program_keeps_no_worker(self):
        """While logins wait for it, sessions go on and others come in."""
        users = people()
        program = self.program("json", users)
        door = self.proxy(STATIC, directory(program.url(), "json", 'timeout = "20s"\n'))
        with Imap.open(door) as session, contextlib.ExitStack() as wires:
            session.logged_in("bob", OURS)
            program.signal(signal.SIGSTOP)
            waiting = [wires.enter_context(Imap.open(door)) for _ in range(40)]
            for wire in waiting:
                wire.send(f'a LOGIN {list(users)[0]} "{OURS}"\r\n')
            for _ in range(5):
                session.ok("NOOP")
                self.assertRegex(attempt(door, "bob", OURS), rb"OK")
            program.signal(signal.SIGCONT)
            for wire in waiting:
                self.assertRegex(wire.until("a")[-1], rb"^a OK")

    def test_our_end_does_not_wait_for_its(self):
        daemon = self.daemon(lambda *_: 30.0)
        door = self.proxy(directory(daemon.url(), "json", 'timeout = "60s"\n'))
        with Imap.open(door) as wire:
            wire.send(f'a LOGIN t000 "{OURS}"\r\n')
            wait_for(daemon.requests, 30)
            door.stop()  # fails unless it ends by itself, and well

    def test_liars(self):
        """Whatever comes back: nobody is let in, nobody is told that his password is wrong, nobody else notices."""
        fine = b'{"verdict": "ok", "host": "a", "backend_password": "%s"}' % PASSWORD.encode()
        elsewhere = self.daemon(lambda *_: (200, {"Auth-Status": "OK", "Auth-Pass": PASSWORD}, fine))
        head = b"HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAuth-Pass: " + PASSWORD.encode() + b"\r\n"
        lies = {
            "garbage": b"\xff\xfe\x00\r\n\r\n", "nothing": b"", "no status": head.split(b"\r\n", 1)[1] + b"\r\n" + fine,
            "a head without an end": head, "another protocol": b"* OK ready\r\n", "too long a head":
            head + b"X: " + b"x" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n", "too many headers":
            head + b"".join(b"X-%d: y\r\n" % number for number in range(500)) + b"Content-Length: 0\r\n\r\n",
            "too long a body": head + b"Content-Length: 9000000\r\n\r\n" + fine + b" " * 9_000_000,
            "a body cut short": head + b"Content-Length: 500\r\n\r\n" + fine,
            "two lengths": head + b"Content-Length: 5\r\nContent-Length: 77\r\n\r\n" + fine,
            "a redirect": b"HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url().encode() + b"\r\nContent-Length: 0\r\n\r\n",
            "a permanent redirect": b"HTTP/1.1 308 Moved\r\nLocation: " + elsewhere.url().encode()
            + b"\r\nContent-Length: 0\r\n\r\n",
            "an error": b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", "a login page":
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>hi</html>",
            "no such page": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "not for us": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        }
        lie = {}
        daemon = self.daemon(lambda *_: lies[lie["now"]])
        doors = [self.proxy(STATIC, directory(daemon.url(), dialect, 'timeout = "2s"\n')) for dialect in DIALECTS]
        for lie["now"] in lies:
            for door, dialect in zip(doors, DIALECTS):
                with self.subTest(lie["now"], dialect=dialect):
                    self.assertRegex(said(door, "t003"), LATER)
        for door in doors:
            self.assertRegex(attempt(door, "bob", OURS), rb"OK")
            self.assertNotIn("canary", door.log_text())
        self.assertEqual([], elsewhere.requests())

    def test_a_wrong_place_is_nobodys(self):
        """T8, A2: nobody is led to a server that is not configured, nor does a name become a command at the backend."""
        places = ({"backend": "127.0.0.2:1"}, {"backend": "elsewhere"}, {"backend": "127.0.0.1:99999"},
                  {"backend_user": "t005\r\nUSER t006"}, {"backend_user": "t005\nA LOGOUT"}, {"backend_password": "x\r\nSTAT"},
                  {"backend_user": "t005\0"}, {"pool": "elsewhere"}, {"shard": "elsewhere"}, {"protocols": "nntp"},
                  {"valid_until": "tomorrow"}, {"networks": "everywhere"})
        lie = {}
        daemon = self.daemon(lambda *_: (200, {}, json_text({"verdict": "ok", "backend_password": PASSWORD, **lie})))
        door = self.proxy(STATIC, directory(daemon.url(), "json"))
        before = platform.a.log().count("Login: ") + platform.b.log().count("Login: ")
        for place in places:
            lie.clear()
            lie.update(place)
            for kind in (Imap, Pop3):
                with self.subTest(place, kind=kind.__name__):
                    answer = said(door, "t005", kind=kind)
                    self.assertNotRegex(answer, rb"^(OK|\+OK)")
                    self.assertNotRegex(answer, REFUSED)
        self.assertEqual(before, platform.a.log().count("Login: ") + platform.b.log().count("Login: "))
        lie.clear()
        self.assertRegex(said(door, "t005"), rb"^OK")

    def test_many_at_a_time_wait_for_nobody_else(self):
        """The program takes its time; each worker asks so many at a time, and all are answered."""
        def answer(*_):
            time.sleep(0.2)
            return 200, {}, json_text({"verdict": "ok", "backend_password": PASSWORD})

        door = self.proxy(STATIC, directory(self.daemon(answer).url(), "json", 'timeout = "20s"\n'))
        heard = []

        def one(user):
            heard.append(said(door, user, mode="off"))

        threads = [threading.Thread(target=one, args=(platform.fresh_user(),)) for _ in range(60)]
        for thread in threads:
            thread.start()
        self.assertRegex(attempt(door, "bob", OURS), rb"OK")
        for thread in threads:
            thread.join()
        self.assertEqual([], [each for each in heard if not each.startswith(b"OK")])

    def test_hundreds_in_flight(self):
        """A short form of bench/directories.py: what they hold is bounded, and others come in meanwhile."""
        def answer(*_):
            time.sleep(0.2)
            return 200, {}, b'{"verdict": "bad_credentials"}'

        door = self.proxy(STATIC, directory(self.daemon(answer).url(), "json", 'timeout = "60s"\n', "connections_max = 64\n"),
                          limits=LIMITS.replace('"30s"', '"60s"'))
        self.assertRegex(attempt(door, "bob", OURS), rb"OK")
        before, count = door.memory(), 400
        with contextlib.ExitStack() as wires:
            waiting = [wires.enter_context(Imap.open(door, mode="off", timeout=120)) for _ in range(count)]
            for number, wire in enumerate(waiting):
                wire.send(f'a LOGIN user{number} "{OURS}"\r\n')
            for _ in range(3):
                self.assertRegex(attempt(door, "bob", OURS), rb"OK")
            held = door.memory() - before
            for wire in waiting:
                self.assertRegex(wire.until("a")[-1], rb"^a NO \[AUTHENTICATIONFAILED\]")
        self.assertLess(held / count, 256 * 1024)


def json_text(value):
    return json.dumps(value).encode()


if __name__ == "__main__":
    unittest.main()
