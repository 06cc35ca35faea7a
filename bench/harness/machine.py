"""What was measured on, and with what: without it a figure means nothing."""

import os
import platform
import re
import time

from bench.harness.tools import SOURCE, build_folder
from tests.e2e.harness.program import run

PACKAGES = ("nginx", "libnginx-mod-mail", "haproxy", "dovecot-core", "perdition", "libssl3", "g++")


def _text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _first(pattern, text, default="unknown"):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1).strip() if match else default


def packages():
    """Versions of the Debian packages that are installed."""
    done = run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${Package}\t${Version}\n", *PACKAGES, check=False)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: version for state, name, version in lines if state.startswith("ii")}


def _commit():
    done = run("git", "-C", SOURCE, "describe", "--always", "--dirty", "--abbrev=12", check=False)
    return done.stdout.strip() or "unknown"


def describe(newer):
    """A dictionary for the results. newer: versions of what is not of this Debian."""
    cpu = _text("/proc/cpuinfo")
    version = run(os.path.join(build_folder(), "proxy", "postigo"), "version", check=False).stdout.split("\n")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC",
        "kernel": platform.release(),
        "cpu": _first(r"^model name\s*:\s*(.*)$", cpu),
        "cores": os.cpu_count(),
        "memory_mib": int(_first(r"^MemTotal:\s+(\d+)", _text("/proc/meminfo"), "0")) // 1024,
        "virtual": "hypervisor" in cpu,
        "system": _first(r'^PRETTY_NAME="(.*)"', _text("/etc/os-release")),
        "load_before": os.getloadavg()[0],
        "commit": _commit(),
        "postigo": [line for line in version if line],
        "packages": {**packages(), **newer},
    }
