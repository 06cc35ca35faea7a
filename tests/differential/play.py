"""Plays one pipeline against one door and returns what was heard. asyncio, so that hundreds wait at the same time."""

import asyncio
import contextlib
import dataclasses
import socket
import struct

from tests.differential.transcript import TRANSCRIPTS

_BUSY_S = 20  # how long a loaded server may take to greet and to log in


@dataclasses.dataclass
class Outcome:
    """What a client saw of one session, after its login."""

    transcript: object
    sent: list  # (seconds since the login, octets)
    ended: bool
    slowest_s: float  # the longest time between something said or heard and the next thing heard
    login_s: float  # how busy the machine was
    recording: object = None  # the tap's, if the session went through it
    mail: object = None  # what the user has in his mailboxes afterwards, if the server ended the session and it is known

    def essence(self):
        """Two outcomes with the same essence are the same to a client."""
        if self.ended:  # a reset may take the last word along
            return [*(event for event in self.transcript.essence() if event != ("*", "BYE")), ("end",)]
        return [*self.transcript.essence(), ("open",)]

    def dialogue(self):
        """Lines for people: who said what when."""
        said = [(when, "C", repr(octets[:400])) for when, octets in self.sent]
        heard = [(when, "S", " ".join(event)) for when, event in zip(self.transcript.times, self.transcript.events)]
        moments = sorted(said + heard, key=lambda moment: moment[0])
        lines = [f"  {when - moments[0][0]:7.3f} {who}: {what}" for when, who, what in moments]
        return lines if len(lines) < 50 else [*lines[:20], f"  ... {len(lines) - 40} more ...", *lines[-20:]]


class Refused(Exception):
    """No greeting or no login: the door or the harness is broken, or busy."""


class _Ear(asyncio.Protocol):
    """Keeps what is heard before `transcript` is there, and gives it what comes later."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.transport = None
        self.transcript = None
        self.early = b""
        self.ended = False
        self.last = self.loop.time()
        self._changed = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.last = self.loop.time()
        if self.transcript is None:
            self.early += data
        else:
            self.transcript.feed(data, self.last)
        self._changed.set()

    def eof_received(self):
        self.ended = True
        self._changed.set()
        return True  # whether we may still speak is up to the server

    def connection_lost(self, _error):
        self.ended = True
        self._changed.set()

    async def until(self, condition, quiet_s):
        """Waits for condition, the end, or quiet_s without a word. True if the condition holds."""
        start = self.loop.time()
        while not condition():
            left = max(self.last, start) + quiet_s - self.loop.time()
            if self.ended or left <= 0:
                return False
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except asyncio.TimeoutError:
                pass
        return True


def _imap_login(user, password):
    return [(f'in LOGIN "{user}" "{password}"\r\n'.encode(), b"in OK")]


def _pop3_login(user, password):
    return [(f"USER {user}\r\n".encode(), b"+OK"), (f"PASS {password}\r\n".encode(), b"+OK")]


_LOGINS = {"imap": _imap_login, "pop3": _pop3_login}


class Player:
    """One session. quiet_s: how long without a word is silence. rewrite: what is sent for what is said (deliberate.Rewriter)."""

    def __init__(self, pipeline, address, user, password, quiet_s, rewrite=None):
        self._steps = pipeline.steps()
        self._delivery = pipeline.delivery
        self._address = address
        self._login = _LOGINS[pipeline.protocol](user, password)
        self._transcript = TRANSCRIPTS[pipeline.protocol](rewrite)
        self._quiet_s = quiet_s  # and more, where the login shows that the machine is busy
        self._rewrite = rewrite
        self._sent = []
        self._plus_used = 0
        self._granted = False
        self._login_s = 0.0
        self._seen = {}  # tag: answers that were waited for
        self._ear = None

    async def play(self):
        loop = asyncio.get_running_loop()
        transport, self._ear = await asyncio.wait_for(loop.create_connection(_Ear, *self._address), _BUSY_S)
        try:
            await self._log_in()
            for step in self._steps:
                if self._ear.ended:
                    break
                await self._do(*step)
            await self._end()
        finally:
            transport.abort()
        return Outcome(self._transcript, self._sent, self._ear.ended, self._slowest(), self._login_s)

    async def _log_in(self):
        ear = self._ear
        started = ear.loop.time()
        if not await ear.until(lambda: b"\n" in ear.early, _BUSY_S):
            raise Refused(f"no greeting: {ear.early!r}")
        at = ear.early.index(b"\n") + 1
        for number, (line, wanted) in enumerate(self._login):
            ahead = b""
            if self._delivery.login_too and number == len(self._login) - 1 and self._steps[0][0] == "send":
                ahead = self._steps.pop(0)[1]
            await self._send(ahead, hidden=line)
            at = await self._answer_to_login(at, wanted)
        self._transcript.feed(ear.early[at:], ear.last)
        ear.transcript = self._transcript
        self._login_s = ear.loop.time() - started
        self._quiet_s = max(self._quiet_s, 2 * self._login_s)

    async def _answer_to_login(self, at, wanted):
        """Returns where the answer ends."""
        early = lambda: self._ear.early  # noqa: E731
        if wanted.startswith(b"+"):
            await self._ear.until(lambda: b"\n" in early()[at:], _BUSY_S)
        else:
            await self._ear.until(lambda: b"\nin " in early()[at - 1:] and b"\n" in early()[early().index(b"\nin ") + 1:],
                                  _BUSY_S)
            at = early().find(b"\nin ") + 1
        if not early()[at:].startswith(wanted):
            raise Refused(f"login: {early()!r}")
        return early().index(b"\n", at) + 1

    async def _do(self, kind, what):
        if kind == "send" or (kind == "if_plus" and self._granted):
            await self._send(what)
        elif kind == "pause":
            await asyncio.sleep(what)
        elif kind in ("plus", "answer"):
            await self._wait(kind, what.decode("latin-1"))

    async def _wait(self, kind, tag):
        """For the answer to this command; or, if it is in the middle, for a "+" that nobody has waited for yet."""
        heard = self._transcript
        answered = lambda: heard.count(tag) > self._seen.get(tag, 0)  # noqa: E731
        granted = lambda: kind == "plus" and heard.plus > self._plus_used  # noqa: E731
        await self._ear.until(lambda: answered() or granted(), self._quiet_s)
        self._granted = granted()
        self._plus_used = heard.plus
        self._seen[tag] = heard.count(tag)

    async def _send(self, octets, hidden=b""):
        if octets:
            self._sent.append((asyncio.get_running_loop().time(), octets))
        segments = [segment for segment in (self._rewrite(octets) if self._rewrite else [octets]) if segment]
        for number, segment in enumerate([hidden, *segments] if len(segments) > 1 else [hidden + b"".join(segments)]):
            if number:
                await asyncio.sleep(self._rewrite.pause_s)
            if segment and not self._ear.transport.is_closing():
                self._ear.transport.write(segment)

    async def _end(self):
        end = self._delivery.end
        if end == "reset":
            self._ear.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                                    struct.pack("ii", 1, 0))
        if end in ("reset", "close"):
            return
        if end == "half" and not self._ear.ended:
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                self._ear.transport.write_eof()
        await self._ear.until(lambda: False, self._quiet_s)

    def _slowest(self):
        """Silence after the last word does not count: it is how a session ends that waits for the client."""
        heard = set(self._transcript.times)
        moments = sorted([*heard, *(moment for moment, _ in self._sent)])
        return max((now - before for before, now in zip(moments, moments[1:]) if now in heard), default=0.0)


