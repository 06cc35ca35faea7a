#!/usr/bin/python3
"""dashboards.py SOURCE_DIR: deploy/grafana/*.json are what the source makes, and what Grafana takes.

Whether their queries find data is asked of a real Prometheus (tests/e2e/test_prometheus.py).
"""

import json
import os
import re
import sys

WIDTH = 24
KINDS = {"row", "timeseries", "stat", "bargauge", "state-timeline"}
UNITS = {"percentunit", "short", "s", "bytes", "cps", "Bps"}  # names that Grafana knows
TOP = {"uid": str, "title": str, "schemaVersion": int, "panels": list, "templating": dict, "time": dict, "tags": list}
PANEL = {"id": int, "type": str, "title": str, "gridPos": dict}
DRAWN = {"datasource": dict, "targets": list, "fieldConfig": dict, "options": dict, "links": list}


def lacking(thing, fields):
    return [name for name, kind in fields.items() if not isinstance(thing.get(name), kind)]


def overlaps(panels):
    """Pairs of titles that would lie on each other."""
    taken, found = {}, []
    for panel in panels:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other != panel["title"]:
                    found.append((other, panel["title"]))
    return found


def of_panel(panel, names, anchors):
    """Faults of one panel that draws."""
    faults = [f"has no {name}" for name in lacking(panel, DRAWN)]
    if faults:
        return faults
    defaults = panel["fieldConfig"].get("defaults", {})
    if defaults.get("unit") not in UNITS:
        faults.append(f"unit {defaults.get('unit')}")
    steps = [step["value"] for step in defaults.get("thresholds", {}).get("steps", [])]
    if not steps or steps[0] is not None or steps[1:] != sorted(steps[1:]):
        faults.append(f"thresholds {steps}")
    references = [target.get("refId") for target in panel["targets"]]
    if not references or len(set(references)) != len(references):
        faults.append(f"refIds {references}")
    for target in panel["targets"]:
        if target.get("datasource", {}).get("uid") != "${datasource}" or not target.get("expr"):
            faults.append(f"target {target}")
        faults += [f"unknown ${name}" for name in re.findall(r"\$(\w+)", target["expr"]) if name not in names]
    for link in panel["links"]:
        if not re.fullmatch(r"\$\{runbook\}#\w+", link["url"]) or link["url"].partition("#")[2] not in anchors:
            faults.append(f"link to {link['url']}")
    return faults


def of_dashboard(board, anchors):
    faults = [f"has no {name}" for name in lacking(board, TOP)]
    faults += [f"a panel has no {name}" for panel in board["panels"] for name in lacking(panel, PANEL)]
    if faults:
        return faults
    variables = {each["name"]: each["type"] for each in board["templating"]["list"]}
    if variables.get("datasource") != "datasource":
        faults.append("no variable for the data source")
    ids = [panel["id"] for panel in board["panels"]]
    faults += ["ids are not unique"] if len(set(ids)) != len(ids) else []
    faults += [f"{one} lies on {other}" for one, other in overlaps(board["panels"])]
    for panel in board["panels"]:
        place = panel["gridPos"]
        if panel["type"] not in KINDS or place["x"] < 0 or place["x"] + place["w"] > WIDTH or place["h"] < 1:
            faults.append(f"{panel['title']}: type {panel['type']}, place {place}")
        if panel["type"] != "row":
            names = set(variables) | {"__rate_interval"}
            faults += [f"{panel['title']}: {fault}" for fault in of_panel(panel, names, anchors)]
    return faults


def unused(recordings, texts):
    """Recordings that neither an alert nor a panel asks for."""
    return [name for name in recordings if not any(name in text for text in texts)]


def main():
    grafana = os.path.join(sys.argv[1], "deploy", "grafana")
    rules = os.path.join(sys.argv[1], "deploy", "prometheus")
    sys.path.insert(0, grafana)
    import dashboards  # pylint: disable=import-outside-toplevel,import-error # of the tree that is named

    def read(*path):
        with open(os.path.join(*path), encoding="utf-8") as file:
            return file.read()

    faults = [f"{name}: run deploy/grafana/dashboards.py" for name in dashboards.stale()]
    anchors = {name.lower() for name in re.findall(r"^### (\w+)$", read(rules, "RUNBOOK.md"), re.M)}
    for name in dashboards.DASHBOARDS:
        board = json.loads(read(grafana, f"{name}.json"))
        faults += [f"{name}: {fault}" for fault in of_dashboard(board, anchors)]
    recordings = re.findall(r"record: (\S+)", read(rules, "recording.yml"))
    texts = [read(rules, "alerts.yml"), *(read(grafana, f"{name}.json") for name in dashboards.DASHBOARDS)]
    faults += [f"{name} is recorded for nobody" for name in unused(recordings, texts)]
    print("\n".join(faults) or f"dashboards: {len(dashboards.DASHBOARDS)} are in order")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
