#!/usr/bin/env python3
"""What connections that are ready bring: a client's time from connect to the OK of its login, with a real Dovecot behind
a network of 0.2, 1 and 5 ms of round trip.

    POSTIGO_BIN=build/release/proxy/postigo bench/ready.py [--logins 200]     root; both cores idle; five minutes

Two network namespaces, a TUN device in each, and this program between them, which holds each packet for half of the
round trip: the kernels' own TCP and TLS, and no module for it (netem is not everywhere). What it costs itself is taken
off, and the round trip that an echo sees stands beside the results. Nothing here is reachable from elsewhere.
"""

import argparse
import collections
import fcntl
import multiprocessing
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tests.e2e.harness import Certificates, Postigo  # noqa: E402
from tests.e2e.harness.dovecot import PASSWORD, Dovecot  # noqa: E402
from tests.e2e.harness.namespace import Namespace  # noqa: E402
from tests.e2e.harness.ports import free_ports  # noqa: E402
from tests.e2e.harness.program import Program, wait_for  # noqa: E402

DOOR, MAIL = "10.199.0.1", "10.199.0.2"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def tun(address, peer):
    """A device in the namespace of the calling thread; its packets are in the descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH14x", b"far0", _IFF_TUN | _IFF_NO_PI))
    for words in (["addr", "add", address, "peer", peer, "dev", "far0"], ["link", "set", "far0", "up"]):
        subprocess.run(["ip", *words], check=True)
    return device


def hold(ends, one_way):
    """A process: what comes out of one end goes into the other one, so many seconds later. It goes before all others,
    as it stands for a wire."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    queues = {ends[0]: collections.deque(), ends[1]: collections.deque()}
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    while True:
        due = min((queue[0][0] for queue in queues.values() if queue), default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        readable, _, _ = select.select(ends, [], [], wait)
        now = time.monotonic()
        for end in readable:
            try:
                queues[other[end]].append((now + one_way.value, os.read(end, 65536)))
            except BlockingIOError:
                pass
        for end, queue in queues.items():
            while queue and queue[0][0] <= time.monotonic():
                os.write(end, queue.popleft()[1])


def echo(listener):
    while True:
        wire, _ = listener.accept()
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := wire.recv(100):
            wire.sendall(data)


def round_trip(port):
    """The median of an echo's, in milliseconds."""
    with socket.create_connection((MAIL, port), 10) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times = []
        for _ in range(200):
            began = time.perf_counter()
            wire.sendall(b"x")
            wire.recv(1)
            times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[100]


class FarDovecot(Dovecot):
    host = MAIL


def answer_nginx(listener, port):
    """nginx asks an HTTP service about each login."""
    said = (f"HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: {MAIL}\r\nAuth-Port: {port}\r\n\r\n").encode()
    while True:
        wire, _ = listener.accept()
        with wire:
            wire.recv(65536)
            wire.sendall(said)


class Bench:
    def __init__(self, folder):
        self.folder, self.programs = folder, []
        self.certificates = Certificates(os.path.join(folder, "ca"))
        self.one_way = multiprocessing.Value("d", 0.0)
        self.mail = Namespace()
        far = tun(MAIL, DOOR)
        self.dovecot = FarDovecot(os.path.join(folder, "d"), self.certificates, extra=(
            f"listen = {MAIL}\nlogin_trusted_networks = 10.199.0.0/16\n"
            "service imap {\n  service_count = 10000\n  process_min_avail = 2\n}\n"))
        listener = socket.create_server((MAIL, 0))
        self.echo_port = listener.getsockname()[1]
        self.spawn(echo, listener)
        self.door = Namespace()
        near = tun(DOOR, MAIL)
        self.spawn(hold, [near, far], self.one_way)
        self.own = round_trip(self.echo_port)

    def spawn(self, what, *arguments):
        process = multiprocessing.Process(target=what, args=arguments, daemon=True)
        process.start()
        self.programs.append(process)

    def stop(self):
        for process in self.programs:
            process.kill()
        self.dovecot.stop()
        self.door.leave()

    def start_postigo(self, name, tls, ready):
        port = self.dovecot.imaps if tls else self.dovecot.imap
        text = (f'[[backend]]\nname = "far"\nhost = "{MAIL}"\nimap_port = {port}\n'
                + (f'tls = {{ mode = "implicit", ca_file = "{self.certificates.ca}", name = "localhost" }}\n' if tls else "")
                + ("ready = { max = 4 }\n" if ready else ""))
        made = Postigo(os.path.join(self.folder, name), self.certificates, {"far": self.dovecot},
                       pool='[[pool]]\nname = "main"\nbackends = ["far"]',
                       server='[server]\nhostname = "mail.example.com"\nworkers = 1')
        made.write(backends=text, listeners=made.listener("imap", made.imap, "starttls"))
        return made.start()

    def start_other(self, name, words, port):
        program = Program(words, os.path.join(self.folder, name + ".log"))
        wait_for(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), 20, what=name)
        return program

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start_haproxy(self, tls):
        port, = free_ports(1)
        theirs = f" ssl verify required ca-file {self.certificates.ca} verifyhost localhost" if tls else ""
        path = self.file(f"haproxy{tls}.cfg", (
            "global\n  nbthread 1\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen imap\n  bind 127.0.0.1:{port}\n"
            f"  server far {MAIL}:{self.dovecot.imaps if tls else self.dovecot.imap}{theirs}\n"))
        return self.start_other("haproxy", ["haproxy", "-db", "-f", path], port), port

    def start_nginx(self):
        port, = free_ports(1)
        listener = socket.create_server(("127.0.0.1", 0))
        self.spawn(answer_nginx, listener, self.dovecot.imap)
        path = self.file("nginx.conf", (
            "load_module /usr/lib/nginx/modules/ngx_mail_module.so;\nuser root;\ndaemon off;\nworker_processes 1;\n"
            f"pid {self.folder}/nginx.pid;\nerror_log {self.folder}/nginx-error.log;\nevents {{ }}\n"
            f"mail {{\n  auth_http 127.0.0.1:{listener.getsockname()[1]}/;\n"
            f"  server {{ listen 127.0.0.1:{port}; protocol imap; proxy on; }}\n}}\n"))
        return self.start_other("nginx", ["nginx", "-p", self.folder, "-c", path], port), port


