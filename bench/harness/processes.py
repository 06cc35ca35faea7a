"""Processes as /proc shows them: who belongs to a program, what CPU they used, what memory they hold."""

import contextlib
import os
import resource

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") / 1024


def on_core(core, descriptors=None):
    """A preexec_fn: the child and everything it starts stays on one core (None: anywhere) with so many descriptors."""
    def prepare():
        if core is not None:
            os.sched_setaffinity(0, {core})
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    return prepare


def raise_descriptors():
    """The soft limit to the hard one, for us and all that we start; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _read(path):
    """A process may end while we look: then there is nothing to read."""
    with contextlib.suppress(OSError):
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    return ""


def _stat(pid):
    """The fields of /proc/PID/stat behind the name, which may hold anything; [] if the process is gone."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def tree(roots):
    """The ids of `roots` and of all that descends from them."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(name)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, ())
    return found


def _own(pid):
    """Nanoseconds that the living threads ran: the scheduler's own count, finer than the ticks of `stat`."""
    total = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            total += int((_read(f"/proc/{pid}/task/{thread}/schedstat") or "0").split()[0])
    return total


def cpu_seconds(roots):
    """User and system time of a program: its living processes, and the dead ones that they have waited for.

    The difference of two readings is right even if a process ended between them: its time moved to its parent.
    """
    total = 0.0
    for pid in tree(roots):
        fields = _stat(pid)
        if fields:
            total += _own(pid) / 1e9 + (int(fields[13]) + int(fields[14])) / _TICK
    return total


def pss_kib(roots):
    """Memory of a program with shared pages divided among those who share them: (KiB, number of processes)."""
    total, count = 0, 0
    for pid in tree(roots):
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
                count += 1
    return total, count


def _slab_kib():
    """Slab objects in use; without the right to see them, whole slabs, in which those of the last run may still be."""
    total = 0
    for line in _read("/proc/slabinfo").splitlines()[2:]:
        words = line.split()
        total += int(words[1]) * int(words[3])
    return total / 1024


def kernel_kib():
    """What the kernel holds for processes and sockets of the whole machine."""
    meminfo = {line.split(":")[0]: int(line.split()[1]) for line in _read("/proc/meminfo").splitlines()}
    tcp = next((line.split() for line in _read("/proc/net/sockstat").splitlines() if line.startswith("TCP:")), [])
    pages = int(tcp[tcp.index("mem") + 1]) if "mem" in tcp else 0
    return (_slab_kib() or meminfo["Slab"]) + meminfo["KernelStack"] + meminfo["PageTables"] + pages * _PAGE_KIB


def machine_ticks():
    """(all, stolen by the host, idle) ticks of all cores since boot: to tell a disturbed run."""
    fields = [int(word) for word in _read("/proc/stat").splitlines()[0].split()[1:9]]
    return sum(fields), fields[7], fields[3] + fields[4]
