"""A recording wire between Postigo and a server: what arrived at the backend is known, whatever either side says.

A session is known by the user whose name is in its first line.
"""

import asyncio
import base64
import re

from tests.differential.servers import PASSWORD

_USER = rb"\b(?P<user>u\d{7})\b"
_RESPONSE = rb"PLAIN(?: |\r\n)(?P<response>[A-Za-z0-9+/=]{12,})\r\n"
# What comes first is the login; behind it there may be anything.
_WHO = re.compile(_RESPONSE + rb"|" + _USER)
_LOGIN = re.compile(_RESPONSE + rb"|%b\"?\r\n" % PASSWORD.encode())
_OWN = re.compile(rb"^(?:P[0-9a-f]+ [^\n]*\n)+")  # what Postigo asks behind the login
_FOR_ONE_SESSION = 1 << 20  # octets kept of each direction


class Recording:
    """Octets of one session, from the moment that the backend was connected."""

    def __init__(self):
        self.to_server = bytearray()
        self.from_server = bytearray()

    def user(self):
        """Who logged in, or None."""
        found = _WHO.search(self.to_server)
        if found and found["response"]:
            found = re.search(_USER, base64.b64decode(found["response"]))
        return found["user"].decode() if found else None

    def relayed(self):
        """What arrived behind the login."""
        said = bytes(self.to_server)
        login = _LOGIN.search(said)
        return _OWN.sub(b"", said[login.end():]) if login else b""


class _Leg(asyncio.Protocol):
    """One side. What it hears is kept in `heard` and passed to `other`."""

    def __init__(self, heard, edit):
        self.heard = heard
        self.edit = edit
        self.transport = None
        self.other = None
        self.early = bytearray()
        self.ended = False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if len(self.heard) < _FOR_ONE_SESSION:
            self.heard += data
        if self.other is None:
            self.early += data
        else:
            self.other.write(self.edit(data))

    def eof_received(self):
        self.ended = True
        if self.other is not None and self.other.can_write_eof() and not self.other.is_closing():
            self.other.write_eof()
        return True

    def connection_lost(self, _error):
        if self.other is not None:
            self.other.abort()


class Tap:
    """Listens on a port of its own per protocol; is a backend to Postigo. Recordings are taken by user."""

    host = "127.0.0.1"
    imaps = pop3s = None

    def __init__(self, server):
        self.server = server
        self.imap = self.pop3 = None
        self._recordings = []
        self._listening = []
        self._tasks = set()

    async def start(self):
        for protocol in ("imap", "pop3"):
            listening = await asyncio.get_running_loop().create_server(lambda name=protocol: self._accept(name),
                                                                       self.host, 0)
            setattr(self, protocol, listening.sockets[0].getsockname()[1])
            self._listening.append(listening)

    def edit(self, data):
        """What passes to the client for this segment of the server's; for wires that are broken on purpose."""
        return data

    def edit_command(self, data):
        """The same for the other direction."""
        return data

    async def stop(self):
        for listening in self._listening:
            listening.close()

    def _accept(self, protocol):
        recording = Recording()
        self._recordings.append(recording)
        leg = _Leg(recording.to_server, self.edit_command)
        task = asyncio.get_running_loop().create_task(self._join(leg, recording, protocol))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return leg

    async def _join(self, leg, recording, protocol):
        try:
            _, far = await asyncio.get_running_loop().create_connection(
                lambda: _Leg(recording.from_server, self.edit), self.host, getattr(self.server, protocol))
        except OSError:
            leg.transport.abort()
            return
        for one, two in ((leg, far), (far, leg)):
            one.other = two.transport
            two.transport.write(bytes(one.early))
            if one.ended:
                two.transport.write_eof()

    def take(self, user):
        """The recording of this user's session, or None."""
        found = next((each for each in self._recordings if each.user() == user), None)
        self._recordings = [each for each in self._recordings if each is not found][-2000:]
        return found
