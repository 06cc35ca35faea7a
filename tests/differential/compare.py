"""Runs a pipeline directly and through Postigo, from equal mailboxes, and says whether a client could tell them apart."""

import asyncio
import dataclasses
import itertools

from tests.differential.deliberate import readings
from tests.differential.play import Player, Refused
from tests.differential.servers import PASSWORD

QUICK_S, PATIENT_S = 0.4, 2.5  # what counts as silence at first sight, and when it matters
_SLOW_S = 2.0
_numbers = itertools.count(1)


@dataclasses.dataclass
class Difference:
    """What a client saw directly and through us."""

    pipeline: object
    direct: object
    proxied: object
    why: str

    def __str__(self):
        lines = [f"why: {self.why}", f"delivery: {self.pipeline.delivery}"]
        lines += [f"  command {sorted(command.traits)}: {_short(command.octets)}" for command in self.pipeline.commands]
        for name, outcome in (("direct", self.direct), ("through Postigo", self.proxied)):
            lines += [f"{name}: {outcome.essence()}", *outcome.dialogue()]
        return "\n".join(lines)


class Pair:
    """A server and a proxy before it. `proxy` has ports by protocol name, as the server has."""

    def __init__(self, server, proxy):
        self.server = server
        self.proxy = proxy

    @staticmethod
    def fresh_user():
        """A name that nobody had before."""
        return f"u{next(_numbers):07}"

    async def play(self, pipeline, door, quiet_s, user=None):
        """One run with a user of its own."""
        user = user or self.fresh_user()
        await self.server.prepare(user)
        try:
            for attempt in range(3):
                try:
                    outcome = await Player(pipeline, (door.host, getattr(door, pipeline.protocol)), user, PASSWORD,
                                           quiet_s).play()
                    outcome.mail = self.server.mail(user) if outcome.ended else None
                    return outcome
                except (Refused, OSError, asyncio.TimeoutError):
                    if attempt == 2:
                        raise
                    await asyncio.sleep(0.5)
        finally:
            await self.server.forget(user)

    async def suspicious(self, pipeline):
        """True if it looks different at first sight, in a crowd. Whether it is, confirm() says."""
        direct, proxied = await asyncio.gather(self.play(pipeline, self.server, QUICK_S),
                                               self.play(pipeline, self.proxy, QUICK_S))
        return bool(_differ(pipeline, direct, proxied))

    async def confirm(self, pipeline):
        """The difference, or None if any run through us has the essence of any permitted direct run; servers are not deterministic."""
        proxied, direct = await asyncio.gather(
            asyncio.gather(*(self.play(pipeline, self.proxy, PATIENT_S) for _ in range(2))),
            asyncio.gather(*(self.play(reading, self.server, PATIENT_S) for reading in readings(pipeline))))
        if any(not _differ(pipeline, one, two) for one in direct for two in proxied):
            return None
        return Difference(pipeline, direct[0], proxied[0], _differ(pipeline, direct[0], proxied[0]))


def _differ(pipeline, direct, proxied):
    """Why they are not the same, or "". Who leaves early sees as much as arrived until then."""
    one, two = direct.essence(), proxied.essence()
    if pipeline.delivery.end in ("close", "reset"):
        one, two = _common(one[:-1], two[:-1])
        return "answers" if one != two else ""
    if one != two:
        return "answers"
    if direct.transcript.content() != proxied.transcript.content():
        return f"data: {direct.transcript.content()} and {proxied.transcript.content()}"
    if direct.mail != proxied.mail:
        return f"mail: {direct.mail} and {proxied.mail}"
    if proxied.slowest_s > _SLOW_S + 2 * proxied.login_s and direct.slowest_s < _SLOW_S:
        return f"silence of {proxied.slowest_s:.1f} s"
    return ""


def _common(one, two):
    shared = min(len(one), len(two))
    return one[:shared], two[:shared]


def _short(octets):
    return repr(octets) if len(octets) < 300 else f"{octets[:200]!r}... ({len(octets)} octets) ...{octets[-60:]!r}"
