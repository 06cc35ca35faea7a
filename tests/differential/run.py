"""Many pipelines against one server, a crowd at a time."""

import asyncio
import time

from tests.differential.compare import Pair
from tests.differential.shrink import shrink
from tests.differential.imap_grammar import generate as imap

GENERATORS = {"imap": imap}


class Run:
    """done, differences (by seed) and errors (of the harness) grow while go() runs."""

    def __init__(self, server, proxy, generate, crowd=60):
        self.pair = Pair(server, proxy)
        self.generate = generate
        self.crowd = crowd
        self.done = 0
        self.differences = {}
        self.errors = []

    async def go(self, seeds, deadline):
        seeds = iter(seeds)
        await asyncio.gather(*(self._worker(seeds, deadline) for _ in range(self.crowd)))

    async def shrink(self, most):
        """Replaces the first differences by the smallest that still differ."""
        for seed in sorted(self.differences)[:most]:
            self.differences[seed] = await shrink(self.differences[seed], self.pair.confirm)

    async def _worker(self, seeds, deadline):
        for seed in seeds:
            if time.monotonic() > deadline:
                return
            try:
                found = await self.pair.compare(self.generate(seed, self.pair.server.pipelined_login))
            except Exception as error:  # noqa: BLE001 the harness' own trouble is told with its seed, too
                self.errors.append((seed, repr(error)))
                continue
            self.done += 1
            if found:
                self.differences[seed] = found
