"""The charts, from the JSON alone: CPU of logins and of bulk, idle memory, latency, one per growth question."""

import os

from bench.harness.peers import PEERS
from bench.harness.summary import Summary, cpu_per_unit, figure
from bench.harness.table import growth_memory, growth_points, number

_COLOURS = {"postigo": "#c0392b", "haproxy3": "#1b4f72", "haproxy": "#2e86c1", "nginx126": "#145a32",
            "nginx": "#27ae60", "dovecot24": "#4a235a", "dovecot": "#8e44ad", "perdition": "#d68910", "bare": "#839192",
            "direct": "#bfc9ca"}
_ORDER = tuple(_COLOURS)
_LOGINS = (("login-ecdsa", "TLS, ECDSA"), ("login-rsa", "TLS, RSA-2048"), ("login-resumed", "TLS, resumed"),
           ("login-plain", "no TLS"), ("pop3-login", "POP3, TLS, ECDSA"))
_BULK = (("fetch-tls", "FETCH 1 MiB, TLS"), ("fetch-plain", "FETCH 1 MiB"), ("append-tls", "APPEND 1 MiB, TLS"),
         ("append-plain", "APPEND 1 MiB"))
_LATENCIES = (("login-one", "login, one client"), ("latency-half-common", "login, half load"),
              ("noop-64", "NOOP, 64 sessions"))


def _bars(axes, values, title, unit):
    """Horizontal bars, [(peer, median, low, high)]; what is far beyond the others is cut and says its figure."""
    ordered = sorted(value[1] for value in values)
    end = 1.3 * ordered[-1]
    if len(ordered) > 2 and ordered[-1] > 2.5 * ordered[-2]:
        end = 1.6 * ordered[-2]
    for place, (peer, median, low, high) in enumerate(reversed(values)):
        shown = min(median, end * 0.78)
        axes.barh(place, shown, color=_COLOURS.get(peer, "grey"))
        if median <= end * 0.78:
            axes.errorbar(median, place, xerr=[[median - low], [high - median]], color="black", linewidth=0.8)
        axes.text(shown + end * 0.01, place + 0.12, number(median) + (" (cut)" if shown < median else ""), fontsize=7)
    axes.set_yticks(range(len(values)), [PEERS[value[0]].title for value in reversed(values)], fontsize=8)
    axes.set_xlim(0, end)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(unit, fontsize=8)
    axes.tick_params(axis="x", labelsize=7)


def _panels(pyplot, panels, heading, path):
    """One picture of several bar charts; False if there is nothing to show."""
    panels = [panel for panel in panels if panel[0]]
    if not panels:
        return False
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    drawing, grid = pyplot.subplots(lines, columns, figsize=(4 * columns, 0.6 + 2.5 * lines), squeeze=False)
    for axes, panel in zip(grid.flat, panels):
        _bars(axes, *panel)
    for axes in list(grid.flat)[len(panels):]:
        axes.set_axis_off()
    drawing.suptitle(heading, fontsize=10)
    drawing.tight_layout()
    drawing.savefig(path, dpi=110)
    pyplot.close(drawing)
    return True


def _values(summary, row, name):
    found = [(peer, summary.get(row, peer, name)) for peer in _ORDER]
    return [(peer, f.median, f.low, f.high) for peer, f in found if f]


def _rows(summary, listed, name, unit):
    return [(_values(summary, row, name), title, unit) for row, title in listed]


def _latency_panels(summary):
    return [(_values(summary, row, name), f"{title}, {name}", "ms")
            for name in ("p50", "p99") for row, title in _LATENCIES]


def _memory_panels(summary):
    panels = []
    for row, title in (("idle-10k", "TLS to the client"), ("idle-10k-tls-both", "TLS on both sides"),
                       ("idle-50k", "50,000 sessions")):
        panels.append((_values(summary, row, "pss"), title, "KiB PSS per session"))
        kernel = [(peer, summary.kernel(row, peer)) for peer in _ORDER]
        panels.append(([(peer, k, k, k) for peer, k in kernel if k is not None and k > 0], title,
                       "KiB kernel per session"))
    return panels


def _growth(pyplot, data, question, path):
    """CPU per login on the left, memory on the right, a line per kind of login and number of workers."""
    points = {key: value for key, value in growth_points(data).items() if key[0] == question}
    if not points:
        return False
    drawing, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6))
    for (_, row, workers), counts in sorted(points.items()):
        label = f"{row}, {workers} worker{'s' if workers > 1 else ''}"
        xs = sorted(counts)
        costs = [figure([cpu_per_unit(e, "login") for e in counts[x]]).median for x in xs]
        left.plot(xs, costs, marker="o", label=label)
        if row == "login-plain":
            memory = [growth_memory(counts[x], question, x).median for x in xs]
            right.plot(xs, memory, marker="o", label=f"{workers} worker{'s' if workers > 1 else ''}")
    unit = "KiB PSS per session" if question == "sessions" else "MiB PSS of the process"
    for axes, text in ((left, "CPU-ms per 1,000 logins"), (right, unit)):
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(question, fontsize=8)
        axes.set_title(text, fontsize=9)
        axes.legend(fontsize=7)
        axes.grid(alpha=0.3)
    drawing.suptitle(f"Postigo: growth with {question}", fontsize=10)
    drawing.tight_layout()
    drawing.savefig(path, dpi=110)
    pyplot.close(drawing)
    return True


def draw(data, folder):
    """Writes what can be drawn and returns the names; nothing without matplotlib."""
    try:
        import matplotlib  # only Debian's package has it, and measuring does not need it
    except ImportError:
        return []
    matplotlib.use("Agg")
    from matplotlib import pyplot
    summary, kind = Summary(data), data["kind"]
    wanted = {
        "login": lambda path: _panels(pyplot, _rows(summary, _LOGINS, "cpu", "CPU-ms per 1,000 logins"),
                                      "CPU of the proxy per 1,000 logins, median and range; less is better", path),
        "bulk": lambda path: _panels(pyplot, _rows(summary, _BULK, "cpu", "CPU-s per GB"),
                                     "CPU of the proxy per GB, median and range; less is better", path),
        "idle": lambda path: _panels(pyplot, _memory_panels(summary), "Memory per session in IDLE; less is better",
                                     path),
        "latency": lambda path: _panels(pyplot, _latency_panels(summary), "Latency; less is better", path),
        **{f"growth-{question.replace(' ', '-')}": lambda path, question=question: _growth(pyplot, data, question, path)
           for question in ("backends", "users", "bound users", "sessions")},
    }
    drawn = []
    for name, make in wanted.items():
        path = os.path.join(folder, f"{kind}-{name}.png")
        if make(path):
            drawn.append(os.path.basename(path))
    return drawn
