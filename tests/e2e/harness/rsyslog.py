"""Debian's rsyslogd with a socket of its own: RFC 5424 lines, and their structured data, as somebody else reads them."""

import json
import os

from tests.e2e.harness.program import Program, wait_for

_CONFIG = """
module(load="imuxsock" SysSock.Use="off")
module(load="mmpstrucdata")
input(type="imuxsock" Socket="{folder}/log" UseSpecialParser="off" RateLimit.Interval="0")
action(type="mmpstrucdata")
template(name="whole" type="string" string="%jsonmesg%\\n")
action(type="omfile" file="{folder}/lines" template="whole")
"""


class Rsyslog:
    """Runs from construction to stop()."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = os.path.join(folder, "log")
        self.program = None
        with open(os.path.join(folder, "conf"), "w", encoding="ascii") as file:
            file.write(_CONFIG.format(folder=folder))
        self.start()

    def start(self):
        self.program = Program(["/usr/sbin/rsyslogd", "-n", "-f", os.path.join(self.folder, "conf"), "-i",
                                os.path.join(self.folder, "pid")], os.path.join(self.folder, "said"))
        wait_for(lambda: os.path.exists(self.socket), what=self.program.output)

    def stop(self):
        self.program.stop()
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def lines(self, event=None):
        """As rsyslog takes them apart; those of one event, which is their msgid."""
        path = os.path.join(self.folder, "lines")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            found = [json.loads(line) for line in file if line.endswith("\n")]
        return [line for line in found if event in (None, line["msgid"])]

    def wait_lines(self, event, count=1):
        return wait_for(lambda: len(self.lines(event)) >= count and self.lines(event), step=0.1,
                        what=lambda: f"{count} {event} in {self.lines()}")
