"""Free ports on loopback, below the range that the kernel hands out to clients, so that nobody takes one meanwhile."""

import random
import socket

_given = set()


def _bindable(port):
    for kind in (socket.SOCK_STREAM,):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_ports(count):
    """Returns `count` ports that nobody listens on and that this process never returned before."""
    chosen = []
    while len(chosen) < count:
        port = random.SystemRandom().randrange(10240, 32000)
        if port not in _given and _bindable(port):
            _given.add(port)
            chosen.append(port)
    return chosen
