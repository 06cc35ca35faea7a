"""From raw figures to medians. Runs with errors do not count; what they were is told by problems()."""

import collections
import statistics

from bench.harness import rows
from bench.harness.peers import PROXIES
from bench.harness.targets import LIMITS

ROWS = {row.id: row for row in (*rows.LOADS, *rows.IDLES, rows.STORM)}
Figure = collections.namedtuple("Figure", "n median low high")


def figure(values):
    values = [value for value in values if value is not None]
    if not values:
        return None
    return Figure(len(values), statistics.median(values), min(values), max(values))


def cpu_per_unit(sample, unit):
    """CPU-ms per 1,000 logins, CPU-s per GB, CPU-us per round trip or command."""
    done = sample["load"]["bytes"] / 1e9 if unit == "gb" else sample["load"]["units"] / 1e6
    return sample["cpu_seconds"] / done if done else None


def _of_load(sample):
    """All figures of one sample of a row in LOADS."""
    load, unit = sample["load"], ROWS[sample["row"]].unit
    seconds = load["seconds"] or None
    return {
        "cpu": cpu_per_unit(sample, unit),
        "rate": load["bytes"] / seconds / 1e6 if unit == "gb" and seconds else load["per_second"],
        **{name: load["latency_ms"].get(name) for name in ("p50", "p90", "p99")},
        "busy": 100 * sample["cpu_seconds"] / sample["wall_seconds"] if sample["wall_seconds"] else None,
        "stolen": 100 * sample["stolen"],
        "resumed": 100 * load["resumed"] / load["handshakes"] if load.get("handshakes") else None,
    }


def _of_idle(entry):
    """All figures of one measurement of sessions held, or of a storm."""
    if "during" not in entry:
        loads = entry["load"]
        return {"sessions": entry["sessions"], "cpu": 1e6 * entry["cpu_seconds"] / entry["sessions"],
                "back": max(load["seconds"] for load in loads),
                **{name: max(load["latency_ms"].get(name) or 0 for load in loads) for name in ("p50", "p99")}}
    before, during, held = entry["before"], entry["during"], max(1, entry["held"])
    return {
        "sessions": entry["sessions"], "held": entry["held"], "answered": entry["answered"],
        "dropped": entry["sessions"] - entry["answered"],
        "pss": (during["pss_kib"] - before["pss_kib"]) / held,
        "chain": (during["kernel_kib"] - before["kernel_kib"]) / held,
        "before": before["pss_kib"] / 1024, "processes": during["processes"],
        "cpu": 1e6 * entry["cpu_seconds"] / held,
    }


class Summary:
    """Medians of one file of results."""

    def __init__(self, data):
        self.data = data
        self._values = collections.defaultdict(lambda: collections.defaultdict(list))
        for entry, look in [(e, _of_load) for e in data["samples"]] + [(e, _of_idle) for e in data["idles"]]:
            if not entry["problem"] and entry["row"] in ROWS:
                for name, value in look(entry).items():
                    self._values[entry["row"], entry["peer"]][name].append(value)
        self.limits = collections.defaultdict(list)
        for entry in data["limits"]:
            self.limits[entry["name"]].append(entry["value"])

    def rows(self):
        """Ids that have any figure, in the order of the bench."""
        have = {row for row, _ in self._values}
        return [row for row in ROWS if row in have]

    def peers(self, row):
        return [peer for has, peer in self._values if has == row]

    def get(self, row, peer, name):
        """A Figure or None."""
        return figure(self._values[row, peer][name]) if (row, peer) in self._values else None

    def median(self, row, peer, name):
        found = self.get(row, peer, name)
        return found.median if found else None

    def best(self, row, name):
        """(peer, median) of the real proxy that needs least; (None, None) if none was measured."""
        found = [(self.median(row, peer, name), peer) for peer in PROXIES if self.get(row, peer, name)]
        return tuple(reversed(min(found))) if found else (None, None)

    def limit(self, row):
        """What no proxy can go below, in the unit of the row's CPU; None if there is no such figure."""
        names = LIMITS.get(row, ())
        if not names or any(not self.limits[name] for name in names):
            return None
        return sum(statistics.median(self.limits[name]) for name in names)

    def kernel(self, row, peer):
        """The peer's share of the kernel's memory per session, KiB: the chain without client and fake backend."""
        chain = self.median(row, peer, "chain")
        direct = self.median(row, "direct", "chain") or self.median("idle-10k", "direct", "chain")
        if chain is None or direct is None:
            return None
        return direct / 2 if peer == "direct" else chain - direct

    def against(self, target):
        """(who, value) that a target speaks of."""
        if target.against == "best":
            return self.best(target.row, target.figure)
        if target.against == "limit":
            return "limit", self.limit(target.row)
        if not target.against:
            return "", 1.0
        found = ((peer, self.median(target.row, peer, target.figure)) for peer in target.against.split(","))
        return next((pair for pair in found if pair[1] is not None), (target.against, None))

    def met(self, target):
        """True, False, or None if something was not measured."""
        ours, theirs = self.median(target.row, "postigo", target.figure), self.against(target)[1]
        return None if ours is None or theirs is None else ours <= target.factor * theirs


def problems(data):
    """Lines about everything that went wrong; empty if all is well."""
    lines = [f"{entry['row']}, {entry['peer']}: {entry['why'].strip()}" for entry in data["failed"]]
    for entry in data["samples"] + data["idles"] + data["growth"]:
        if entry["problem"]:
            lines.append(f"{entry['row']}, {entry['peer']}, round {entry['round'] + 1}: {entry['problem']}; not used")
    return lines


def remarks(data):
    """What was measured and counts, but is not the same comparison."""
    return sorted({f"{entry['row']}, {entry['peer']}: {entry['remark']}" for entry in data["samples"]
                   if entry.get("remark")})


def counters(data):
    """Sums of the load generator's error counters over everything, by kind."""
    total = collections.Counter()
    for entry in data["samples"] + data["growth"]:
        total.update(entry["load"]["errors"])
    for entry in data["idles"]:
        for load in entry["load"]:
            total.update(load["errors"])
    return dict(total)
