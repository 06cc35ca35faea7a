"""The rows that load a proxy and read its clock: all peers stand ready, and each gets a short turn, again and again.

A B A B: whatever the machine does in the background hits all peers alike.
"""

import time

from bench.harness import processes, rows
from bench.harness.peers import PEERS
from bench.harness.results import failures, oddities
from bench.harness.tools import Load, ToolFailed, limit

_CALIBRATION = "login-ecdsa"  # whose rates the half-load rows need
_LIMITS = (
    ("handshake-ecdsa", "cpu_us_per_handshake", ("handshake", "--kind", "ecdsa", "--resumed", 0, "--count")),
    ("handshake-rsa", "cpu_us_per_handshake", ("handshake", "--kind", "rsa", "--resumed", 0, "--count")),
    ("handshake-resumed", "cpu_us_per_handshake", ("handshake", "--kind", "ecdsa", "--resumed", 1, "--count")),
    ("seal", "cpu_s_per_gb", ("seal", "--record", 16384, "--bytes")),
    ("copy", "cpu_s_per_gb", ("copy", "--bytes")),
)
_AMOUNT = {"quick": {"handshake": 300, "bytes": 200_000_000}, "full": {"handshake": 3000, "bytes": 2_000_000_000}}


class Clock:
    """A peer's CPU and the machine's between the two marks of a load."""

    def __init__(self, roots):
        self._roots = roots
        self._at = {}

    def mark(self, which):
        self._at[which] = (time.monotonic(), processes.cpu_seconds(self._roots()), processes.machine_ticks())

    def figures(self):
        if set(self._at) != {"start", "stop"}:
            raise ToolFailed(f"marks seen: {sorted(self._at)}")
        (t0, c0, m0), (t1, c1, m1) = self._at["start"], self._at["stop"]
        ticks = max(1, m1[0] - m0[0])
        return {"cpu_seconds": c1 - c0, "wall_seconds": t1 - t0, "stolen": (m1[1] - m0[1]) / ticks,
                "idle": (m1[2] - m0[2]) / ticks}


def sample(scene, row, peer, number, seconds, **options):
    """One turn of one peer: a dictionary for the results."""
    clock = Clock(peer.roots)
    load = Load(peer.folder, row.mode, peer.port(row.protocol, row.tls != "off"), scene.load_core,
                **{**row.options(seconds), **options})
    try:
        said = load.finish(clock.mark)
    finally:
        load.stop()
    problem = failures(said) or ("" if said.get("units") else "nothing was done")
    return {"row": row.id, "peer": peer.name, "round": number, **clock.figures(), "load": said, "problem": problem,
            "remark": oddities(said, peer)}


class Stand:
    """The peers of one row, all running, before one fake backend."""

    def __init__(self, scene, row, peers, results):
        self.scene = scene
        self.row = row
        self.peers = {}
        self.sink = scene.sink(row.kind)
        for name in peers:
            if name in row.without:
                continue
            try:
                self.peers[name] = PEERS[name](scene, self.sink, kind=row.kind).start()
            except (AssertionError, ToolFailed, OSError) as error:
                results.fail(row.id, name, error)

    def close(self):
        for peer in self.peers.values():
            try:
                peer.stop()
            except AssertionError as error:  # Postigo says what it left behind
                print(f"  {peer.name}: {error}")
        self.sink.stop()


class Measurement:
    """One run over the rows. kind: "quick" or "full"."""

    def __init__(self, scene, peers, results, kind, tell):
        self.scene = scene
        self.peers = peers
        self.results = results
        self.kind = kind
        self.tell = tell

    def limits(self, number):
        """One look at each limit, on the proxies' core."""
        for name, key, words in _LIMITS:
            amount = _AMOUNT[self.kind]["handshake" if "handshake" in name else "bytes"]
            try:
                value = limit(self.scene.core, *words, amount)[key]
                self.results.add("limits", {"name": name, "round": number, "value": value})
            except (AssertionError, KeyError, ValueError, IndexError) as error:
                self.results.fail("limits", name, error)

    def run(self, row, rounds=None):
        seconds, usual = getattr(row, self.kind)
        rounds = min(rounds or usual, usual)
        rates = self._half_rates(row) if row.half else {}
        stand = Stand(self.scene, row, self.peers, self.results)
        try:
            for number in range(rounds):
                self.tell(f"{row.id}: round {number + 1} of {rounds}")
                for name, peer in stand.peers.items():
                    if not row.half or rates.get(name):
                        self._turn(row, peer, number, seconds, rates.get(name))
        finally:
            stand.close()
            self.results.save()

    def _turn(self, row, peer, number, seconds, rate):
        options = {"rate": round(rate, 1), "count": max(20, int(rate * seconds))} if rate else {}
        try:
            entry = sample(self.scene, row, peer, number, seconds + (5 if rate else 0), **options)
            if rate:
                entry["rate"] = rate
            self.results.add("samples", entry)
        except (ToolFailed, OSError) as error:
            self.results.fail(row.id, peer.name, error)

    def _half_rates(self, row):
        """Per peer: logins per second to offer."""
        if not any(self.results.rate(_CALIBRATION, name) for name in self.peers):
            self.run(next(r for r in rows.LOADS if r.id == _CALIBRATION), 1)
        measured = {name: self.results.rate(_CALIBRATION, name) for name in self.peers if name not in row.without}
        measured = {name: rate for name, rate in measured.items() if rate}
        if row.half == "common" and measured:
            slowest = min(measured.values())
            return {name: slowest / 2 for name in measured}
        return {name: rate / 2 for name, rate in measured.items()}
