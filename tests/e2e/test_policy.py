"""The policy server: what it is asked, what its answers do, and what happens when it says nothing or nonsense."""

import base64
import hashlib
import http.server
import json
import os
import ssl
import threading
import time
import unittest

from tests.e2e.harness import PASSWORD, MASTER, MASTER_PASSWORD, Imap, Platform, Pop3, wait_for

LIMITS = '[limits]\nauth_failure_delay = "100ms"'
platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


class Wforce:
    """A small server. `answers`: by login and command, what is said: a status, or raw bytes, or seconds of silence."""

    def __init__(self):
        self.asked, self.answers, self.lock = [], {}, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                command = self.path.split("?command=")[1]
                with outer.lock:
                    outer.asked.append((command, body, self.headers.get("Authorization")))
                    answer = outer.answers.get((body["login"], command), outer.answers.get((body["login"], None), 0))
                    if isinstance(answer, list):
                        answer = answer.pop(0) if answer else 0
                outer.say(self, answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # whoever asked has left
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @staticmethod
    def say(handler, answer):
        if isinstance(answer, float):
            time.sleep(answer)
            answer = 0
        if isinstance(answer, bytes):
            handler.wfile.write(answer)
            handler.close_connection = True
            return
        body = json.dumps({"status": answer, "msg": ""}).encode() if isinstance(answer, int) else answer.encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def of(self, login, command=None):
        with self.lock:
            return [(said, body) for said, body, _ in self.asked if body["login"] == login and command in (None, said)]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Policies(unittest.TestCase):
    def setUp(self):
        self.wforce = Wforce()
        self.addCleanup(self.wforce.stop)

    def proxy(self, more="", url=None, **sections):
        return platform.postigo(limits=LIMITS, policy=f'[policy]\nurl = "{url or self.wforce.url}"\n{more}', **sections)

    def login(self, proxy, user, password=PASSWORD):
        with Imap.open(proxy, mode="off") as wire:
            start = time.monotonic()
            return wire.login(user, password)[-1], time.monotonic() - start


class Asked(Policies):
    """What it is told."""

    def test_allow_and_report(self):
        proxy = self.proxy()
        user = platform.fresh_user()
        with Imap.open(proxy) as wire:
            self.assertRegex(wire.login(user, "wrong")[-1], rb"^NO \[AUTHENTICATIONFAILED\]")
            wire.logged_in(user, PASSWORD)
        with Pop3.open(proxy, mode="off") as wire:
            wire.logged_in(user, PASSWORD)
        wait_for(lambda: len(self.wforce.of(user, "report")) == 3, what="three reports")
        allows = [body for _, body in self.wforce.of(user, "allow")]
        self.assertEqual([("imap", True), ("imap", True), ("pop3", False)],
                         [(body["protocol"], body["tls"]) for body in allows])
        for body in allows:
            self.assertEqual("127.0.0.1", body["remote"])
            self.assertNotIn("pwhash", body)
        reports = [body for _, body in self.wforce.of(user, "report")]
        self.assertEqual([False, True, True], sorted(body["success"] for body in reports))
        self.assertEqual(["credentials"], [body["fail_type"] for body in reports if not body["success"]])
        sessions = {line["id"] for line in proxy.wait_session(2)}
        self.assertEqual(sessions, {body["session_id"] for body in allows})
        scrape = proxy.metrics()
        self.assertEqual(3, scrape.sum("postigo_policy_answers_total", result="allowed"))
        wait_for(lambda: proxy.metrics().sum("postigo_policy_reports_total") == 3, what="three answers to reports")
        self.assertEqual(0, scrape.sum("postigo_policy_reports_lost_total"))

    def test_hash_and_authentication(self):
        folder = platform.scratch()
        for name, text in (("nonce", "salt"), ("secret", "canary-policy")):
            with open(os.path.join(folder, name), "w", encoding="ascii",
                      opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(text)
        proxy = self.proxy(f'pwhash = true\npwhash_nonce_file = "{folder}/nonce"\npassword_file = "{folder}/secret"')
        user = platform.fresh_user()
        self.login(proxy, user)
        digest = hashlib.sha256(b"salt" + user.encode() + b"\0" + PASSWORD.encode()).digest()
        expected = f"{int.from_bytes(digest[:2], 'big') >> 4:04x}"
        self.assertEqual([expected], [body["pwhash"] for _, body in self.wforce.of(user, "allow")])
        authorization = {header for _, _, header in self.wforce.asked}
        self.assertEqual({"Basic " + base64.b64encode(b"wforce:canary-policy").decode()}, authorization)
        self.assertNotIn("canary-policy", proxy.log_text() + str(proxy.ctl("config")))

    def test_before_and_after_a_directory(self):
        directory = ('[[directory]]\nname = "d"\ntype = "static"\ncheck_password = true\n'
                     f'[[directory.user]]\nname = "u1"\npassword = "{{PLAIN}}right"\n')
        auth = (f'[auth.backend_login]\nmode = "master_separator"\nmaster_user = "{MASTER}"\n'
                f'master_password = "{MASTER_PASSWORD}"\n')
        proxy = self.proxy(directories=directory, auth=auth)
        self.assertRegex(self.login(proxy, "u1", "right")[0], rb"^OK")
        self.assertEqual(2, len(self.wforce.of("u1", "allow")))
        self.assertRegex(self.login(proxy, "u1", "wrong")[0], rb"^NO")
        self.assertEqual(3, len(self.wforce.of("u1", "allow")))
        self.wforce.answers["u1", "allow"] = [0, -1]
        self.assertRegex(self.login(proxy, "u1", "right")[0], rb"^NO \[AUTHENTICATIONFAILED\]")
        self.assertEqual(1, len(proxy.wait_lines("login_refused", reason="policy")))


class Answers(Policies):
    """What its words do."""

    def test_a21_refused_in_the_words_of_a_wrong_password(self):
        proxy = self.proxy()
        user, other = platform.fresh_user(), platform.fresh_user()
        self.wforce.answers[user, "allow"] = -1
        said, seconds = self.login(proxy, user)
        self.assertEqual(self.login(proxy, other, "wrong")[0], said)
        self.assertGreater(seconds, 0.09)
        wait_for(lambda: self.wforce.of(user, "report"), what="a report")
        report = self.wforce.of(user, "report")[0][1]
        self.assertEqual((False, True, "policy"), (report["success"], report["policy_reject"], report["fail_type"]))
        self.assertEqual(1, proxy.metrics().sum("postigo_policy_answers_total", result="refused"))

    def test_delayed_by_so_many_seconds(self):
        proxy = self.proxy()
        user = platform.fresh_user()
        self.wforce.answers[user, "allow"] = 2
        said, seconds = self.login(proxy, user)
        self.assertRegex(said, rb"^OK")
        self.assertGreater(seconds, 1.9)
        self.assertGreater(proxy.wait_lines("login", user=user)[0]["delayed"], 1.9)

    def test_a_client_that_leaves_while_it_is_asked(self):
        proxy = self.proxy('timeout = "5s"')
        user = platform.fresh_user()
        self.wforce.answers[user, "allow"] = 3.0
        for _ in range(5):
            wire = Imap.open(proxy, mode="off")
            wire.send(f"a LOGIN {user} x\r\n")
            wait_for(lambda: self.wforce.of(user, "allow"), what="the question")
            wire.reset()
        proxy.wait_session(5)
        self.assertRegex(self.login(proxy, platform.fresh_user())[0], rb"^OK")


class Silence(Policies):
    """Nothing, or nonsense."""

    NONSENSE = {
        "garbage": b"\x00\xff garbage\r\n\r\n",
        "status 500": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "an end": b"",
        "no JSON": "hello",
        "no status": "{}",
        "a text as status": '{"status": "0"}',
        "an array": "[1]",
        "too much": "[" * 300_000,
        "cut": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": -1}',
    }

    def test_nonsense_open_and_closed(self):
        for on_failure, expected in (("open", rb"^OK"), ("closed", rb"^NO \[UNAVAILABLE\]")):
            proxy = self.proxy(f'on_failure = "{on_failure}"')
            for what, answer in self.NONSENSE.items():
                with self.subTest(what, on_failure=on_failure):
                    user = platform.fresh_user()
                    self.wforce.answers[user, None] = answer
                    self.assertRegex(self.login(proxy, user)[0], expected)
            self.assertEqual(len(self.NONSENSE), proxy.metrics().sum("postigo_policy_answers_total", result="failed"))
            self.assertGreaterEqual(len(proxy.wait_lines("policy_failed")), 1)
            self.assertLessEqual(len(proxy.lines("policy_failed")), 2 * 3, "once in a minute by each worker")

    def test_nobody_listens(self):
        proxy = self.proxy(url="http://127.0.0.1:1/")
        self.assertRegex(self.login(proxy, platform.fresh_user())[0], rb"^OK")
        proxy = self.proxy('on_failure = "closed"', url="http://policy.invalid:8084/")
        self.assertRegex(self.login(proxy, platform.fresh_user())[0], rb"^NO \[UNAVAILABLE\]")
        self.assertEqual(1, len(proxy.wait_lines("login_refused", reason="policy_away")))

    def test_a_certificate_that_nobody_trusts_is_no_answer(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*platform.certificates.server)
        self.wforce.server.socket = context.wrap_socket(self.wforce.server.socket, server_side=True)
        proxy = self.proxy('on_failure = "closed"', url=self.wforce.url.replace("http:", "https:"))
        self.assertRegex(self.login(proxy, platform.fresh_user())[0], rb"^NO \[UNAVAILABLE\]")
        self.assertEqual([], self.wforce.asked)
        self.assertIn("certificate", proxy.wait_lines("policy_failed")[0]["detail"].lower())

    def test_by_name(self):
        proxy = self.proxy(url=self.wforce.url.replace("127.0.0.1", "localhost"))
        user = platform.fresh_user()
        self.assertRegex(self.login(proxy, user)[0], rb"^OK")
        self.assertEqual(1, len(self.wforce.of(user, "allow")))

    def test_a_slow_one_holds_up_nobody_but_those_it_is_asked_about(self):
        proxy = self.proxy('timeout = "1s"\non_failure = "open"')
        slow, quick = platform.fresh_user(), platform.fresh_user()
        self.wforce.answers[slow, "allow"] = 5.0
        with Imap.open(proxy, mode="off") as waiting:
            waiting.send(f"a LOGIN {slow} {PASSWORD}\r\n")
            wait_for(lambda: self.wforce.of(slow, "allow"), what="the question")
            self.assertRegex(self.login(proxy, quick)[0], rb"^OK")
            self.assertRegex(waiting.until("a")[-1], rb"^a OK")

    def test_the_end_of_the_process_and_reloads_wait_for_nobody(self):
        proxy = self.proxy('timeout = "5s"')
        user = platform.fresh_user()
        self.wforce.answers[user, None] = 4.0
        with Imap.open(proxy, mode="off") as wire:
            wire.send(f"a LOGIN {user} {PASSWORD}\r\n")
            wait_for(lambda: self.wforce.of(user, "allow"), what="the question")
            proxy.write(policy="")
            proxy.ctl("reload")
            self.assertRegex(self.login(proxy, platform.fresh_user())[0], rb"^OK")
            self.assertRegex(wire.until("a")[-1], rb"^a OK")
        proxy.write(policy=f'[policy]\nurl = "{self.wforce.url}"\ntimeout = "30s"')
        proxy.ctl("reload")
        with Imap.open(proxy, mode="off") as wire:
            wire.send(f"a LOGIN {user} {PASSWORD}\r\n")
            wait_for(lambda: len(self.wforce.of(user, "allow")) == 2, what="the question")
            proxy.stop()
