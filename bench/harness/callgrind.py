"""Postigo under callgrind: every instruction in user space counted, between two moments of our choice.

The counters are cleared and dumped through valgrind's own door (vgdb) while the load stands still at its marks, so that
neither start-up nor warm-up is in a figure. Instructions do not depend on what else the machine does; the ticks of the
timer do (they come by the clock, and valgrind is slow), so that their rate is measured and taken off. System calls cost
nothing here: a figure says what our code and its libraries execute, not what the kernel does.
"""

import glob
import os
import platform
import re
import shutil
import time

from bench.harness.peers.postigo import Postigo
from bench.harness.profile import Profile
from bench.harness.tools import Load, ToolFailed, build_folder, failures
from tests.e2e.harness.program import run

_OPTIONS = ("--tool=callgrind", "--instr-atstart=no", "--compress-strings=no", "--compress-pos=no", "--dump-line=no")
# "rep movsb" moves any number of octets, but counts as an instruction for each: let the C library copy with vectors.
_TUNABLES = "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1073741824:glibc.cpu.x86_rep_stosb_threshold=1073741824"
# Bits of the processor that code here or in a library chooses by: (leaf, register): {bit: name}.
_FEATURES = {
    (0, 2): {1: "pclmulqdq", 9: "ssse3", 12: "fma", 19: "sse4_1", 20: "sse4_2", 22: "movbe", 23: "popcnt", 25: "aes",
             28: "avx", 29: "f16c", 30: "rdrand"},
    (1, 1): {3: "bmi1", 5: "avx2", 8: "bmi2", 9: "erms", 16: "avx512f", 19: "adx", 29: "sha"},
}


def missing():
    """What is not installed, as text; "" if all is there."""
    return ", ".join(name for name in ("valgrind", "vgdb") if not shutil.which(name))


class Counted(Postigo):
    """The bench's Postigo inside callgrind."""

    name = "callgrind"

    def start(self):
        self._dumps = os.path.join(self.folder, "dump")
        self._running.start(under=("env", _TUNABLES, "valgrind", *_OPTIONS, f"--callgrind-out-file={self._dumps}"))
        self._say("instrumentation on")
        return self

    def _say(self, word):
        run("vgdb", f"--pid={self.roots()[0]}", word)

    def clear(self):
        self._say("zero")

    def dump(self):
        """What was executed since clear()."""
        self._say("dump")
        newest = max(glob.glob(self._dumps + ".*"), key=lambda path: int(path.rpartition(".")[2]))
        with open(newest, encoding="utf-8", errors="replace") as file:
            profile = Profile(file.read())
        os.unlink(newest)
        return profile

    def idle_rate(self, seconds=1.0):
        """Instructions per second of doing nothing."""
        self.clear()
        since = time.monotonic()
        time.sleep(seconds)
        return self.dump().total / (time.monotonic() - since)


def count(peer, case, idle_rate):
    """One run of the load: (instructions per unit, Profile)."""
    load = Load(peer.folder, case.mode, peer.port(case.protocol, case.tls != "off"), None, seconds=60, clients=1,
                users=1, warmup=case.warmup, count=case.count, protocol=case.protocol, tls=case.tls, **case.options)
    seen = {}

    def at_mark(mark):
        if mark == "start":
            peer.clear()
            seen["since"] = time.monotonic()
        else:
            seen["idle"] = idle_rate * (time.monotonic() - seen["since"])
            seen["profile"] = peer.dump()
    try:
        said = load.finish(at_mark)
    finally:
        load.stop()
    resumed = case.count if case.tls == "resumed" else 0
    if failures(said) or said["units"] != case.count or said["resumed"] != resumed or "profile" not in seen:
        raise ToolFailed(f"{case.name}: not what was asked for: {said}")
    return (seen["profile"].total - seen["idle"]) / case.count, seen["profile"]


def least_count(peer, case, idle_rate):
    """(least of the rounds, (most - least) / least, Profile of the least).

    The least, because chance only adds: a wake-up more, a read that was cut in two.
    """
    rounds = [count(peer, case, idle_rate) for _ in range(case.rounds)]
    figure, profile = min(rounds, key=lambda each: each[0])
    return figure, max(rounds, key=lambda each: each[0])[0] / figure - 1, profile


def _processor():
    """What programs see under valgrind, which shows a processor of its own, as far as the real one can do it."""
    told = run("valgrind", "-q", "--tool=none", "/lib64/ld-linux-x86-64.so.2", "--list-diagnostics", check=False).stdout
    names = []
    for (leaf, register), bits in _FEATURES.items():
        found = re.search(rf"features\[0x{leaf:x}\]\.cpuid\[0x{register:x}\]=0x([0-9a-f]+)", told)
        word = int(found.group(1), 16) if found else 0
        names += [name for bit, name in bits.items() if word >> bit & 1]
    return " ".join([platform.machine(), *names])


def context():
    """What a figure depends on beside our source."""
    program = os.path.join(build_folder(), "proxy", "postigo")
    with open(program, "rb") as file:
        compilers = set(re.findall(rb"GCC: \([^)]*\) [0-9.]+|clang version [0-9.]+", file.read()))
    versions = run(program, "version").stdout.splitlines()
    return {
        "processor": _processor(),
        "valgrind": run("valgrind", "--version").stdout.strip(),
        "compiler": ", ".join(sorted(name.decode() for name in compilers)),
        "libraries": "; ".join([*versions[1:], os.confstr("CS_GNU_LIBC_VERSION")]),
    }
