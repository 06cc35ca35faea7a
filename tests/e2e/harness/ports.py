"""Ports on loopback that stay ours: the kernel chooses, and a socket that is bound but never listens keeps each.

Whoever shares addresses (SO_REUSEADDR, SO_REUSEPORT), as every server in these tests does, may listen beside such a
socket. Nobody else gets the port: neither a client's connection, however wide the machine's ephemeral range is, nor a
program that binds port 0. While no server listens there, connections are refused as on any other port.
"""

import socket

_held = {}


def free_ports(count):
    """Returns `count` ports that nobody listens on and that nobody but a server of ours gets while this process lives."""
    return [_hold() for _ in range(count)]


def _hold():
    kept = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(("127.0.0.1", 0))
    port = kept.getsockname()[1]
    _held[port] = kept
    return port
