"""The real HAProxy as a balancer before a door."""

import os
import shutil

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program

HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")


def balancer(folder, target, options, bind=""):
    """(program, port): TCP to port `target` of loopback; `options` of its `server`, `bind` of its own side."""
    port, = free_ports(1)
    path = os.path.join(folder, "haproxy.cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write("defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n"
                   f"listen mail\n  bind 127.0.0.1:{port} {bind}\n  server s 127.0.0.1:{target} {options}\n")
    return Program([HAPROXY, "-db", "-f", path], os.path.join(folder, "log")), port
