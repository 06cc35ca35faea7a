"""Many pipelines against one server, a crowd at a time. What is found has its seed and can be made smaller."""

import asyncio
import dataclasses
import time

from tests.differential import adversary, imap_grammar, oracle, pop3_grammar
from tests.differential.compare import QUICK_S, Pair
from tests.differential.shrink import shrink

# name: (protocol's generator, whether it has a goal)
GENERATORS = {"imap": imap_grammar.generate, "pop3": pop3_grammar.generate, "adversary": adversary.generate}


class Run:
    """done, found (by seed) and errors (of the harness) grow while go() runs."""

    def __init__(self, server, proxy, generate, crowd):
        self.pair = Pair(server, proxy)
        self.generate = generate
        self.crowd = crowd
        self.done = 0
        self.found = {}
        self.errors = []

    async def examine(self, pipeline):
        """What is wrong with this pipeline, with the pipeline as `pipeline`; or None."""
        return await self.pair.compare(pipeline)

    async def confirm(self, pipeline):
        return await self.pair.confirm(pipeline)

    async def go(self, seeds, deadline):
        seeds = iter(seeds)
        await asyncio.gather(*(self._worker(seeds, deadline) for _ in range(self.crowd)))

    async def _worker(self, seeds, deadline):
        for seed in seeds:
            if time.monotonic() > deadline:
                return
            try:
                found = await self.examine(self.generate(seed, self.pair.server.pipelined_login))
            except Exception as error:  # noqa: BLE001 the harness' own trouble is told with its seed, too
                self.errors.append((seed, repr(error)))
                continue
            self.done += 1
            if found:
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
    recording: object

    def __str__(self):
        lines = [*self.verdicts, f"delivery: {self.pipeline.delivery}", *self.outcome.dialogue()]
        if self.recording is not None:
            lines += [f"arrived: {bytes(self.recording.to_server[:3000])!r}",
                      f"answered: {bytes(self.recording.from_server[-3000:])!r}"]
        return "\n".join(lines)


class Assault(Run):
    """Only through Postigo, with an oracle behind it."""

    def __init__(self, server, proxy, tap, generate, crowd):
        super().__init__(server, proxy, generate, crowd)
        self.tap = tap

    async def examine(self, pipeline):
        user = self.pair.fresh_user()
        outcome = await self.pair.play(pipeline, self.pair.proxy, QUICK_S, user)
        recording = self.tap.take(user)
        said = oracle.verdicts(pipeline.protocol, recording, outcome)
        return Breach(pipeline, said, outcome, recording) if said else None

    confirm = examine
