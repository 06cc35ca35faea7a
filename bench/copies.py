#!/usr/bin/python3
"""How many octets Postigo copies in user space per octet that it relays: by direction, and with TLS on which side.

    cmake -G Ninja -B build/copies -DCMAKE_BUILD_TYPE=Release -DPOSTIGO_BENCH=ON -DPOSTIGO_COUNT_COPIES=ON
    cmake --build build/copies --target postigo bench_sink bench_load
    bench/copies.py [--clients 1] [--size 1048576] [--count 64]

POSTIGO_BUILD_DIR names another build of that kind. Exit code 1: the relay did not do what was asked, or the build does
not count. What is counted, and where, is parser/base/copies.h. No figure of time comes from here.
"""

import argparse
import contextlib
import itertools
import os
import socket
import ssl
import sys
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, SOURCE)
os.environ.setdefault("POSTIGO_BUILD_DIR", os.path.join(SOURCE, "build", "copies"))

from bench.harness.peers.postigo import Postigo  # noqa: E402
from bench.harness.scene import NAME, Scene  # noqa: E402
from bench.harness.tools import Load, ToolFailed, failures  # noqa: E402

FAMILY = "postigo_copied_bytes_total"
MODES = (("fetch", "from_backend"), ("append", "from_client"))


class Counting(Postigo):
    """The bench's Postigo from the build that counts."""

    def look(self):
        """{what: octets so far}: places, and the directions of what was relayed."""
        metrics = self.metrics()
        if not metrics.has(FAMILY):
            raise ToolFailed("this build does not count: configure it with -DPOSTIGO_COUNT_COPIES=ON")
        seen = {labels["place"]: value for labels, value in metrics.of(FAMILY)}
        for _, direction in MODES:
            seen[direction] = metrics.sum("postigo_bytes_total", dir=direction)
        return seen


def measure(scene, peer, mode, client_tls, options):
    """{what: octets} between the marks of one load."""
    at = {}
    load = Load(scene.folder, mode, peer.port("imap", client_tls), None, seconds=60, clients=options.clients,
                warmup=4 * options.clients, count=options.count, size=options.size, tls="full" if client_tls else "off")
    try:
        said = load.finish(lambda mark: at.update({mark: peer.look()}))
    finally:
        load.stop()
    if failures(said) or said["units"] != options.count:
        raise ToolFailed(f"{mode}: not what was asked for: {said}")
    return {what: at["stop"][what] - at["start"][what] for what in at["stop"]}


def measure_slow(scene, peer, client_tls, size):
    """The same for one FETCH by a client who reads less than the backend sends: its buffer is small, and it rests."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(20)
        client.connect(("127.0.0.1", peer.port("imap", client_tls)))
        if client_tls:
            context = ssl.create_default_context(cafile=scene.certificates.ca)
            client = stack.enter_context(context.wrap_socket(client, server_hostname=NAME))
        stream = stack.enter_context(client.makefile("rwb", buffering=65536))
        stream.readline()
        stream.write(b"a LOGIN u secret\r\n")
        stream.flush()
        stream.readline()
        before = peer.look()
        stream.write(b"b UID FETCH %d BODY.PEEK[]\r\n" % size)
        stream.flush()
        left = int(stream.readline().rpartition(b"{")[2].rstrip(b"}\r\n"))
        while left > 0:
            piece = stream.read(min(left, 65536))
            if not piece:
                raise ToolFailed("the slow client was left alone")
            left -= len(piece)
            time.sleep(0.0005)
        if b"b OK" not in stream.readline() + stream.readline():
            raise ToolFailed("the slow client's FETCH went wrong")
        after = peer.look()
    return {what: after[what] - before[what] for what in after}


def line(cells):
    print("| " + " | ".join(cells) + " |")


def row(mode, client_tls, backend_tls, octets, direction):
    relayed = octets[direction]
    places = {place: count / relayed for place, count in octets.items() if place not in dict(MODES).values()}
    ours = sum(share for place, share in places.items() if place != "boringssl_read")
    where = ", ".join(f"{place} {share:.4f}" for place, share in places.items() if share >= 0.00005)
    line([mode, "TLS" if client_tls else "plain", "TLS" if backend_tls else "plain", f"{ours:.3f}",
          f"{places['boringssl_read']:.3f}", where or "-"])


def run(scene, options):
    line(["direction", "client", "backend", "copied by us", "by BoringSSL", "where"])
    line(["---"] * 6)
    sink = scene.sink()
    try:
        for backend_tls in (False, True):
            peer = Counting(scene, sink, backend_tls=backend_tls, pinned=False).start()
            try:
                for (mode, direction), client_tls in itertools.product(MODES, (False, True)):
                    row(mode, client_tls, backend_tls, measure(scene, peer, mode, client_tls, options), direction)
                for client_tls in (False, True):
                    slow = measure_slow(scene, peer, client_tls, options.size * 16)
                    row("fetch, slow client", client_tls, backend_tls, slow, "from_backend")
            finally:
                peer.stop()
    finally:
        sink.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--size", type=int, default=1 << 20, help="octets of a message")
    parser.add_argument("--count", type=int, default=64, help="messages")
    options = parser.parse_args()
    scene = Scene(pinned=False)
    try:
        run(scene, options)
        return 0
    except (ToolFailed, AssertionError) as error:
        print(error)
        return 1
    finally:
        scene.close()


if __name__ == "__main__":
    sys.exit(main())
