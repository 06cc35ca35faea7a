"""The admin API on TCP, by tokens; several doors at once; another configuration against the one that runs."""

import http.client
import json
import os
import re
import socket
import subprocess
import threading
import unittest

from tests.e2e.harness import Imap, Platform
from tests.e2e.harness.dovecot import PASSWORD
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.postigo import postigo

READER, OPERATOR = "reader-token-0123456789abcdef", "operator-token-0123456789abcdef"
MASTER = "canary-of-the-master"

platform = None


def setUpModule():
    global platform
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


def secret_file(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii", opener=lambda where, flags: os.open(where, flags, 0o600)) as file:
        file.write(text + "\n")
    return path


def tried(*words, **environment):
    """Exit code, standard output and error of `postigo ctl`."""
    done = subprocess.run([postigo(), "ctl", *words], capture_output=True, text=True, timeout=60, check=False,
                          env=dict(os.environ, **environment))
    return done.returncode, done.stdout, done.stderr


class Api(unittest.TestCase):
    def setUp(self):
        self.api, = free_ports(1)
        self.url = f"http://127.0.0.1:{self.api}"
        self.folder = platform.scratch()
        self.tokens = {name: secret_file(self.folder, name, token)
                       for name, token in (("reader", READER), ("operator", OPERATOR))}
        self.proxy = platform.postigo(start=False)
        self.proxy.sections["admin"] += f'\napi_address = "127.0.0.1:{self.api}"\n' + "".join(
            f'[[admin.token]]\nname = "{name}"\nrole = "{role}"\ntoken_file = "{self.tokens[name]}"\n'
            for name, role in (("reader", "read"), ("operator", "operate")))
        self.proxy.write()
        self.proxy.start()
        self.addCleanup(self.proxy.stop)

    def request(self, method, path, token=None, body=None, **fields):
        wire = http.client.HTTPConnection("127.0.0.1", self.api, timeout=20)
        self.addCleanup(wire.close)
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        wire.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        answer = wire.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers

    def post(self, path, token, body=None):
        return self.request("POST", path, token, json.dumps(body or {}), Content_Type="application/json")[:2]

    # --- who may ---
    def test_roles(self):
        self.assertEqual((200, "serving"), (lambda answer: (answer[0], answer[1]["state"]))(
            self.request("GET", "/api/v1/status", READER)))
        status, answer = self.post("/api/v1/kick", READER, {"user": "nobody"})
        self.assertEqual((403, "kick is for those who operate: this token may only read"), (status, answer["error"]))
        self.assertEqual((200, 0), (lambda answer: (answer[0], answer[1]["ended"]))(
            self.post("/api/v1/kick", OPERATOR, {"user": "nobody"})))
        action, = self.proxy.wait_lines("admin_action")
        self.assertEqual(("token operator", "kick", "done"), (action["by"], action["verb"], action["result"]))

    def test_every_verb_needs_its_role(self):
        _, document, _ = self.request("GET", "/api/v1/openapi.json", READER)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if method == "get":
                    self.assertNotIn(self.request("GET", path, READER)[0], (401, 403), path)
                else:
                    self.assertEqual(403, self.post(path, READER)[0], path)
                    self.assertEqual("operate", operation["x-role"])
                self.assertEqual(401, self.request(method.upper(), path, None, "{}" if method == "post" else None,
                                                   Content_Type="application/json")[0], path)

    def test_strangers(self):
        for token in (None, "", "x", READER[:-1], READER + "x", READER.upper(), OPERATOR + " " + READER):
            status, answer, head = self.request("GET", "/api/v1/status", token)
            self.assertEqual((401, ["error"], "Bearer"), (status, list(answer), head["WWW-Authenticate"]), token)
        self.assertEqual(401, self.request("GET", "/api/v1/status", Authorization=f"Basic {READER}")[0])
        self.assertEqual(200, self.request("GET", "/api/v1/status", Authorization=f"bearer {READER}")[0])
        self.assertEqual(401, self.request("GET", f"/api/v1/status?token={READER}")[0])
        self.assertRegex(self.proxy.wait_lines("api_stranger")[0]["client"], r"^127\.0\.0\.1:\d+$")

    def test_a_stranger_s_body_is_not_waited_for(self):
        with socket.create_connection(("127.0.0.1", self.api), 10) as wire:
            wire.sendall(b"POST /api/v1/kick HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
            self.assertTrue(wire.recv(100).startswith(b"HTTP/1.1 401 "))

    def test_requests_are_bounded(self):
        body = json.dumps({"user": "x" * 1_100_000})
        self.assertEqual(413, self.request_raw(body))
        self.assertEqual(415, self.request("POST", "/api/v1/kick", OPERATOR, '{"user": "x"}', Content_Type="text/plain")[0])

    def request_raw(self, body):
        with socket.create_connection(("127.0.0.1", self.api), 10) as wire:
            wire.sendall(f"POST /api/v1/kick HTTP/1.1\r\nAuthorization: Bearer {OPERATOR}\r\nContent-Type: application/json\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n".encode())
            return int(wire.recv(100).split()[1])

    def test_tokens_are_exchanged_by_reload(self):
        fresh = "another-token-0123456789abcdef"
        secret_file(self.folder, "reader", fresh)
        self.assertEqual(200, self.request("GET", "/api/v1/status", READER)[0])
        self.proxy.ctl("reload")
        self.assertEqual(401, self.request("GET", "/api/v1/status", READER)[0])
        self.assertEqual(200, self.request("GET", "/api/v1/status", fresh)[0])

    def test_a33_tokens_are_shown_nowhere(self):
        for path in ("config", "diff", "status", "who"):
            said = json.dumps(self.request("GET", f"/api/v1/{path}", READER)[1])
            self.assertNotIn(READER, said)
            self.assertNotIn(OPERATOR, said)
        self.request("GET", "/api/v1/status", OPERATOR + "x")
        self.assertNotIn("0123456789abcdef", self.proxy.log_text())

    def test_metrics_stay_without_a_token(self):
        self.assertTrue(self.proxy.metrics().has("postigo_config_info"))

    def test_who_talks_most(self):
        users = [platform.fresh_user() for _ in range(5)]
        for count, user in zip((3, 40, 1, 90, 10), users):
            wire = Imap.open(self.proxy).logged_in(user, PASSWORD)
            self.addCleanup(wire.close)
            for _ in range(count):
                wire.ok("NOOP")
        for limit in (1, 2, 5):
            _, answer, _ = self.request("GET", f"/api/v1/who?by=bytes&limit={limit}", READER)
            self.assertEqual([users[at] for at in (3, 1, 4, 0, 2)][:limit], [row["user"] for row in answer["sessions"]])
        self.assertEqual(422, self.request("GET", "/api/v1/who?by=name", READER)[0])

    # --- ctl ---
    def test_ctl_by_url(self):
        code, out, err = tried("--url", self.url, "--token-file", self.tokens["reader"], "--json", "status")
        self.assertEqual((0, "serving", ""), (code, json.loads(out)["state"], err))
        code, out, _ = tried("--url", self.url + "/", "version", POSTIGO_TOKEN=READER)
        self.assertEqual(0, code)
        self.assertEqual((1, "postigo ctl: stop is for those who operate: this token may only read\n"), (
            tried("--url", self.url, "stop", POSTIGO_TOKEN=READER)[::2]))
        self.assertEqual((1, "postigo ctl: no token, or none that is known here\n"), (
            tried("--url", self.url, "status", POSTIGO_TOKEN="x" * 30)[::2]))

    def test_ctl_says_what_is_wrong_with_a_url(self):
        port, = free_ports(1)
        for words, line in (
                (("--url", self.url), "a url needs a token: --token-file FILE, or POSTIGO_TOKEN in the environment"),
                (("--url", "https://x"), '"https://x": TLS is not spoken here: reach it through a tunnel, as ssh -L makes one'),
                (("--url", "ftp://x"), '"ftp://x" must begin with http://'),
                (("--url", self.url, "--token-file", "/nonexistent/t"),
                 'cannot open "/nonexistent/t": No such file or directory')):
            code, out, err = tried(*words, "status")
            self.assertEqual((3, "", f"postigo ctl: {line}\n"), (code, out, err))
        code, _, err = tried("--url", f"http://127.0.0.1:{port}", "status", POSTIGO_TOKEN=READER)
        self.assertEqual((1, f"postigo ctl: cannot connect to http://127.0.0.1:{port}: Connection refused\n"), (code, err))
        self.assertEqual(2, tried("--url", self.url, "--socket", "/x", "status")[0])
        self.assertEqual(2, tried("--token-file", "/x", "status")[0])


class Check(unittest.TestCase):
    """What `check` says of the API on TCP."""

    def said(self, admin):
        proxy = platform.postigo(start=False, admin=admin)
        done = proxy.tool("check", check=False)
        return done.returncode, re.sub(r"(?m)^.*postigo\.toml:\d+:\d+: ", "", done.stderr).strip()

    def test_what_would_be_unsafe_or_useless(self):
        token = f'\n[[admin.token]]\nname = "t"\nrole = "read"\ntoken_file = "{secret_file(platform.scratch(), "t", READER)}"'
        local, open_to_all = '[admin]\napi_address = "127.0.0.1:19091"', '[admin]\napi_address = "0.0.0.0:19091"'
        self.assertEqual((0, ""), self.said(local + token))
        for admin, words in (
                (local, "admin.api_address: nobody could use it: add an [[admin.token]]"),
                (open_to_all + token, "admin.api_address: is no loopback address, and HTTP without TLS shows tokens"),
                (local + '\n[[admin.token]]\nname = "t"', "write one of token, token_file and token_env"),
                (local + '\n[[admin.token]]\nname = "t"\ntoken = "short"', "admin.token.token: must have at least 20 characters"),
                (local + token.replace("read", "write"), "expected \"read\" or \"operate\""),
                (local + token + token.replace('"t"', '"u"'), 'admin.token.token: is that of "t"'),
                (local + token + token, "is taken"),
                ('[admin]\naddress = "127.0.0.1:19091"\napi_address = "127.0.0.1:19091"' + token, "is already the address of [admin]")):
            code, said = self.said(admin)
            self.assertEqual(3, code, admin)
            self.assertIn(words, said)
        code, said = self.said(open_to_all + "\napi_plaintext = true" + token)
        self.assertEqual(0, code)
        self.assertIn("tokens cross the network in the clear", said)
        code, said = self.said("[admin]" + token)
        self.assertEqual(0, code)
        self.assertIn("has no effect without api_address", said)


class Doors(unittest.TestCase):
    def setUp(self):
        self.folder = platform.scratch()
        self.doors = os.path.join(self.folder, "ctl.toml")
        self.proxies = [platform.postigo() for _ in range(2)]
        for proxy in self.proxies:
            self.addCleanup(proxy.stop)
        self.away, = free_ports(1)
        self.write("".join(f'[[door]]\nname = "{name}"\nsocket = "{proxy.admin_socket}"\n'
                           for name, proxy in zip("ab", self.proxies)) +
                   f'[[door]]\nname = "gone"\nurl = "http://127.0.0.1:{self.away}"\ntoken = "{READER}"\n')

    def write(self, text):
        secret_file(self.folder, "ctl.toml", text)

    def test_each_of_them(self):
        code, out, err = tried("--doors", self.doors, "--door", "a,b", "status")
        self.assertEqual((0, ""), (code, err))
        heads = re.findall(r"(?m)^== (\w+) ==$", out)
        self.assertEqual(["a", "b"], heads)
        self.assertEqual(2, out.count("state: serving"))
        self.proxies[1].ctl("drain", "--over", "1h")
        _, out, _ = tried("--doors", self.doors, "--door", "b,a", "--json", "status")
        answers = json.loads(out)
        self.assertEqual([("b", "draining"), ("a", "serving")], [(name, each["state"]) for name, each in answers.items()])

    def test_one_that_is_away(self):
        code, out, err = tried("--doors", self.doors, "--door", "a,gone,b", "version")
        self.assertEqual(1, code, "the worst of them")
        self.assertEqual(f"postigo ctl: gone: cannot connect to http://127.0.0.1:{self.away}: Connection refused\n", err)
        self.assertEqual(2, out.count("boringssl: "))
        code, out, _ = tried("--doors", self.doors, "--door", "gone,b", "--json", "version")
        answers = json.loads(out)
        self.assertEqual((1, ["error"], True), (code, list(answers["gone"]), "version" in answers["b"]))

    def test_what_changes_something_is_done_everywhere(self):
        code, _, _ = tried("--doors", self.doors, "--door", "a,b", "kick", "--user", "nobody")
        self.assertEqual(0, code)
        for proxy in self.proxies:
            self.assertEqual(1, len(proxy.wait_lines("admin_action", verb="kick")))

    def test_the_file_in_his_home(self):
        home = os.path.join(self.folder, "home")
        os.makedirs(os.path.join(home, ".config", "postigo"))
        os.rename(self.doors, os.path.join(home, ".config", "postigo", "ctl.toml"))
        self.assertEqual(0, tried("--door", "a", "status", HOME=home, XDG_CONFIG_HOME="")[0])
        self.assertEqual(0, tried("--door", "a", "status", XDG_CONFIG_HOME=os.path.join(home, ".config"))[0])

    def test_what_makes_no_sense(self):
        code, _, err = tried("--doors", self.doors, "--door", "a,gon", "status")
        self.assertEqual((3, f'postigo ctl: {self.doors} has no door "gon" (did you mean "gone"?)\n'), (code, err))
        code, _, err = tried("--doors", "/nonexistent/ctl.toml", "--door", "a", "status")
        self.assertEqual((3, "/nonexistent/ctl.toml: cannot open it: No such file or directory\n"), (code, err))
        self.write('[[door]]\nname = "a"\n[[door]]\nname = "b"\nurl = "http://x"\n[[door]]\nname = "b"\nsocket = "x"\nsokket = 1\n'
                   '[[door]]\nname = "c"\nurl = "https://x"\ntoken = "t"')
        code, _, err = tried("--doors", self.doors, "--door", "a", "status")
        self.assertEqual(3, code)
        for words in ("1:1: door: write one of socket and url", "a url needs token, token_file or token_env",
                      'the name "b" is taken', 'unknown key (did you mean "socket"?)', "TLS is not spoken here"):
            self.assertIn(words, err)


def misfits(schema, value, where="answer"):
    """What of a value is not as its schema (the part of JSON Schema that the document uses) says."""
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
    kind = kinds[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return [f"{where} is {value!r}, not {schema['type']}"]
    found = []
    if schema["type"] == "array":
        for number, item in enumerate(value):
            found += misfits(schema["items"], item, f"{where}[{number}]")
    if schema["type"] == "object":
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            if name in known:
                found += misfits(known[name], item, f"{where}.{name}")
            elif more is False:
                found.append(f"{where}.{name} is not in the document")
            elif isinstance(more, dict):
                found += misfits(more, item, f"{where}.{name}")
    return found


class Document(unittest.TestCase):
    """The document of the API tells the truth about every answer."""

    def setUp(self):
        self.folder = platform.scratch("traces")
        os.chmod(self.folder, 0o777)
        self.proxy = platform.postigo(start=False)
        self.proxy.sections["admin"] += f'\ntrace_folder = "{self.folder}"'
        self.proxy.write()
        self.proxy.start()
        self.addCleanup(self.proxy.stop)

    def ask(self, method, path, body=None):
        wire = socket.socket(socket.AF_UNIX)
        self.addCleanup(wire.close)
        wire.settimeout(20)
        wire.connect(self.proxy.admin_socket)
        client = http.client.HTTPConnection("postigo")
        client.sock = wire
        client.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())

    def test_every_answer(self):
        wire = Imap.open(self.proxy).logged_in(platform.fresh_user(), PASSWORD)
        self.addCleanup(wire.close)
        strange = Imap.open(self.proxy)
        self.addCleanup(strange.close)
        document = self.ask("GET", "/api/v1/openapi.json")[1]
        error = document["components"]["schemas"]["Error"]
        other = platform.postigo(start=False)
        other.sections = dict(self.proxy.sections)
        other.write(limits='[limits]\nlogin_timeout = "44s"', backends=self.proxy.sections["backends"] + "\npass_alerts = true")
        self.assertEqual(1, len(self.proxy.ctl("diff", other.file)["touched"]))
        asked = [("get", verb, None) for verb in ("status", "version", "who", "who?by=bytes&limit=1", "backends", "listeners", "certs", "config", "diff", "users",
                                                  "penalties", "totals", "problems", "route?user=x")]
        asked += [("post", verb, body) for verb, body in (
            ("kick", {"user": "nobody"}), ("backend", {"name": "a", "state": "weight", "weight": 5}), ("trace", {"whom": "x"}),
            ("backend", {"name": "a", "state": "auto"}), ("forgive", {"whom": "192.0.2.0/24"}), ("cache", {"action": "flush"}), ("reload", {}), ("log", {"action": "level", "level": "info"}),
            ("log", {"action": "reopen"}), ("drain", {"over": "1h"}), ("undrain", {}),
            ("diff", {"configuration": {"nonce": "0" * 32, "values": [{"key": "server.workers", "value": "7"}]}}),
            ("move", {"user": "x", "to": "a"}), ("hold", {"user": "x"}), ("release", {"user": "x"}), ("flush", {}),
            ("upgrade", {}), ("stop", {}))]
        # Not done: the same, and always with a line.
        refused = [("get", "route", None), ("get", "who?address=x", None), ("get", "who?limit=x", None), ("post", "kick", {}),
                   ("post", "backend", {"name": "zzz", "state": "auto"}), ("post", "log", {"action": "level"}),
                   ("post", "trace", {"whom": "x", "for": "9d"}), ("post", "move", {"user": "x", "to": "zzz"}),
                   ("post", "flush", {"name": "zzz"}), ("post", "hold", {"user": "x", "max": "9d"}), ("post", "diff", {"configuration": {}})]
        for method, target, body in refused:
            status, answer = self.ask(method.upper(), f"/api/v1/{target}", body)
            self.assertNotEqual(200, status, target)
            self.assertEqual([], misfits(error, answer), target)
        seen = set()
        for method, target, body in asked:
            path = "/api/v1/" + target.split("?")[0]
            status, answer = self.ask(method.upper(), f"/api/v1/{target}", body)
            schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
            self.assertEqual((200, []), (status, misfits(schema, answer)), target)
            seen.add((path, method))
        self.assertEqual({(path, method) for path, operations in document["paths"].items() for method in operations}, seen)


class Versions(unittest.TestCase):
    """What runs may be older or newer than `postigo ctl`."""

    def answer(self, version, status="200 OK", body="{}"):
        """A server that says this once; what `ctl status` makes of it."""
        path = os.path.join(platform.scratch(), "sock")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()

            def serve():
                wire, _ = listening.accept()
                wire.recv(65536)
                wire.sendall(f"HTTP/1.1 {status}\r\n{version}\r\n{body}".encode())
                wire.close()

            thread = threading.Thread(target=serve)
            thread.start()
            said = tried("--socket", path, "status")
            thread.join()
        return said

    def test_one_line_of_warning_and_the_answer(self):
        code, out, err = self.answer("Postigo-Version: 99.1\r\n", body='{"state": "serving"}')
        self.assertEqual((0, "state: serving\n"), (code, out))
        self.assertRegex(err, r"^postigo ctl: warning: this is version [\d.]+, what runs there is 99\.1\n$")
        own = subprocess.run([postigo(), "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        self.assertEqual((0, ""), self.answer(f"Postigo-Version: {own}\r\n")[::2])
        self.assertEqual((0, ""), self.answer("")[::2], "an old one does not say")

    def test_a_verb_that_it_does_not_know(self):
        code, _, err = self.answer("Postigo-Version: 0.1\r\n", "404 Not Found", '{"error": "there is no such verb"}')
        self.assertEqual(1, code)
        self.assertEqual(2, len(err.splitlines()))
        self.assertTrue(err.endswith("postigo ctl: there is no such verb\n"))

    def test_answers_that_are_none(self):
        for body, line in (("no", "the answer is not JSON, or not all of it came"), ('{"a": ', "the answer is not JSON, or not all of it came")):
            self.assertEqual((1, f"postigo ctl: {line}\n"), self.answer("", body=body)[::2])
        self.assertEqual((1, "postigo ctl: too long\n"), self.answer("", "413 Content Too Large", "too long\n")[::2])


class Against(unittest.TestCase):
    """Another file against what runs: nothing takes effect, and no secret is told."""

    def setUp(self):
        self.folder = platform.scratch()
        secret = secret_file(self.folder, "master", MASTER)
        self.user = platform.fresh_user()
        auth = f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "m"\nmaster_password_file = "{secret}"'
        self.proxy = platform.postigo(auth=auth)
        self.addCleanup(self.proxy.stop)
        self.other = platform.postigo(start=False, auth=auth)
        self.other.sections = dict(self.proxy.sections)

    def diff(self, **sections):
        self.other.write(**sections)
        return self.proxy.ctl("diff", self.other.file)

    def test_nothing_differs(self):
        answer = self.diff()
        self.assertEqual(([], []), (answer["changes"], answer["touched"]))

    def test_keys_sessions_and_secrets(self):
        wire = Imap.open(self.proxy).logged_in(self.user, PASSWORD)
        self.addCleanup(wire.close)
        wire.ok("NOOP")  # it is relayed and counted then
        fresh = secret_file(self.folder, "fresh", "another-canary")
        answer = self.diff(
            limits='[limits]\nlogin_timeout = "44s"',
            backends=self.proxy.sections["backends"].replace('name = "a"', 'name = "z"'), pool="",
            auth=self.proxy.sections["auth"].replace("/master", "/fresh"),
            listeners=self.proxy.sections["listeners"].replace('name = "imaps"', 'name = "imaps-new"'))
        changes = {row["key"]: (row["before"], row["after"]) for row in answer["changes"]}
        self.assertEqual(("1m", "44s"), changes["limits.login_timeout"])
        self.assertEqual(("***", "***"), changes["auth.backend_login.master_password"])
        touched = {row["touched"]: row for row in answer["touched"]}
        self.assertEqual(("removed", 1, "stay"), tuple(touched["backend a"][key] for key in ("change", "sessions", "they")))
        self.assertEqual(("removed", 1), tuple(touched["listener imaps"][key] for key in ("change", "sessions")))
        self.assertNotIn("canary", json.dumps(answer) + self.proxy.log_text())
        self.assertTrue(os.path.exists(fresh))
        self.assertEqual([], self.proxy.ctl("diff")["changes"], "nothing took effect")
        wire.ok("NOOP")

    def test_a_changed_backend(self):
        wire = Imap.open(self.proxy).logged_in(self.user, PASSWORD)
        self.addCleanup(wire.close)
        wire.ok("NOOP")  # it is relayed and counted then
        answer = self.diff(backends=self.proxy.sections["backends"] + "\npass_alerts = true")
        self.assertEqual([("backend a", "changed", 1)], [
            (row["touched"], row["change"], row["sessions"]) for row in answer["touched"]])

    def test_check_against_running(self):
        self.other.write(limits='[limits]\nlogin_timeout = "44s"')
        done = self.other.tool("check", "--against-running")
        self.assertRegex(done.stdout, r": ok \(")
        self.assertRegex(done.stdout, r"(?m)^limits\.login_timeout +1m +44s +false$")
        word = subprocess.run([postigo(), "check", "--against-running", self.other.file], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, word.stdout)
        self.other.write(limits='[limits]\nlogin_timout = "44s"')
        done = self.other.tool("check", "--against-running", check=False)
        self.assertEqual((3, ""), (done.returncode, done.stdout))

    def test_a_file_with_errors(self):
        self.other.write(limits='[limits]\nlogin_timout = "44s"')
        code, out, err = tried("--socket", self.proxy.admin_socket, "diff", self.other.file)
        self.assertEqual((3, ""), (code, out))
        self.assertRegex(err, r"postigo\.toml:\d+:\d+: limits\.login_timout: unknown key")

    def test_what_is_no_listing(self):
        for listing in ("{}", '{"nonce": "x", "values": []}', '{"nonce": "' + "0" * 32 + '", "values": [1]}',
                        '{"nonce": "' + "0" * 32 + '", "values": {}}', "[]", '"/etc/shadow"', "7"):
            body = f'{{"configuration": {listing}}}'
            with socket.socket(socket.AF_UNIX) as wire:
                wire.settimeout(10)
                wire.connect(self.proxy.admin_socket)
                wire.sendall(f"POST /api/v1/diff HTTP/1.1\r\nContent-Type: application/json\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
                self.assertTrue(wire.recv(100).startswith(b"HTTP/1.1 422 "), listing)


if __name__ == "__main__":
    unittest.main()
