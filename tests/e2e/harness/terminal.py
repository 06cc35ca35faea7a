"""A program on a terminal of its own, as a person at the keyboard sees it."""

import os
import pty
import re
import select
import signal
import time

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07|[\x07\x0f]")


class Terminal:
    """Wide and without colours; ended with its group by close()."""

    def __init__(self, *command, environment=None):
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, dict(environment or os.environ, TERM="dumb", COLUMNS="400", LINES="200"))

    def type(self, text):
        os.write(self._end, text.encode())

    def read_until(self, wanted, seconds=20):
        """What is shown until `wanted` (a regular expression) is among it, without escapes."""
        shown, end = "", time.monotonic() + seconds
        while not re.search(wanted, shown):
            ready, _, _ = select.select([self._end], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"not shown within {seconds} s: {wanted}\n{shown}")
            shown += _ESCAPES.sub("", os.read(self._end, 65536).decode("utf-8", "replace"))
        return shown

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._end)
