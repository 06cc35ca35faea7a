"""PROXY headers (HAProxy's proxy-protocol.txt) as balancers write them, right and wrong, and as backends read them."""

import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT, SERVER = ("192.0.2.7", 40001), ("198.51.100.1", 993)
CLIENT6, SERVER6 = ("2001:db8::7", 40001), ("2001:db8::1", 993)
LOCAL, PROXY = 0x20, 0x21


def v1(source=CLIENT, destination=SERVER):
    family = "TCP6" if ":" in source[0] else "TCP4"
    return f"PROXY {family} {source[0]} {destination[0]} {source[1]} {destination[1]}\r\n".encode()


def tlv(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def tls(version=b"TLSv1.3"):
    return tlv(0x20, b"\x01\0\0\0\0" + tlv(0x21, version))


def raw(command, family, body):
    return SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body


def v2(source=CLIENT, destination=SERVER, tlvs=b""):
    kind = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    addresses = b"".join(socket.inet_pton(kind, host) for host, _ in (source, destination))
    return raw(PROXY, 0x21 if kind == socket.AF_INET6 else 0x11,
               addresses + struct.pack(">HH", source[1], destination[1]) + tlvs)


def read_tlvs(body):
    found = {}
    while body:
        kind, size = struct.unpack(">BH", body[:3])
        found[kind], body = body[3:3 + size], body[3 + size:]
    return found


def read_v2(data):
    """(source, destination, TLVs by type) of a header of TCP over IPv4."""
    assert data[:14] == SIGNATURE + b"\x21\x11", data
    source, destination = socket.inet_ntop(socket.AF_INET, data[16:20]), socket.inet_ntop(socket.AF_INET, data[20:24])
    ports = struct.unpack(">HH", data[24:28])
    return (source, ports[0]), (destination, ports[1]), read_tlvs(data[28:])
