"""A run as Markdown that is also readable in a terminal: columns are padded."""

from bench.harness.peers import PEERS
from bench.harness.summary import ROWS, Summary, cpu_per_unit, counters, figure, problems, remarks
from bench.harness.targets import LIMIT_TITLES, TARGETS

_UNITS = {
    "login": ("CPU-ms per 1,000", "logins/s"),
    "gb": ("CPU-s per GB", "MB/s"),
    "trip": ("CPU-us per round trip", "trips/s"),
    "command": ("CPU-us per command", "commands/s"),
}


def number(value):
    """Three digits that matter."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"


def spread(found):
    """Median (min-max)."""
    if found is None:
        return "-"
    if found.n == 1:
        return number(found.median)
    return f"{number(found.median)} ({number(found.low)}-{number(found.high)})"


def grid(head, lines):
    """A Markdown table; the first column is text, the others are figures."""
    cells = [list(map(str, line)) for line in [head, *lines]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]

    def row(line):
        return "| " + " | ".join(text.ljust(w) if i == 0 else text.rjust(w)
                                 for i, (text, w) in enumerate(zip(line, widths))) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([row(cells[0]), rule, *map(row, cells[1:])]) + "\n"


def _title(peer):
    return PEERS[peer].title if peer in PEERS else peer


def _machine(data):
    machine = data["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    kind = "virtual " if machine["virtual"] else ""
    return f"""- {machine['date']}, {data['kind']} run of {data['seconds']} s, commit {machine['commit']}
