"""Child processes that are ended by id, with all that they started, and that explain themselves when they fail."""

import os
import signal
import subprocess
import time


def wait_for(condition, seconds=10, what="condition", step=0.02):
    """Polls until condition() is truthy and returns that value. what: for the message; text or a function."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            what = what() if callable(what) else what
            raise AssertionError(f"{what}: not within {seconds} s (last value {value!r})")
        time.sleep(step)


def run(*command, check=True, timeout=60, **options):
    """Runs to the end and returns the CompletedProcess with stdout and stderr as text."""
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if "input" in options:
        options.pop("stdin")
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout,
                          errors="replace", **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\nexit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Program:
    """A long-running child in a process group of its own; standard output and error go to one file."""

    def __init__(self, command, log, **options):
        self.command = [str(word) for word in command]
        self.log = log
        with open(log, "ab") as sink:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                                            start_new_session=True, **options)

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, grace=10):
        """SIGTERM, then whatever it takes; returns the exit code (negative: the signal that killed it)."""
        if self.running():
            self.process.terminate()
        try:
            code = self.process.wait(grace)
        except subprocess.TimeoutExpired:
            code = None
        self.kill_group()
        return self.process.wait() if code is None else code

    def kill_group(self):
        """Ends what the child left behind; its group exists as long as one of its processes does."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
