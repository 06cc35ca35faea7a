"""A name server on loopback (UDP) that says of each name what the test wants, or nothing at all.

    dns = FakeDns({"mail.test": "127.0.0.1", "six.test": "::1"}, silent={"dead.test"})
    f"127.0.0.1:{dns.port}", dns.asked("mail.test"), dns.stop()

    dns.services["_imap._tcp.test"] = [(10, 5, 143, "mail.test")]  # priority, weight, port, host

A name that is neither is NXDOMAIN.
"""

import ipaddress
import socket
import struct
import threading

_A, _AAAA, _SRV = 1, 28, 33


def _question(message):
    """The name and the type that are asked for, and where the question ends."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii", "replace"))
        at += message[at] + 1
    return ".".join(labels), int.from_bytes(message[at + 1:at + 3], "big"), at + 5


class FakeDns:
    """Listens from construction to stop(). names: one address or a list of them per name."""

    def __init__(self, names, silent=(), ttl=60):
        self.names = {name: [at] if isinstance(at, str) else list(at) for name, at in names.items()}
        self.services = {}
        self.silent = set(silent)
        self.ttl = ttl
        self._asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def asked(self, name):
        """How often somebody looked for its IPv4 address, or its services."""
        return self._asked.count(name)

    def stop(self):
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _run(self):
        while True:
            message, peer = self._socket.recvfrom(4096)
            if not message:
                return
            name, kind, end = _question(message)
            if kind in (_A, _SRV):
                self._asked.append(name)
            if name not in self.silent:
                self._socket.sendto(self._answer(message, name, kind, end), peer)

    def _answer(self, message, name, kind, end):
        found = [ipaddress.ip_address(at) for at in self.names.get(name, [])]
        records = [at.packed for at in found if kind == (_AAAA if at.version == 6 else _A)]
        if kind == _SRV:
            records = [struct.pack(">HHH", *numbers) + b"".join(
                bytes([len(label)]) + label.encode() for label in [*host.split("."), ""])
                for *numbers, host in self.services.get(name, [])]
        status = 0x8180 if name in self.names or name in self.services else 0x8183
        head = message[:2] + struct.pack(">HHHHH", status, 1, len(records), 0, 0)
        return head + message[12:end] + b"".join(
            struct.pack(">HHHIH", 0xC00C, kind, 1, self.ttl, len(each)) + each for each in records)