- {machine['cpu']}, {machine['cores']} {kind}cores, {machine['memory_mib']} MiB, kernel {machine['kernel']}
- {machine['system']}
- {'; '.join(machine['postigo']) or 'Postigo: unknown'}
- {packages}
- load of the machine before: {machine['load_before']:.2f}; every figure: median (min-max) of the undisturbed runs
"""


def _ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if ours is not None and theirs else "-"


def _headline_name(row):
    """The figure that a row is about."""
    return "pss" if row.startswith("idle") else "p50" if row == "login-one" else "p99" if "half" in row else "cpu"


def _headline_unit(row):
    name = _headline_name(row)
    if name == "cpu":
        return _UNITS[ROWS[row].unit][0] if hasattr(ROWS[row], "unit") else "CPU-ms per 1,000"
    return "KiB per session" if name == "pss" else f"{name}, ms"


def _verdicts(summary, row):
    """(targets, whether they are met) of one row as text."""
    mine = [target for target in TARGETS if target.row == row]
    words = {True: "yes", False: "NO", None: "?"}
    return "; ".join(t.text() for t in mine) or "-", "; ".join(words[summary.met(t)] for t in mine) or "-"


def _glance(summary):
    lines = []
    for row in summary.rows():
        name = _headline_name(row)
        ours, (best, theirs) = summary.median(row, "postigo", name), summary.best(row, name)
        if ours is None:
            continue
        bare = summary.median(row, "bare", name)
        limit = summary.limit(row) if name == "cpu" else None
        lines.append([row, _headline_unit(row), number(ours), f"{best or ''} {number(theirs)}".strip(),
                      _ratio(ours, theirs), number(bare), _ratio(ours, bare), number(limit), _ratio(ours, limit),
                      *_verdicts(summary, row)])
    return grid(["row", "unit", "Postigo", "best peer", "x best", "bare", "x bare", "limit", "x limit", "target",
                 "met"], lines)


def _load_row(summary, row):
    unit, rate = _UNITS[ROWS[row].unit]
    resumed = ROWS[row].tls == "resumed"
    lines = []
    for peer in summary.peers(row):
        def get(name, peer=peer):
            return summary.get(row, peer, name)
        lines.append([_title(peer), get("cpu").n if get("cpu") else 0, spread(get("cpu")), spread(get("rate")),
                      number(summary.median(row, peer, "busy")), spread(get("p50")), spread(get("p99")),
                      number(summary.median(row, peer, "stolen"))]
                     + ([number(summary.median(row, peer, "resumed"))] if resumed else []))
    return grid(["peer", "n", unit, rate, "busy %", "p50 ms", "p99 ms", "stolen %"] + ["resumed %"] * resumed, lines)


def _idle_row(summary, row):
    lines = []
    for peer in summary.peers(row):
        def mid(name, peer=peer):
            return summary.median(row, peer, name)
        lines.append([_title(peer), summary.get(row, peer, "held").n, number(mid("sessions")), number(mid("held")),
                      number(mid("answered")), spread(summary.get(row, peer, "pss")),
                      number(summary.kernel(row, peer)),
                      number(mid("chain")), number(mid("before")), number(mid("processes")), number(mid("cpu"))])
    return grid(["peer", "n", "asked", "held", "answered", "KiB PSS per session", "KiB kernel, peer's share",
                 "KiB kernel, whole chain", "MiB PSS before", "processes", "CPU-ms per 1,000 opened"], lines)


def _storm_row(summary, row):
    lines = [[_title(peer), summary.get(row, peer, "cpu").n, number(summary.median(row, peer, "sessions")),
              spread(summary.get(row, peer, "back")), spread(summary.get(row, peer, "cpu")),
              number(summary.median(row, peer, "p50")), number(summary.median(row, peer, "p99"))]
             for peer in summary.peers(row)]
    return grid(["peer", "n", "sessions", "seconds until all are back", "CPU-ms per 1,000", "p50 ms", "p99 ms"], lines)


def _row(summary, row):
    if hasattr(ROWS[row], "unit"):
        return _load_row(summary, row)
    return _storm_row(summary, row) if row == "storm" else _idle_row(summary, row)


def growth_points(data):
    """{(question, row, workers): {count: [samples]}} of the clean ones."""
    found = {}
    for entry in data["growth"]:
        if not entry["problem"]:
            key = entry["question"], entry["row"], entry["workers"]
            found.setdefault(key, {}).setdefault(entry["count"], []).append(entry)
    return found


def growth_memory(entries, question, count):
    """KiB per held session, or MiB of the process before the load."""
    if question == "sessions":
        return figure([(e["pss_kib_during"] - e["pss_kib_before"]) / count for e in entries])
    return figure([e["pss_kib_before"] / 1024 for e in entries])


def _growth(data):
    lines = []
    for (question, row, workers), points in sorted(growth_points(data).items()):
        for count, entries in sorted(points.items()):
            lines.append([f"{count:,} {question}", row, workers,
                          spread(figure([cpu_per_unit(e, "login") for e in entries])),
                          spread(figure([e["load"]["per_second"] for e in entries])),
                          spread(figure([e["load"]["latency_ms"]["p99"] for e in entries])),
                          number(growth_memory(entries, question, count).median)
                          + (" KiB per session" if question == "sessions" else " MiB before")])
    return grid(["Postigo with", "row", "workers", "CPU-ms per 1,000", "logins/s", "p99 ms", "PSS"], lines)


def _limits(summary):
    lines = []
    for name, (title, unit) in LIMIT_TITLES.items():
        if summary.limits[name]:
            found = figure(summary.limits[name])
            lines.append([title, found.n, spread(found), unit])
    return grid(["limit", "n", "figure", "unit"], lines)


def errors(data):
    """What makes the run fail: text lines."""
    return problems(data)


def _troubles(data):
    total = counters(data)
    text = "Errors counted by the load generator: " + (
        ", ".join(f"{kind} {count}" for kind, count in total.items()) or "none") + ".\n"
    for heading, lines in (("Not used or not run", problems(data)), ("Not quite the same comparison", remarks(data))):
        if lines:
            text += f"\n{heading}:\n\n" + "".join("- " + line.replace("\n", "\n  ") + "\n" for line in lines)
    return text


def render(data):
    summary = Summary(data)
    text = [f"# Postigo beside others, {data['kind']} run\n", _machine(data), "\n## At a glance\n",
            "x best: Postigo's median divided by that of the best of nginx, HAProxy, Dovecot (old and new) and Perdition\n"
            "in this run. bare: a relay with TLS and nothing else. limit: what the arithmetic alone costs.\n", _glance(summary)]
    notes = [f"- {peer.title}: {peer.note}" for peer in PEERS.values() if peer.note]
    text += ["Notes:\n", "\n".join(notes) + "\n"]
    for row in summary.rows():
        text += [f"\n## {row}: {ROWS[row].title}\n", _row(summary, row)]
    if summary.limits:
        text += ["\n## The limits\n", _limits(summary)]
    if data["growth"]:
        text += ["\n## Growth\n", _growth(data)]
    return "\n".join([*text, "\n## Errors\n", _troubles(data)])
