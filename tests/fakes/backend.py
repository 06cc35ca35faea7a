"""A backend that does what no real one does: late, split, glued, lying, cut off at byte N. It remembers every byte.

    def script(peer):
        peer.send("* OK ready\\r\\n")
        peer.expect("LOGIN")
        peer.reset()
    backend = FakeBackend(imap=script)

A script is a function of one connection, run in a thread of its own. imap_server() and pop3_server() are scripts of
well-behaved servers whose parts can be replaced. A FakeBackend is a door for the harness: host, imap, imaps, pop3, pop3s.
"""

import base64
import re
import socket
import ssl
import struct
import threading
import time


class Cut(Exception):
    """The script is over: the other side left, or the cut came."""


class Peer:
    """One connection of the proxy. transcript: [("C"|"S"|"T", bytes)], C is what the proxy said, T is a TLS upgrade."""

    def __init__(self, backend, connection):
        self.backend = backend
        self.socket = connection
        self.buffer = b""
        self.transcript = []
        self.sent = 0
        self.closed_by = None  # "eof" or "reset", how the proxy ended it

    def send(self, data, size=0, pause=0.0):
        """size: in writes of that many bytes with a pause after each."""
        data = data.encode() if isinstance(data, str) else data
        self.transcript.append(("S", data))
        for start in range(0, len(data), size or max(len(data), 1)):
            self._write(data[start:start + (size or len(data))])
            if pause:
                time.sleep(pause)

    def _write(self, data):
        cut = self.backend.cut_after
        if cut is not None and self.sent + len(data) >= cut:
            data = data[:cut - self.sent]
            self._raw(data)
            self.end(self.backend.cut_with)
            raise Cut
        self._raw(data)

    def _raw(self, data):
        try:
            self.socket.sendall(data)
            self.sent += len(data)
        except OSError:
            self.closed_by = self.closed_by or "reset"
            raise Cut from None

    def more(self):
        try:
            data = self.socket.recv(65536)
        except OSError:
            self.closed_by = "reset"
            raise Cut from None
        if not data:
            self.closed_by = "eof"
            raise Cut
        self.transcript.append(("C", data))
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def expect(self, pattern):
        """The next line, which must contain the pattern (a regular expression)."""
        line = self.line()
        if not re.search(pattern.encode(), line, re.I):
            self.backend.complaints.append(f"expected {pattern!r}, got {line!r}")
            raise Cut
        return line

    def start_tls(self):
        self.transcript.append(("T", b""))
        self.socket = self.backend.tls.wrap_socket(self.socket, server_side=True)

    def wait_end(self):
        """Until the proxy leaves."""
        while True:
            self.more()

    def end(self, how="close"):
        """From any thread: the shutdown wakes one that waits in recv() and would keep the connection open."""
        try:
            if how == "reset":
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket.shutdown(self.socket, socket.SHUT_RD if how == "reset" else socket.SHUT_RDWR)
        except OSError:
            pass  # it is over already
        self.socket.close()

    def said(self):
        """All that the proxy said, as one string of bytes."""
        return b"".join(data for who, data in self.transcript if who == "C")


class FakeBackend:
    """Listens from construction to stop(). cut_after, cut_with: end every connection after so many sent bytes."""

    def __init__(self, imap=None, pop3=None, tls=None, implicit=False, host="127.0.0.1"):
        self.host = host
        self.tls = tls
        self.implicit = implicit
        self.peers = []
        self.complaints = []
        self.cut_after, self.cut_with = None, "close"
        self._stopping = False
        self._listeners = []
        self.imap = self.imaps = self._listen(imap) if imap else 0
        self.pop3 = self.pop3s = self._listen(pop3) if pop3 else 0

    def _listen(self, script):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.create_server((self.host, 0), family=family, backlog=512)
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, script), daemon=True).start()
        return listener.getsockname()[1]

    def _accept(self, listener, script):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection, script), daemon=True).start()

    def _serve(self, connection, script):
        peer = Peer(self, connection)
        self.peers.append(peer)
        try:
            if self.implicit:
                peer.start_tls()
            script(peer)
        except (Cut, ssl.SSLError, OSError):
            pass
        finally:
            peer.socket.close()

    @property
    def last(self):
        return self.peers[-1]

    def stop(self):
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for peer in self.peers:
            peer.end()


CAPABILITIES = "IMAP4rev1 SASL-IR LITERAL+ ID IDLE AUTH=PLAIN AUTH=LOGIN"
LOGGED_IN = "IMAP4rev1 LITERAL+ ID IDLE MOVE UIDPLUS"


