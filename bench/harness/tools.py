"""The native tools as Python sees them: the fake backend, a run of the load generator, a look at a limit.

Each prints JSON objects, one a line. The load generator stops at its marks until it is told to go on, so that clocks
can be read while nothing happens.
"""

import json
import os
import select
import subprocess
import time

from bench.harness.processes import on_core
from tests.e2e.harness.program import run

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPARE = 30  # seconds beyond what a tool was given, after which it is ended


class ToolFailed(Exception):
    """A tool did not do what its contract says; the message has what it said."""


def build_folder():
    return os.environ.get("POSTIGO_BUILD_DIR") or os.path.join(SOURCE, "build", "release")


def tool(name):
    """The path of bench_NAME."""
    return os.path.join(build_folder(), "bench", name, f"bench_{name}")


class Conversation:
    """A child that prints JSON lines and listens to words on its standard input."""

    def __init__(self, command, log, core=None):
        self.command = [str(word) for word in command]
        self.log = log
        self._rest = b""
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            start_new_session=True, preexec_fn=on_core(core), bufsize=0)

    @property
    def pid(self):
        return self.process.pid

    def say(self, word=""):
        try:
            self.process.stdin.write(word.encode() + b"\n")
        except BrokenPipeError as error:
            raise ToolFailed(self._why("it went away")) from error

    def read(self, seconds):
        """The next object; None at the end of the output."""
        end = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise ToolFailed(self._why(f"silent for {seconds:.0f} s"))
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            return json.loads(line)
        except ValueError as error:
            raise ToolFailed(self._why(f"not JSON: {line[:200]!r}")) from error

    def _why(self, what):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            said = file.read()[-1500:]
        return f"{' '.join(self.command)}\n{what} (exit {self.process.poll()})\n{said}"

    def wait(self, seconds=10):
        """The exit code; a child that does not end by itself is ended."""
        self.process.stdin.close()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise ToolFailed(self._why("it did not end")) from None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()


class Sink:
    """The fake backend. Attributes imap, pop3, imaps, pop3s and http are its ports."""

    def __init__(self, folder, pair, core, everywhere=False):
        command = [tool("sink"), "--imap", 0, "--pop3", 0, "--imaps", 0, "--pop3s", 0, "--http", 0,
                   "--certificate", pair[0], "--key", pair[1], *(["--any"] if everywhere else [])]
        self._process = Conversation(command, os.path.join(folder, "sink.log"), core)
        try:
            ports = self._process.read(10) or {}
            self.imap, self.pop3, self.imaps, self.pop3s, self.http = (
                ports[name] for name in ("imap", "pop3", "imaps", "pop3s", "http"))
        except (ToolFailed, KeyError):
            self.stop()
            raise

    @property
    def pid(self):
        return self._process.pid

    def port(self, protocol, tls):
        return getattr(self, protocol + ("s" if tls else ""))

    def stop(self):
        self._process.stop()


def _options(options):
    """{"clients": 8, "verify": True} as words of a command line; underscores become hyphens."""
    words = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        words.append("--" + name.replace("_", "-"))
        if value is not True:
            words.append(value)
    return words


class Load(Conversation):
    """One run of the load generator, with a pause at each mark."""

    def __init__(self, folder, mode, port, core, **options):
        self.mode = mode
        self.seconds = options["seconds"]
        command = [tool("load"), mode, "--connect", f"127.0.0.1:{port}", "--pause-at-marks", *_options(options)]
        super().__init__(command, os.path.join(folder, "load.log"), core)

    def finish(self, at_mark):
        """Calls at_mark("start") and at_mark("stop") while the load stands still; returns the report."""
        said = None
        while (entry := self.read(self.seconds * 2 + SPARE)) is not None:
            if "mark" in entry:
                at_mark(entry["mark"])
                self.say()
            elif "errors" in entry:
                said = entry
        code = self.wait()
        if said is None:
            raise ToolFailed(self._why("it ended without a result"))
        return dict(said, exit=code)


def failures(result):
    """What went wrong in a run of the load generator, as text; "" if nothing did."""
    errors = {kind: count for kind, count in result["errors"].items() if count}
    if errors:
        return ", ".join(f"{count} {kind}" for kind, count in sorted(errors.items()))
    return f"exit {result['exit']}" if result["exit"] else ""


def limit(core, *words):
    """One figure of bench_bare: handshake, seal or copy."""
    done = run(tool("bare"), *words, timeout=120, preexec_fn=on_core(core))
    return json.loads(done.stdout.strip().splitlines()[-1])
