"""Raw clients: bytes on a socket, with TLS when asked, so that a test can say exactly what is sent and when."""

import base64
import re
import socket
import ssl
import struct
import time


class Gone(Exception):
    """The other side ended the connection; `rest` is what came before."""

    def __init__(self, rest=b""):
        super().__init__(f"connection ended after {rest!r}")
        self.rest = rest


class Wire:
    """A buffered connection. Every read has a deadline; what was said is kept in `heard` for messages."""

    def __init__(self, address, timeout=30, source=None):
        """source: an address of ours, or a pair of address and port."""
        here = (source, 0) if isinstance(source, str) else source
        self.socket = socket.create_connection(address, timeout, source_address=here)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.heard = b""

    def tls(self, context, name="localhost", session=None):
        """Upgrades; unread clear text is an error of the test's subject, not of the test."""
        if self.buffer:
            raise AssertionError(f"clear text after the go-ahead for TLS: {self.buffer!r}")
        self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session)
        return self

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def send_slowly(self, data, size=1, pause=0.001):
        for start in range(0, len(data), size):
            self.send(data[start:start + size])
            time.sleep(pause)

    def _more(self):
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            raise AssertionError(f"silence; before it came {self.heard[-400:]!r}") from None
        except (ConnectionError, ssl.SSLError):
            data = b""
        self.heard += data if len(self.heard) < 1 << 18 else b""
        return data

    def line(self):
        """One line without its CRLF."""
        while b"\r\n" not in self.buffer:
            data = self._more()
            if not data:
                raise Gone(self.buffer)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def take(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            data = self._more()
            if not data:
                raise Gone(b"".join(parts))
            parts.append(data)
            have += len(data)
        all_of_it = b"".join(parts)
        self.buffer = all_of_it[count:]
        return all_of_it[:count]

    def rest(self):
        """All until the other side closes."""
        parts, self.buffer = [self.buffer], b""
        while data := self._more():
            parts.append(data)
        return b"".join(parts)

    def ended(self, seconds=5):
        """True if the other side closes within that time without saying more."""
        self.socket.settimeout(seconds)
        try:
            return self.rest() == b""
        except AssertionError:
            return False

    def quiet(self, seconds=0.3):
        """True if nothing comes for that long."""
        if self.buffer:
            return False
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
            self.buffer += data
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)

    def half_close(self):
        """No more from us, but we still listen."""
        if isinstance(self.socket, ssl.SSLSocket):
            raise AssertionError("half-close is for clear text here")
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _open(cls, door, clear, encrypted, mode, context, options):
    port = encrypted if mode == "implicit" else clear
    wire = cls((door.host, port), **options)
    if mode == "implicit":
        wire.tls(context or ssl.create_default_context(cafile=door.ca))
    wire.greeting = wire.line()
    if mode == "starttls":
        wire.start_tls(context or ssl.create_default_context(cafile=door.ca))
    return wire


class Imap(Wire):
    """Lines and literals of IMAP."""

    greeting = b""
    number = 0

    @classmethod
    def open(cls, door, mode="implicit", context=None, **options):
        """mode: implicit, starttls or off."""
        return _open(cls, door, door.imap, door.imaps, mode, context, options)

    def start_tls(self, context):
        self.send("s STARTTLS\r\n")
        answer = self.line()
        if not answer.startswith(b"s OK"):
            raise AssertionError(f"STARTTLS: {answer!r}")
        self.tls(context)

    def response(self):
        """One response, literals included."""
        text = self.line()
        while (literal := re.search(rb"\{(\d+)\}$", text)) is not None:
            text += b"\r\n" + self.take(int(literal.group(1))) + self.line()
        return text

    def until(self, tag):
        """Responses up to the tagged one (the last in the list)."""
        said = []
        while True:
            said.append(self.response())
            if said[-1].startswith(tag.encode() + b" "):
                return said

    def command(self, text):
        """Sends one command with a tag of our own; returns its responses, the last one without the tag."""
        self.number += 1
        tag = f"c{self.number}"
        self.send(tag.encode() + b" " + (text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        said = self.until(tag)
        said[-1] = said[-1][len(tag) + 1:]
        return said

    def login(self, user, password):
        return self.command(f'LOGIN "{user}" "{password}"')

    def ok(self, text):
        said = self.command(text)
        if not said[-1].startswith(b"OK"):
            raise AssertionError(f"{text!r}: {said!r}")
        return said

    def logged_in(self, user, password):
        self.ok(f'LOGIN "{user}" "{password}"')
        return self

    def capabilities(self):
        """By command, as a sorted list."""
        for line in self.ok("CAPABILITY"):
            if line.upper().startswith(b"* CAPABILITY "):
                return sorted(line.decode().upper().split()[2:])
        raise AssertionError("CAPABILITY without an answer")


class Pop3(Wire):
    """Lines of POP3."""

    greeting = b""

    @classmethod
    def open(cls, door, mode="implicit", context=None, **options):
        """mode: implicit, starttls or off."""
        return _open(cls, door, door.pop3, door.pop3s, mode, context, options)

    def start_tls(self, context):
        answer = self.command("STLS")
        if not answer.startswith(b"+OK"):
            raise AssertionError(f"STLS: {answer!r}")
        self.tls(context)

    def command(self, text):
        self.send(text + "\r\n")
        return self.line()

    def ok(self, text):
        answer = self.command(text)
        if not answer.startswith(b"+OK"):
            raise AssertionError(f"{text}: {answer!r}")
        return answer

    def lines(self, text):
        """A multi-line answer without its terminator."""
        said = [self.ok(text)]
        while (line := self.line()) != b".":
            said.append(line)
        return said

    def logged_in(self, user, password):
        self.ok(f"USER {user}")
        self.ok(f"PASS {password}")
        return self

    def capabilities(self):
        return sorted(line.decode().upper() for line in self.lines("CAPA")[1:])


def plain(user, password, authzid=""):
    """SASL PLAIN's one message, in base64."""
    return base64.b64encode(f"{authzid}\0{user}\0{password}".encode()).decode()