def imap_server(greeting=None, capabilities=CAPABILITIES, logged_in=LOGGED_IN, login=None, command=None, tls=False,
                size=0, pause=0.0):
    """A script for FakeBackend. greeting: "" for none, inside TLS. login(peer, tag): answers the login instead of OK.
    command(peer, tag, verb, rest): answers a command after login, returns True if it did. tls: offers STARTTLS."""

    def script(peer):
        state = _ImapState(peer, capabilities + (" STARTTLS" if tls else ""), logged_in, login, command, size, pause)
        peer.send(f"* OK [CAPABILITY {state.capabilities}] ready\r\n" if greeting is None else greeting, size, pause)
        while not state.over:
            state.serve(peer.line())
        peer.end()

    return script


def endless_mail(peer, _tag, verb, _rest):
    """A `command` of imap_server. FETCH: the beginning of a message without end, as much of it as is taken."""
    if verb != "FETCH":
        return False
    peer.send(f"* 1 FETCH (BODY[] {{{1 << 50}}}\r\n")
    part = b"m" * (1 << 20)
    while True:
        peer.socket.sendall(part)  # not into the transcript


class _ImapState:
    """One connection of imap_server."""

    def __init__(self, peer, capabilities, logged_in, login, command, size, pause):
        self.peer, self.capabilities, self.after = peer, capabilities, logged_in
        self.answer_login, self.command = login, command
        self.size, self.pause = size, pause
        self.inside = self.over = False

    def say(self, text):
        self.peer.send(text, self.size, self.pause)

    def serve(self, line):
        line = self._with_literals(line)
        tag, _, rest = line.decode("utf-8", "replace").partition(" ")
        verb, _, rest = rest.partition(" ")
        if self.inside and self.command and self.command(self.peer, tag, verb.upper(), rest):
            return
        handler = getattr(self, "do_" + verb.lower(), None)
        if handler:
            handler(tag, rest)
        else:
            self.say(f"{tag} BAD unknown\r\n" if not self.inside else f"{tag} OK done\r\n")

    def _with_literals(self, line):
        while match := re.search(rb"\{(\d+)(\+?)\}$", line):
            if not match.group(2):
                self.say("+ go\r\n")
            line = line[:match.start()] + b'"' + self.peer.take(int(match.group(1))) + b'"' + self.peer.line()
        return line

    def do_capability(self, tag, _):
        self.say(f"* CAPABILITY {self.after if self.inside else self.capabilities}\r\n{tag} OK done\r\n")

    def do_id(self, tag, _):
        self.say(f'* ID ("name" "fake")\r\n{tag} OK done\r\n')

    def do_noop(self, tag, _):
        self.say(f"{tag} OK noop\r\n")

    def do_starttls(self, tag, _):
        self.say(f"{tag} OK go\r\n")
        self.peer.start_tls()
        self.capabilities = self.capabilities.replace(" STARTTLS", "")

    def do_login(self, tag, _):
        if self.answer_login:
            self.answer_login(self.peer, tag)
        else:
            self.say(f"{tag} OK [CAPABILITY {self.after}] in\r\n")
        self.inside = True

    def do_authenticate(self, tag, rest):
        if len(rest.split()) < 2:
            self.say("+ \r\n")
            self.peer.line()
        self.do_login(tag, rest)

    def do_logout(self, tag, _):
        self.say(f"* BYE bye\r\n{tag} OK out\r\n")
        self.over = True


def pop3_server(greeting="+OK ready\r\n", capabilities=("USER", "SASL PLAIN LOGIN", "PIPELINING", "UIDL", "TOP"),
                login=None, command=None, tls=False, size=0, pause=0.0):
    """A script for FakeBackend; login(peer) and command(peer, verb, rest) as in imap_server."""

    def script(peer):
        def say(text):
            peer.send(text, size, pause)

        inside = False
        say(greeting)
        while True:
            verb, _, rest = peer.line().decode("utf-8", "replace").partition(" ")
            verb = verb.upper()
            if inside and command and command(peer, verb, rest):
                continue
            if verb == "CAPA":
                say("+OK\r\n" + "".join(f"{name}\r\n" for name in (*capabilities, *(["STLS"] if tls else []))) + ".\r\n")
            elif verb == "STLS" and tls:
                say("+OK go\r\n")
                peer.start_tls()
            elif verb in ("PASS", "AUTH"):
                if verb == "AUTH" and len(rest.split()) < 2:
                    say("+ \r\n")
                    peer.line()
                login(peer) if login else say("+OK in\r\n")
                inside = True
            elif verb == "QUIT":
                say("+OK bye\r\n")
                peer.end()
                return
            else:
                say("+OK\r\n")

    return script


def decoded_plain(line):
    """The three parts of SASL PLAIN in an AUTHENTICATE/AUTH line."""
    return base64.b64decode(line.split()[-1]).split(b"\0")
