#!/usr/bin/python3
"""How long a greeting takes beside 16 downloads on one worker (A39): median, 90th and 99th percentile, the longest.

    POSTIGO_BIN=build/release/proxy/postigo bench/greetings.py

Postigo alone on core 0; the fake backend, the downloads (half of them over TLS) and the one who knocks on core 1, each a
process of its own. Who knocks goes first there (SCHED_FIFO, as root), so that it is Postigo's time that is measured and
not how long a busy core lets him wait. 1,000 greetings, about twenty seconds.
"""

import multiprocessing
import os
import selectors
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from tests.e2e.harness import Platform  # noqa: E402
from tests.fakes.backend import FakeBackend, endless_mail, imap_server  # noqa: E402

DOWNLOADS, GREETINGS, HOST = 16, 1000, "127.0.0.1"


def backend(told):
    os.sched_setaffinity(0, {1})
    fake = FakeBackend(imap=imap_server(command=endless_mail))
    told.put(fake.imap)
    time.sleep(120)


def downloads(imap, imaps, ca, over):
    os.sched_setaffinity(0, {1})
    context, waiting, buffer = ssl.create_default_context(cafile=ca), selectors.DefaultSelector(), bytearray(1 << 18)
    for number in range(DOWNLOADS):
        wire = socket.create_connection((HOST, imaps if number % 2 else imap))
        if number % 2:
            wire = context.wrap_socket(wire, server_hostname="localhost")
        for command in (None, b"a LOGIN u p\r\n", b"x FETCH 1 BODY[]\r\n"):
            if command:
                wire.sendall(command)
            wire.recv(1000)
        wire.setblocking(False)
        waiting.register(wire, selectors.EVENT_READ)
    while not over.is_set():
        for key, _ in waiting.select(0.5):
            try:
                key.fileobj.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                pass


def knock(port, told):
    os.sched_setaffinity(0, {1})
    if os.geteuid() == 0:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    took = []
    for _ in range(GREETINGS):
        started = time.perf_counter()
        with socket.create_connection((HOST, port)) as wire:
            wire.recv(500)
            took.append((time.perf_counter() - started) * 1000)
        time.sleep(0.005)
    told.put(sorted(took))


def start(function, *arguments):
    process = multiprocessing.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def main():
    platform, told, over = Platform(dovecots=()), multiprocessing.Queue(), multiprocessing.Event()
    start(backend, told)

    class Door:
        host, imap = HOST, told.get()
        imaps = pop3 = pop3s = 0

    proxy = platform.postigo({"fake": Door}, server='[server]\nhostname = "mail.example.com"\nworkers = 1')
    for thread in os.listdir(f"/proc/{proxy.program.pid}/task"):
        os.sched_setaffinity(int(thread), {0})
    bulk = start(downloads, proxy.imap, proxy.imaps, proxy.ca, over)
    time.sleep(2)
    before, started = proxy.metrics().sum("postigo_bytes_total"), time.monotonic()
    start(knock, proxy.imap, told)
    took = told.get()
    rate = (proxy.metrics().sum("postigo_bytes_total") - before) / (time.monotonic() - started) / (1 << 20)
    print(f"{GREETINGS} greetings beside {DOWNLOADS} downloads of {rate:.0f} MiB/s: median {took[GREETINGS // 2]:.2f} ms, "
          f"p90 {took[GREETINGS * 9 // 10]:.2f}, p99 {took[GREETINGS * 99 // 100]:.2f}, longest {took[-1]:.2f}")
    over.set()
    bulk.join()
    proxy.kill()
    platform.stop()


if __name__ == "__main__":
    main()