def login(port):
    """Milliseconds from connect to the OK."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 30) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        heard = b""
        while b"\n" not in heard:
            heard += wire.recv(4096)
        wire.sendall(f"a LOGIN alice {PASSWORD}\r\n".encode())
        heard = b""
        while not (b"\na OK" in b"\n" + heard and heard.endswith(b"\r\n")):
            data = wire.recv(4096)
            if not data or b"a NO" in heard:
                raise AssertionError(heard)
            heard += data
        took = (time.perf_counter() - began) * 1000
        wire.sendall(b"b LOGOUT\r\n")
        while wire.recv(4096):
            pass
    return took


def measure(port, count):
    for _ in range(10):
        login(port)
        time.sleep(0.05)
    times = []
    for _ in range(count):
        times.append(login(port))
        time.sleep(0.03)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--logins", type=int, default=200, help="of each figure (default: 200)")
    count = options.parse_args().logins
    folder = tempfile.mkdtemp(prefix="pgo-", dir="/tmp")
    os.chmod(folder, 0o755)
    bench = Bench(folder)
    rows = {}
    try:
        doors = {"Postigo, TLS to the backend": bench.start_postigo("pt", True, False),
                 "the same, ready": bench.start_postigo("ptr", True, True),
                 "Postigo, no TLS": bench.start_postigo("p", False, False),
                 "the same, ready ": bench.start_postigo("pr", False, True)}
        ports = {name: made.imap for name, made in doors.items()}
        others = []
        for name, (program, port) in (("HAProxy, TLS to the backend", bench.start_haproxy(True)),
                                      ("HAProxy, no TLS", bench.start_haproxy(False)),
                                      ("nginx, no TLS", bench.start_nginx())):
            ports[name] = port
            others.append(program)
        seen = []
        for wanted in (0.2, 1.0, 5.0):
            bench.one_way.value = max(0.0, wanted - bench.own) / 2000
            seen.append(round_trip(bench.echo_port))
            for name, port in ports.items():
                rows.setdefault(name, []).append("%.1f / %.1f" % measure(port, count))
                print(f"{wanted} ms: {name}: {rows[name][-1]}", file=sys.stderr)
        print("| p50 / p99, ms | " + " | ".join(f"{each:.2f} ms" for each in seen) + " |\n|---|---|---|---|")
        for name, figures in rows.items():
            print(f"| {name.strip()} | " + " | ".join(figures) + " |")
        for name, made in doors.items():
            if "ready" in name:
                print(name.strip(), made.metrics().of("postigo_ready_connections_total"), file=sys.stderr)
            made.stop()
        for program in others:
            program.stop()
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
