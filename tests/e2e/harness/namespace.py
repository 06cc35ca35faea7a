"""A network of the test's own: a loopback interface, with its own ports and nobody else's. Needs root."""

import ctypes
import os
import subprocess

_CLONE_NEWNET = 0x40000000


class Namespace:
    """The calling thread, and what it starts, live in there from construction to leave()."""

    def __init__(self):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._check(self._libc.unshare(_CLONE_NEWNET))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def _check(self, status):
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
