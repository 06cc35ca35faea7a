"""bench/run.sh's other half: what to run, in which order, within which time.

    run.sh [--quick | --full] [--rounds N] [--only PEER,...] [--rows ROW,...] [--results DIR]
    run.sh --render FILE.json
"""

import argparse
import os
import signal
import sys
import time

from bench.harness import charts, growth, idle, machine, processes, results, rows, table
from bench.harness.measure import Measurement
from bench.harness.peers import PEERS, newer
from bench.harness.scene import Scene
from bench.harness.tools import SOURCE, tool

_BUDGET = {"quick": 540, "full": 6 * 3600}  # seconds; beyond it what is left is skipped, and the table says so
_LIMITS_EVERY = 5  # rows between two looks at the limits


def _arguments():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description="Postigo beside the proxies that people run.")
    parser.add_argument("--quick", action="store_const", dest="kind", const="quick", default="quick",
                        help="below 10 minutes (the default)")
    parser.add_argument("--full", action="store_const", dest="kind", const="full", help="hours; for a quiet machine")
    parser.add_argument("--rounds", metavar="N", type=int, default=100, help="at most so many turns of each row")
    parser.add_argument("--only", metavar="PEER,...", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--rows", metavar="ROW,...", help=f"of {', '.join(rows.names())}, {', '.join(rows.GROUPS)}")
    parser.add_argument("--results", metavar="DIR", default=os.path.join(SOURCE, "bench", "results"))
    parser.add_argument("--render", metavar="FILE", help="make table and charts of an earlier run; measure nothing")
    return parser.parse_args()


def _everybody(kind):
    """In a quick run the newest of each kind, for time; in a full one the ones of this Debian beside them."""
    if kind == "full":
        return list(PEERS)
    return [name for name, peer in PEERS.items()
            if not any(peer in other.__bases__ and other.installed() for other in PEERS.values())]


def _peers(only, kind):
    """Those that are asked for and installed, in the order in which they take turns."""
    wanted = only.split(",") if only else _everybody(kind)
    unknown = set(wanted) - set(PEERS)
    if unknown:
        raise SystemExit(f"unknown peers: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    missing = [name for name in wanted if not PEERS[name].installed()]
    if missing:
        print(f"not installed, left out: {', '.join(missing)}")
    return [name for name in PEERS if name in wanted and name not in missing]


class Run:
    """Everything that was asked for, one thing after the other."""

    def __init__(self, arguments):
        self.kind = arguments.kind
        self.rounds = max(1, arguments.rounds)
        self.peers = _peers(arguments.only, self.kind)
        self.rows = rows.chosen(arguments.rows.split(",") if arguments.rows else None)
        path = os.path.join(arguments.results, f"{self.kind}.json")
        versions = newer.versions() if any(issubclass(PEERS[name], newer.Newer) for name in self.peers) else {}
        self.results = results.Results(self.kind, path, machine.describe(versions))
        self.began = time.monotonic()
        self.scene = Scene()
        self.measurement = Measurement(self.scene, self.peers, self.results, self.kind, self._tell)

    def _elapsed(self):
        return time.monotonic() - self.began

    def _tell(self, text):
        print(f"[{self._elapsed():6.0f} s] {text}", flush=True)

    def _wanted(self, row, default=True):
        return row in self.rows if self.rows is not None else default

    def _in_time(self, name):
        """False once the budget is used up."""
        if self._elapsed() < _BUDGET[self.kind]:
            return True
        self.results.fail(name, "all", "left out: no time left")
        return False

    def _loads(self):
        for number, row in enumerate(row for row in rows.LOADS if self._wanted(row.id)):
            if number % _LIMITS_EVERY == 0:
                self._tell("limits")
                self.measurement.limits(number // _LIMITS_EVERY)
            if self._in_time(row.id):
                self.measurement.run(row, 1 if self._elapsed() > _BUDGET[self.kind] * 0.8 else self.rounds)

    def _idles(self):
        for row in rows.IDLES:
            if self._wanted(row.id, self.kind == "full" or row.quick_sessions > 0) and self._in_time(row.id):
                idle.run(self.scene, row, self.peers, self.results, self.kind, self._tell, rounds=self.rounds)
        if self._wanted(rows.STORM.id) and self._in_time(rows.STORM.id):
            idle.run(self.scene, rows.STORM, self.peers, self.results, self.kind, self._tell, idle.storm, self.rounds)

    def all(self):
        """Idle sessions first: the kernel's memory is quiet then."""
        try:
            self._idles()
            self._loads()
            if self._wanted("growth", self.kind == "full") and "postigo" in self.peers and self._in_time("growth"):
                growth.Growth(self.scene, self.results, self.kind, self._tell, self.rounds).run()
        finally:
            self.results.data["seconds"] = round(self._elapsed())
            self.results.save()
            self.scene.close()
        return self.results.path


def _render(path):
    """Table beside the JSON and on the terminal, charts beside them. Returns what is wrong with the run."""
    data = results.load(path)
    text = table.render(data)
    with open(os.path.splitext(path)[0] + ".md", "w", encoding="utf-8") as file:
        file.write(text)
    drawn = charts.draw(data, os.path.dirname(path))
    print(text)
    print(f"raw figures: {path}\ncharts: {', '.join(drawn) or 'none (python3-matplotlib is missing)'}")
    return table.errors(data)


def main():
    arguments = _arguments()
    if arguments.render:
        if not os.path.isfile(arguments.render):
            raise SystemExit(f"--render {arguments.render}: no such file; a run writes quick.json or full.json")
        _render(os.path.abspath(arguments.render))
        return 0
    for name in ("load", "sink", "bare"):
        if not os.path.exists(tool(name)):
            raise SystemExit(f"{tool(name)} is missing: bench/run.sh builds it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # so that everything we started is ended
    arguments.results = os.path.abspath(arguments.results)
    processes.raise_descriptors()
    return 1 if _render(Run(arguments).all()) else 0


if __name__ == "__main__":
    sys.exit(main())
