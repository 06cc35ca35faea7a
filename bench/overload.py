#!/usr/bin/env python3
"""Too much of everything, at its full size: what a good user waits, and what memory is held, while others

    half-open   hold 20,000 connections that say nothing, half of them in the middle of a TLS handshake (fewer where
                a process may not have so many descriptors)
    storm       log in 50,000 times, 400 at a time
    guesses     guess 10,000 times a second from 64 addresses

    POSTIGO_BUILD_DIR=build/release bench/overload.py [half-open] [storm] [guesses]     both cores idle; five minutes

Good users log in over TLS, 25 a second, from an address of their own: the same before and during. The programs of the
others run with the lowest priority, as elsewhere they would have machines of their own. Errors of good users fail it.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench.harness.peers import Postigo  # noqa: E402
from bench.harness.processes import pss_kib, raise_descriptors  # noqa: E402
from bench.harness.scene import Scene  # noqa: E402
from bench.harness.tools import tool  # noqa: E402

GOOD_PER_S, GOOD_SECONDS = 25, 20
HELD = min(20_000, raise_descriptors() * 4 // 10)  # a session may need two
SETTINGS = {
    "limits": f'[limits]\nmemory = "256m"\nlogin_memory = "64m"\nsessions_max = {HELD + 1_000}\n'
              'tls_handshake_timeout = "1m"\nlogin_timeout = "2m"',
    "penalty": "[penalty]\nexempt = []",
    "routing": '[[directory]]\ntype = "static"\n'
               + "".join(f'[[directory.user]]\nname = "u{number}"\n' for number in range(1000)),
}


def load(port, mode, niced, **options):
    words = [str(word) for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    command = [tool("load"), mode, "--connect", f"127.0.0.1:{port}", *words]
    return subprocess.Popen((["nice", "-n", "19"] if niced else []) + command, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def report(process):
    lines = [json.loads(line) for line in process.communicate(timeout=300)[0].splitlines()]
    return next(line for line in lines if "errors" in line)


def good_users(peer, seconds=GOOD_SECONDS):
    """Their latencies, from connect to the OK of the login."""
    port = peer.ports["imap", True]
    said = report(load(port, "login", False, tls="full", rate=GOOD_PER_S, clients=200, seconds=seconds))
    return said["latency_ms"], said["units"], {kind: count for kind, count in said["errors"].items() if count}


def half_open(peer):
    """Yields while they are held."""
    begin = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    wires, refused = [], 0
    for number in range(HELD):
        wire = socket.socket()
        wire.bind((f"127.2.{number // 200}.{number % 200 + 1}", 0))
        try:
            wire.connect(("127.0.0.1", peer.ports["imap", bool(number % 2)]))
            if number % 2:
                wire.sendall(begin)
        except OSError:
            refused += 1
        wires.append(wire)
    numbers = peer.metrics()
    sent_away = {has["reason"]: int(value) for has, value in numbers.of("postigo_rejected_total") if value}
    yield f"{len(wires):,} opened, {refused:,} reset at once; sent away at the door: {sent_away or 'nobody'}"
    for wire in wires:
        wire.close()


def storm(peer):
    process = load(peer.ports["imap", True], "login", True, tls="full", count=50_000, clients=400, sources=64, seconds=240)
    yield "50,000 logins over TLS"
    said = report(process)
    print(f"  the storm: {said['units']:,} logins in {said['seconds']:.0f} s, {said['per_second']:.0f} a second; errors: "
          f"{ {kind: count for kind, count in said['errors'].items() if count} }")


def guesses(peer):
    process = load(peer.ports["imap", False], "login", True, rate=10_000, clients=25_000, sources=64, users=100_000,
                   user_format="x%d", seconds=GOOD_SECONDS + 15)
    time.sleep(5)
    yield "10,000 guesses a second"
    said = report(process)
    refused = peer.metrics()
    print(f"  guesses that were told no: {said['errors'].get('refused', 0):,} in {said['seconds']:.0f} s; asked of the "
          f"directory: {refused.sum('postigo_route_lookups_total', result='no_such_user'):,.0f}")


ATTACKS = {"half-open": half_open, "storm": storm, "guesses": guesses}


def attack(scene, name):
    sink = scene.sink()
    peer = Postigo(scene, sink, sections=SETTINGS)
    try:
        peer.start()
        good_users(peer, 5)  # warm
        alone, _, wrong = good_users(peer)
        before, _ = pss_kib(peer.roots())
        under_way = ATTACKS[name](peer)
        what = next(under_way)
        meanwhile, units, errors = good_users(peer)
        during, _ = pss_kib(peer.roots())
        session = peer.metrics().sum("postigo_session_memory_bytes")
        print(f"{name}: {what}; {units} good logins, errors {dict(wrong, **errors) or 'none'}")
        for share in ("p50", "p99"):
            print(f"  {share}: {alone[share]:.1f} ms alone, {meanwhile[share]:.1f} ms meanwhile: "
                  f"{meanwhile[share] / max(alone[share], 0.001):.1f} times")
        print(f"  memory: {before / 1024:.0f} MiB before, {during / 1024:.0f} MiB during; counted for sessions: "
              f"{session / (1 << 20):.1f} MiB of 256")
        for _ in under_way:
            pass
        return not errors and not wrong
    finally:
        peer.stop()
        sink.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", choices=[[], *ATTACKS], default=[])
    chosen = parser.parse_args().attacks or list(ATTACKS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scene = Scene(pinned=False)
    try:
        return 0 if all([attack(scene, name) for name in chosen]) else 1
    finally:
        scene.close()


if __name__ == "__main__":
    sys.exit(main())
