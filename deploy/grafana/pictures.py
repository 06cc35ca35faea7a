#!/usr/bin/python3
"""Pictures of the dashboards without Grafana: the same panels, the same queries, drawn from a Prometheus.

    pictures.py http://127.0.0.1:9091 FOLDER [MINUTES [NAME...]]      writes FOLDER/fleet.png ...

Of the last minutes (default 60), of the dashboards that are named (default: all).

For whoever has no Grafana, and for deploy/README.md; tests/e2e/pictures.py makes a run to draw. Needs Debian's
python3-matplotlib.
"""

import json
import os
import sys
import time
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 - the backend is chosen first
from matplotlib.ticker import FuncFormatter  # noqa: E402
from PIL import Image  # noqa: E402 - matplotlib brings it

HERE = os.path.dirname(os.path.abspath(__file__))
PAPER, INK, GRID = "#181b1f", "#ccccdc", "#2c3235"
LINES = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#37872d", "#fade2a", "#c0d8ff"]
STATES = {"up": "#37872d", "suspect": "#f2cc0c", "slow_start": "#8ab8ff", "down": "#f2495c", "forced": "#b877d9",
          "drain": "#ff780a", "taken_out": "#8e8e8e"}
ROW_INCHES, TITLE_INCHES, FOOT_INCHES, INCHES_PER_COLUMN, POINTS = 0.32, 0.4, 0.3, 0.56, 240


class Source:
    """What Grafana would ask, with everything chosen; where a dashboard is of one door, with the first."""

    def __init__(self, url, minutes):
        self.url = url
        self.end = time.time()
        self.begin = self.end - minutes * 60
        self.step = max(1, round(minutes * 60 / POINTS))
        self.door = ".*"

    def choose(self, board):
        many = {each["name"]: each.get("multi", False) for each in board["templating"]["list"]}
        self.door = ".*" if many["door"] else min(name for name, _, _ in self.series(
            {"expr": 'up{job="postigo"}', "legendFormat": "{{instance}}"}))

    def series(self, target):
        """[(legend, minutes before the end, values)]"""
        expression = target["expr"].replace("$__rate_interval", f"{max(20, 4 * self.step)}s")
        for name, value in (("$door", self.door), ("$backend", ".*"), ("$listener", ".*"), ("$pool", ".*")):
            expression = expression.replace(name, value)
        asked = urllib.parse.urlencode({"query": expression, "start": self.begin, "end": self.end, "step": self.step})
        with urllib.request.urlopen(f"{self.url}/api/v1/query_range?{asked}", timeout=30) as answer:
            result = json.load(answer)["data"]["result"]
        return [(legend(target["legendFormat"], each["metric"]), [(float(t) - self.end) / 60 for t, _ in each["values"]],
                 [float(value) for _, value in each["values"]]) for each in result]


def legend(text, metric):
    for label, value in metric.items():
        text = text.replace("{{%s}}" % label, value)
    return text


