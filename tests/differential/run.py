"""Many pipelines against one server, a crowd at a time. What is found has its seed and can be made smaller."""

import asyncio
import dataclasses
import math
import time

from tests.differential import adversary, imap_grammar, oracle, pop3_adversary, pop3_grammar
from tests.differential.compare import QUICK_S
from tests.differential.servers import SECRETS, VICTIM
from tests.differential.shrink import shrink
from tests.differential.witness import Witness

_LOG_S = 0.5  # until a server has written down what happened
_CALM = 6  # pipelines at a time when it matters
GENERATORS = {"imap": imap_grammar.generate, "pop3": pop3_grammar.generate, "adversary": adversary.generate,
              "pop3_adversary": pop3_adversary.generate}


class Run:
    """done, found (by seed) and errors (of the harness) grow while go() runs. logged: what the server's log says of all."""

    def __init__(self, pair, generate, crowd):
        self.pair = pair
        self.generate = generate
        self.crowd = crowd
        self.done = 0
        self.found = {}
        self.errors = []
        self.logged = []
        self._suspects = {}  # seed: pipeline

    async def suspicious(self, pipeline):
        """A first look, in a crowd."""
        return await self.pair.suspicious(pipeline)

    async def confirm(self, pipeline):
        """What is wrong with this pipeline, with the pipeline as `pipeline`; or None."""
        return await self.pair.confirm(pipeline)

    async def go(self, seeds, deadline):
        """All seeds, or as many as begin before the deadline; then those that looked wrong again, a few at a time."""
        pipelines = ((seed, self.generate(seed, self.pair.server.pipelined_login)) for seed in seeds)
        await self._crowd(pipelines, self.crowd, deadline, self._first_look)
        await self._crowd(iter(self._suspects.items()), _CALM, math.inf, self._second_look)

    async def _crowd(self, pipelines, size, deadline, look):
        async def worker():
            for seed, pipeline in pipelines:
                if time.monotonic() > deadline:
                    return
                try:
                    await look(seed, pipeline)
                except Exception as error:  # noqa: BLE001 the harness' own trouble is told with its seed, too
                    self.errors.append((seed, repr(error)))

        await asyncio.gather(*(worker() for _ in range(size)))

    async def _first_look(self, seed, pipeline):
        if await self.suspicious(pipeline):
            self._suspects[seed] = pipeline
        self.done += 1

    async def _second_look(self, seed, pipeline):
        if (found := await self.confirm(pipeline)) is not None:
            self.found[seed] = found

    async def shrink(self, most):
        """Replaces the first that were found by the smallest that are still wrong."""
        for seed in sorted(self.found)[:most]:
            self.found[seed] = await shrink(self.found[seed], self.confirm)


@dataclasses.dataclass
class Breach:
    """What the oracle says of one session."""

    pipeline: object
    verdicts: list
    outcome: object

    def __str__(self):
        lines = [*self.verdicts, f"delivery: {self.pipeline.delivery}", *self.outcome.dialogue()]
        if self.outcome.recording is not None:
            lines += [f"arrived: {self.outcome.recording.relayed()[:3000]!r}",
                      f"answered: {bytes(self.outcome.recording.from_server[-3000:])!r}"]
        return "\n".join(lines)


class Assault(Run):
    """Only through Postigo, with an oracle behind it, another user whose mail is worth reading, and the server's log."""

    async def go(self, seeds, deadline):
        server = self.pair.server
        await server.forget(VICTIM)
        await server.prepare(VICTIM, SECRETS)
        await asyncio.sleep(_LOG_S)
        witness = Witness(server)
        await super().go(seeds, deadline)
        await asyncio.sleep(_LOG_S)
        self.logged = list(witness.verdicts(self.pair.sessions))

    async def confirm(self, pipeline):
        outcome = await self.pair.play(pipeline, self.pair.proxy, QUICK_S)
        said = oracle.verdicts(pipeline.protocol, outcome.recording, outcome)
        return Breach(pipeline, said, outcome) if said else None

    async def _first_look(self, seed, pipeline):
        """A breach counts at first sight: it need not happen again."""
        await self._second_look(seed, pipeline)
        self.done += 1
