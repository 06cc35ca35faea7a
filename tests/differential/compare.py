"""Runs a pipeline directly and through Postigo, from equal mailboxes, and says whether a client could tell them apart."""

import asyncio
import collections
import dataclasses
import itertools

from tests.differential import deliberate
from tests.differential.play import Player, Refused
from tests.differential.servers import PASSWORD

QUICK_S, PATIENT_S = 0.4, 2.5  # what counts as silence at first sight, and when it matters
_SLOW_S = 2.0
# How the same may be said directly: in which segments, and with which form of literal. Servers run commands side by side,
# and what arrives together may be answered in another order than what arrives in pieces.
_WAYS = (("as cut", False, False), ("as cut", True, False), ("at once", False, False), ("at once", True, True))
_numbers = itertools.count(1)


@dataclasses.dataclass
class Difference:
    """What a client saw directly and through us."""

    pipeline: object
    direct: object
    proxied: object
    why: str
    changes: list

    def __str__(self):
        lines = [f"why: {self.why}", f"delivery: {self.pipeline.delivery}"]
        lines += [f"  command {sorted(command.traits)}: {_short(command.octets)}" for command in self.pipeline.commands]
        for name, outcome in (("direct, as far as changes are permitted", self.direct), ("through Postigo", self.proxied)):
            lines += [f"{name}: {outcome.essence()}", *outcome.dialogue()]
        lines += ["what arrived:", *(f"  {change.rule or 'NO RULE'}: {_short(change.line)} as {_short(change.became)}"
                                    for change in self.changes if change.rule != "same")]
        return "\n".join(lines)


class Pair:
    """A server and a proxy before it; tap: the recording wire between them. A proxy has ports by protocol name."""

    def __init__(self, server, proxy, tap):
        self.server = server
        self.proxy = proxy
        self.tap = tap
        self.sessions = collections.Counter()  # by user, those that may have logged in

    @staticmethod
    def fresh_user():
        """A name that nobody had before."""
        return f"u{next(_numbers):07}"

    async def play(self, pipeline, door, quiet_s, rewrite=None):
        """One run with a user of its own. Returns the outcome, with the tap's recording if it went through it."""
        user = self.fresh_user()
        await self.server.prepare(user)
        try:
            for attempt in range(3):
                self.sessions[user] += 1
                try:
                    outcome = await Player(pipeline, (door.host, getattr(door, pipeline.protocol)), user, PASSWORD,
                                           quiet_s, rewrite).play()
                    outcome.recording = self.tap.take(user)
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
        """The difference, or None if one of two runs through us has the essence of a permitted direct run. Most have it
        also if silence is soon silence; the others are listened to with more patience."""
        for quiet_s in (QUICK_S, PATIENT_S):
            raw = asyncio.create_task(self.play(pipeline, self.server, quiet_s))
            tries = [await task for task in [asyncio.create_task(self._judge(pipeline, raw, quiet_s)) for _ in range(2)]]
            if None in tries:
                return None
        return tries[0]

    async def _judge(self, pipeline, raw, quiet_s):
        proxied = await self.play(pipeline, self.proxy, quiet_s)
        direct = await raw
        why = _differ(pipeline, direct, proxied)
        if not why:
            return None
        said = b"".join(octets for _, octets in proxied.sent)
        made = deliberate.changes(pipeline.protocol, said, proxied.recording.relayed() if proxied.recording else b"")
        uncut = dataclasses.replace(pipeline, delivery=dataclasses.replace(pipeline.delivery, cuts=0.0))
        for said, paced, hide in _WAYS:
            direct = await self.play(uncut if said == "at once" else pipeline, self.server, quiet_s,
                                     deliberate.Rewriter(made, paced, hide))
            why = _differ(pipeline, direct, proxied)
            if not why or (why == "answers" and self._permitted(direct.essence(), proxied.essence())):
                why = ""
                break
        if proxied.ended or pipeline.delivery.end in ("close", "reset"):  # the rule "gone"
            while made and not made[-1].became:
                made.pop()
        wrong = [change for change in made if not change.rule]
        why = why or (f"changed without a rule: {wrong}" if wrong else "")
        return Difference(pipeline, direct, proxied, why, made) if why else None

    def _permitted(self, direct, proxied):
        """The rules "order" and "doubt"."""
        if self.server.side_by_side and sorted(direct) == sorted(proxied):
            return True
        return direct[-1] == ("open",) and proxied[-1] == ("end",) and direct[:-1] == proxied[:-1]


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