def shown(value, unit):
    """As Grafana writes it, about."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value * 1e6:.3g} us" if value else "0"
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}{suffix(unit)}"
    return f"{value:.3g}{suffix(unit)}"


def suffix(unit):
    return {"cps": "/s", "Bps": "B/s", "bytes": "B"}.get(unit, "")


def color_at(panel, value):
    color = "#73bf69"
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]:
        if value >= step["value"]:
            color = {"yellow": "#f2cc0c", "red": "#f2495c"}[step["color"]]
    return color


def draw_stat(axes, panel, series, unit):
    values = series[0][2] if series else [0]
    axes.fill_between(range(len(values)), values, color=color_at(panel, values[-1]), alpha=0.15)
    axes.set_ylim(0, max(values) * 2 or 1)
    axes.text(0.5, 0.5, shown(values[-1], unit), transform=axes.transAxes, ha="center", va="center", fontsize=19,
              color=color_at(panel, values[-1]))
    axes.axis("off")


def draw_bars(axes, panel, series, unit):
    for i, (name, _, values) in enumerate(series[:6]):
        axes.barh(-i, 1, color=GRID, height=0.6)
        axes.barh(-i, values[-1] / (max(each[2][-1] for each in series) or 1), height=0.6, color=LINES[0])
        axes.text(0.02, -i, f"{name}: {shown(values[-1], unit)}", va="center", color="white", fontsize=8)
    axes.set_ylim(-5.5, 0.5)
    axes.axis("off")


def draw_states(axes, series):
    """Each name a line, its state a color; the state is the last word of the legend."""
    names = sorted({name.rpartition(" ")[0] for name, _, _ in series})
    for name, times, _ in series:
        service, _, state = name.rpartition(" ")
        axes.scatter(times, [-names.index(service)] * len(times), marker="s", s=90, linewidths=0, color=STATES[state])
    axes.set_yticks([-i for i in range(len(names))], names, fontsize=7)
    axes.set_ylim(-len(names) + 0.5, 0.5)
    seen = {name.rpartition(" ")[2] for name, _, _ in series}
    handles = [plt.Line2D([], [], marker="s", linestyle="", color=STATES[state]) for state in STATES if state in seen]
    axes.legend(handles, [state for state in STATES if state in seen], **LEGEND)


LEGEND = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14), "ncol": 3, "fontsize": 6.5, "frameon": False, "labelcolor": INK}


def draw_lines(axes, panel, series, unit):
    if panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal" and series:
        times = sorted({t for _, each, _ in series for t in each})
        rows = [[dict(zip(each, values)).get(t, 0) for t in times] for _, each, values in series]
        axes.stackplot(times, rows, labels=[name for name, _, _ in series], colors=LINES, alpha=0.55)
    else:
        for i, (name, times, values) in enumerate(series):
            dashed = "--" if name.startswith("limit") else "-"
            axes.plot(times, values, dashed, label=name, color=LINES[i % len(LINES)], linewidth=1.1)
    axes.set_ylim(bottom=0)
    top = axes.get_ylim()[1]
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]:
        if step["value"] <= top:
            axes.axhline(step["value"], linestyle=":", linewidth=0.9, color={"yellow": "#f2cc0c", "red": "#f2495c"}[step["color"]])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
    if series:
        axes.legend(axes.get_legend_handles_labels()[0][:9], axes.get_legend_handles_labels()[1][:9], **LEGEND)


def draw(axes, panel, source):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    series = [each for target in panel["targets"] for each in source.series(target)]
    axes.set_facecolor(PAPER)
    axes.set_title(panel["title"], fontsize=8.5, color=INK, loc="left")
    axes.tick_params(colors=INK, labelsize=6.5, length=0)
    axes.grid(color=GRID, linewidth=0.5)
    axes.set_xlim((source.begin - source.end) / 60, 0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} min"))
    for side in axes.spines.values():
        side.set_visible(False)
    if panel["type"] == "stat":
        axes.set_xlim(auto=True)
        draw_stat(axes, panel, series, unit)
    elif panel["type"] == "bargauge":
        axes.set_xlim(0, 1)
        draw_bars(axes, panel, series, unit)
    elif panel["type"] == "state-timeline":
        draw_states(axes, series)
    else:
        draw_lines(axes, panel, series, unit)


def picture(board, source, path):
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    width, height = 24 * INCHES_PER_COLUMN, rows * ROW_INCHES + TITLE_INCHES + FOOT_INCHES
    figure = plt.figure(figsize=(width, height), facecolor="#111217")
    figure.text(0.01, 1 - 0.28 / height, board["title"], fontsize=13, color="white")

    def box(place, left=0.6, right=0.3, top=0.32, bottom=0.62):
        low = height - TITLE_INCHES - (place["y"] + place["h"]) * ROW_INCHES
        return [(place["x"] * INCHES_PER_COLUMN + left) / width, (low + bottom) / height,
                (place["w"] * INCHES_PER_COLUMN - left - right) / width, (place["h"] * ROW_INCHES - top - bottom) / height]

    for panel in board["panels"]:
        place = panel["gridPos"]
        if panel["type"] == "row":
            low = height - TITLE_INCHES - (place["y"] + 1) * ROW_INCHES
            figure.text(0.01, (low + 0.08) / height, panel["title"], fontsize=10, color=INK, weight="bold")
        else:
            margins = {"left": 0.15, "bottom": 0.1} if panel["type"] in ("stat", "bargauge") else {}
            margins = {"left": 1.2} if panel["type"] == "state-timeline" else margins
            draw(figure.add_axes(box(place, **margins)), panel, source)
    figure.savefig(path, dpi=72, facecolor=figure.get_facecolor())
    plt.close(figure)
    with Image.open(path) as drawn:  # colors in a palette: a third of the octets
        drawn.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE).save(path, optimize=True)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    source = Source(sys.argv[1].rstrip("/"), float(sys.argv[3]) if len(sys.argv) > 3 else 60)
    for name in sys.argv[4:] or ("fleet", "door", "backend", "security"):
        with open(os.path.join(HERE, f"{name}.json"), encoding="utf-8") as file:
            board = json.load(file)
        source.choose(board)
        picture(board, source, os.path.join(sys.argv[2], f"{name}.png"))


if __name__ == "__main__":
    main()
