#!/usr/bin/python3
"""Grafana's dashboards, made from panels.py.

    dashboards.py           writes fleet.json, door.json, backend.json, security.json beside itself
    dashboards.py --check   exits with 1 if they are not what it would write
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from panels import DASHBOARDS  # noqa: E402 - it stands beside this file

HERE = os.path.dirname(os.path.abspath(__file__))
MATCHERS = {"$D": 'instance=~"$door"', "$B": 'backend=~"$backend"', "$L": 'listener=~"$listener"', "$P": 'pool=~"$pool"'}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
VARIABLES = {"door": 'label_values(up{job="postigo"}, instance)', "backend": "label_values(postigo_backend_sessions, backend)",
             "listener": "label_values(postigo_listener_sessions, listener)",
             "pool": "label_values(postigo_pool_sessions, pool)"}
HEIGHT, STAT_HEIGHT, WIDTH = 8, 4, 24


def expression(text):
    for short, matcher in MATCHERS.items():
        text = text.replace(short, matcher)
    return text


ONE_DOOR = "door"  # the dashboard of one instance; the others show all of them at first


def variable(name, single=False):
    many = {"multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return {"name": name, "label": name, "type": "query", "datasource": SOURCE, "definition": VARIABLES[name],
            "query": {"query": VARIABLES[name], "refId": name}, "refresh": 2, "sort": 1, **({} if single else many)}


def variables(rows, one_door):
    """The data source, where the runbook is to be found, and the choices that some query of the dashboard makes."""
    text = json.dumps(rows)
    used = [name for name, short in zip(VARIABLES, MATCHERS) if short in text]
    return [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            *(variable(name, one_door and name == "door") for name in used),
            {"name": "runbook", "label": "runbook", "type": "textbox", "query": "RUNBOOK.md",
             "current": {"text": "RUNBOOK.md", "value": "RUNBOOK.md"}}]


def thresholds(panel):
    steps = [{"color": "green", "value": None}]
    steps += [{"color": color, "value": panel[key]} for key, color in (("warn", "yellow"), ("bad", "red"))
              if panel[key] is not None]
    return {"mode": "absolute", "steps": steps}


def custom(panel):
    """How lines are drawn: filled where they add up, with the limits as dashes."""
    if panel["kind"] != "timeseries":
        return {}
    limited = panel["warn"] is not None or panel["bad"] is not None
    return {"lineWidth": 1, "fillOpacity": 30 if panel["stack"] else 5, "showPoints": "never",
            "stacking": {"mode": "normal" if panel["stack"] else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if limited else "off"}}


def options(kind):
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    return {"timeseries": {"legend": {"displayMode": "list", "placement": "bottom"},
                           "tooltip": {"mode": "multi", "sort": "desc"}},
            "stat": {"reduceOptions": reduce, "colorMode": "value", "graphMode": "area"},
            "bargauge": {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "basic"},
            "state-timeline": {"mergeValues": True, "showValue": "never", "legend": {"displayMode": "list", "placement": "bottom"}},
            }[kind]


def link(alert):
    return {"title": f"Runbook: {alert}", "url": f"${{runbook}}#{alert.lower()}", "targetBlank": True}


def grafana_panel(panel, number, place):
    defaults = {"unit": panel["unit"], "thresholds": thresholds(panel), "custom": custom(panel)}
    if panel["unit"] == "percentunit":
        defaults |= {"min": 0}
    return {"id": number, "type": panel["kind"], "title": panel["title"], "description": panel["tells"], "gridPos": place,
            "datasource": SOURCE, "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options(panel["kind"]),
            "links": [link(panel["alert"])] if panel["alert"] else [],
            "targets": [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expression(query), "legendFormat": legend}
                        for i, (query, legend) in enumerate(panel["queries"])]}


def laid_out(rows):
    """Rows of panels from left to right, a new line where one is full."""
    panels, y = [], 0
    for title, row in rows:
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        x, y = 0, y + 1
        height = STAT_HEIGHT if row[0]["kind"] == "stat" else HEIGHT
        for panel in row:
            if x + panel["width"] > WIDTH:
                x, y = 0, y + height
            panels.append(grafana_panel(panel, len(panels) + 1, {"x": x, "y": y, "w": panel["width"], "h": height}))
            x += panel["width"]
        y += height
    return panels


def dashboard(name):
    title, rows = DASHBOARDS[name]
    return {"uid": f"postigo-{name}", "title": title, "tags": ["postigo"], "schemaVersion": 38, "version": 1, "editable": True,
            "timezone": "browser", "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "graphTooltip": 1,
            "links": [{"type": "dashboards", "title": "Postigo", "tags": ["postigo"], "asDropdown": False, "keepTime": True,
                       "includeVars": True}],
            "annotations": {"list": []}, "templating": {"list": variables(rows, name == ONE_DOOR)}, "panels": laid_out(rows)}


def written(name):
    return json.dumps(dashboard(name), indent=1) + "\n"


def path(name):
    return os.path.join(HERE, f"{name}.json")


def stale():
    """Names of those whose file is not what would be written."""
    def is_as_written(name):
        if not os.path.exists(path(name)):
            return False
        with open(path(name), encoding="utf-8") as file:
            return file.read() == written(name)
    return [name for name in DASHBOARDS if not is_as_written(name)]


def main():
    if sys.argv[1:] == ["--check"]:
        sys.exit(f"dashboards: {', '.join(stale())}: run deploy/grafana/dashboards.py" if stale() else 0)
    for name in DASHBOARDS:
        with open(path(name), "w", encoding="utf-8") as file:
            file.write(written(name))


if __name__ == "__main__":
    main()
