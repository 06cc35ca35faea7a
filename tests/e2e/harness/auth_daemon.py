"""A program that is asked over HTTP whether somebody may come in: an nginx auth_http daemon, one that speaks our JSON,
one that speaks Nauthilus'.

    python3 -m tests.e2e.harness.auth_daemon DIALECT PORT USERS.json
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

from tests.e2e.harness.dovecot import PASSWORD, SOURCE
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, wait_for


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, *_):
        pass  # whoever asked has left


class AuthDaemon:
    """`answer`: from (method, path, headers, body) to (status, headers, body), raw octets, or seconds of silence.

    In a thread of the test. `context`: for HTTPS. `connections`: how many have been made."""

    def __init__(self, answer, port=0, context=None):
        self.asked, self.answer, self.lock, self.connections = [], answer, threading.Lock(), 0
        self.scheme = "http" if context is None else "https"
        self.server = _Server(("127.0.0.1", port), self._handler())
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def setup(self):
                super().setup()
                with outer.lock:
                    outer.connections += 1

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.lock:
                    outer.asked.append((self.command, self.path, list(self.headers.items()), body))
                said = outer.answer(self.command, self.path, self.headers, body)
                if isinstance(said, float):
                    time.sleep(said)
                    said = b""
                if isinstance(said, bytes):
                    self.wfile.write(said)
                    self.close_connection = True
                    return
                status, headers, text = said
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        return Handler

    @property
    def port(self):
        return self.server.server_port

    def url(self, path="/auth"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def requests(self):
        with self.lock:
            return list(self.asked)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def nginx(users):
    """users: from names to {"password", "backend" (address and port), "name" (at the backend)}."""
    def answer(_method, _path, headers, _body):
        name, password = (urllib.parse.unquote(headers[which] or "") for which in ("Auth-User", "Auth-Pass"))
        user = users.get(name)
        if user is None or user["password"] != password:
            return 200, {"Auth-Status": "Invalid login or password", "Auth-Wait": "0"}, b""
        host, port = user[headers["Auth-Protocol"]].rsplit(":", 1)
        said = {"Auth-Status": "OK", "Auth-Server": host, "Auth-Port": port, "Auth-Pass": PASSWORD}
        if "name" in user:
            said["Auth-User"] = user["name"]
        return 200, said, b""
    return answer


def json_dialect(users):
    def answer(_method, _path, _headers, body):
        said = json.loads(body)
        user = users.get(said["user"])
        if user is None:
            return 404, {}, b'{"verdict": "no_such_user"}'
        if said["want"] == "verdict" and user["password"] != said.get("password"):
            return 200, {}, b'{"verdict": "bad_credentials"}'
        told = {"verdict": "ok", "host": user[said["protocol"]], "backend_password": PASSWORD,
                "backend_user": user.get("name"), "mood": ["fine", 7]}
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()
    return answer


def nauthilus(users):
    def answer(_method, path, _headers, body):
        said = json.loads(body)
        user = users.get(said["username"])
        if user is None or "mode=no-auth" not in path and user["password"] != said.get("password"):
            return 403, {"Auth-Status": "Password is incorrect"}, b'{"error": "Password is incorrect"}'
        told = {"account_field": "uid", "attributes": {"uid": [said["username"]], "host": [user[said["service"]]],
                                                       "backend_password": [PASSWORD]}}
        return 200, {"Auth-Status": "OK", "Auth-User": user.get("name", said["username"])}, json.dumps(told).encode()
    return answer


DIALECTS = {"nginx": nginx, "json": json_dialect, "nauthilus": nauthilus}


class AuthProgram:
    """The same as a process of its own, which can be killed and stopped."""

    def __init__(self, folder, dialect, users):
        self.port, = free_ports(1)
        self.folder, self.dialect = folder, dialect
        self.users = os.path.join(folder, "users.json")
        with open(self.users, "w", encoding="utf-8") as file:
            json.dump(users, file)
        self.program = None
        self.start()

    def start(self):
        self.program = Program([sys.executable, "-B", "-m", "tests.e2e.harness.auth_daemon", self.dialect, self.port,
                                self.users], os.path.join(self.folder, f"log{time.monotonic_ns()}"), cwd=SOURCE)
        wait_for(lambda: "listens" in self.program.output() or not self.program.running(), 60, what="the daemon")
        if not self.program.running():
            raise AssertionError(self.program.output())

    def url(self, path="/auth"):
        return f"http://127.0.0.1:{self.port}{path}"

    def signal(self, number):
        self.program.signal(number)

    def kill(self):
        self.program.kill_group()
        self.program.process.wait(30)

    def stop(self):
        self.program.kill_group()
        self.program.process.wait(30)


def main():
    dialect, port, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        users = json.load(file)
    daemon = AuthDaemon(DIALECTS[dialect](users), int(port))
    print("listens", flush=True)
    daemon.thread.join()


if __name__ == "__main__":
    main()
