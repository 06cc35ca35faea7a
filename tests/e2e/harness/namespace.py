"""A network of the test's own: a loopback interface, with its own ports and nobody else's. Needs root."""

import ctypes
import fcntl
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


class Namespace:
    """The calling thread, and what it starts, live in there from construction to leave(). OSError: it may not."""

    def __init__(self):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._check(self._libc.unshare(_CLONE_NEWNET))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))

    @staticmethod
    def _check(status):
        if status != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    @staticmethod
    def write(setting, value):
        """A setting of the network, as in "ipv4/tcp_tw_reuse"."""
        with open(f"/proc/sys/net/{setting}", "w", encoding="ascii") as file:
            file.write(str(value))

    def leave(self):
        self._check(self._libc.setns(self._before, _CLONE_NEWNET))
        os.close(self._before)
