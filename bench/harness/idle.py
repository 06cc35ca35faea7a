"""Sessions held in IDLE: what one costs in memory of the peer and of the kernel, and whether all answer at the end.

A process has a limit of descriptors and a proxy needs two per session, so the sessions are spread over as many groups
as that takes: a proxy, a fake backend and a load generator each.
"""

import math
import time

from bench.harness import processes
from bench.harness.peers import PEERS
from bench.harness.results import failures
from bench.harness.tools import Load, ToolFailed

_SPARE = 1000     # descriptors of a process that are no sessions
_MOST = 50000     # sessions of one group, whatever the limit says
_SETTLE = 1.5     # seconds for the last answers and for what proxies free a moment later


def per_group():
    return min(_MOST, (processes.raise_descriptors() - _SPARE) // 2)


class Group:
    """A fake backend, a proxy and, after hold(), a load generator."""

    def __init__(self, scene, name, sessions, backend_tls, **options):
        self.scene = scene
        self.sessions = sessions
        self._load = None
        self._last = None
        self.sink = scene.sink()
        try:
            self.peer = PEERS[name](scene, self.sink, backend_tls=backend_tls, sessions=sessions, **options).start()
        except BaseException:
            self.sink.stop()
            raise

    def open(self, seconds):
        """Starts to log all in; held() waits for the last."""
        self._load = Load(self.peer.folder, "idle", self.peer.port("imap", True), self.scene.load_core,
                          sessions=self.sessions, clients=32, seconds=seconds, protocol="imap", tls="full",
                          users=100000, user_format="u%d", password="secret", name="mail.example.com", sources=8)

    def held(self):
        """How many sessions are there."""
        while True:
            entry = self._load.read(self._load.seconds)
            if entry is None:
                raise ToolFailed("the load generator ended before its sessions were held")
            if "mark" in entry:
                self._load.say()
            elif entry.get("state") == "held":
                return entry["sessions"]
            elif "errors" in entry:
                raise ToolFailed(f"no sessions held: {entry['errors']}")

    def answer(self, word="done"):
        """DONE on all (or a storm first); the load generator's last words."""
        self._load.say(word)

    def result(self):
        return self._load.finish(lambda which: None)

    def close(self):
        if self._load:
            self._load.stop()
        try:
            self.peer.stop()
        except AssertionError as error:
            print(f"  {self.peer.name}: {error}")
        self.sink.stop()


class Crowd:
    """All groups of one measurement as one."""

    def __init__(self, scene, name, sessions, backend_tls=False):
        count = math.ceil(sessions / per_group())
        sizes = [sessions // count + (number < sessions % count) for number in range(count)]
        self.sessions = sessions
        self.groups = []
        try:
            for size in sizes:
                self.groups.append(Group(scene, name, size, backend_tls))
        except BaseException:
            self.close()
            raise

    def roots(self):
        return [pid for group in self.groups for pid in group.peer.roots()]

    def memory(self):
        pss, count = processes.pss_kib(self.roots())
        return {"pss_kib": pss, "processes": count, "kernel_kib": processes.kernel_kib()}

    def close(self):
        for group in self.groups:
            group.close()


def _seconds(sessions):
    """The bound of a run: nobody logs in fewer than 50 a second."""
    return 60 + sessions / 50


def hold(scene, row, name, sessions, number):
    """One measurement: a dictionary for the results."""
    crowd = Crowd(scene, name, sessions, row.backend_tls)
    try:
        before, cpu = crowd.memory(), processes.cpu_seconds(crowd.roots())
        began = time.monotonic()
        for group in crowd.groups:
            group.open(_seconds(sessions))
        held = sum(group.held() for group in crowd.groups)
        opened = time.monotonic() - began
        time.sleep(_SETTLE)
        during = crowd.memory()
        cpu = processes.cpu_seconds(crowd.roots()) - cpu
        for group in crowd.groups:
            group.answer()
        said = [group.result() for group in crowd.groups]
    finally:
        crowd.close()
    answered = sum(result.get("answered", 0) for result in said)
    problems = [text for text in map(failures, said) if text]
    if not problems and (held != sessions or answered != sessions):
        problems = [f"{held} held, {answered} answered"]
    return {"row": row.id, "peer": name, "round": number, "sessions": sessions, "groups": len(said), "held": held,
            "answered": answered, "before": before, "during": during, "cpu_seconds": cpu, "open_seconds": opened,
            "problem": "; ".join(problems), "load": said}


def storm(scene, row, name, sessions, number):
    """All are cut at once and log in again at once."""
    crowd = Crowd(scene, name, sessions)
    try:
        for group in crowd.groups:
            group.open(_seconds(sessions))
        for group in crowd.groups:
            group.held()
        cpu = processes.cpu_seconds(crowd.roots())
        for group in crowd.groups:
            group.answer("storm")
        said = [group.result() for group in crowd.groups]
        cpu = processes.cpu_seconds(crowd.roots()) - cpu
    finally:
        crowd.close()
    return {"row": row.id, "peer": name, "round": number, "sessions": sessions, "groups": len(said), "cpu_seconds": cpu,
            "problem": "; ".join(text for text in map(failures, said) if text), "load": said}


def run(scene, row, peers, results, kind, tell, what=hold, rounds=100):
    """All rounds of one row over all peers, at most `rounds`."""
    rounds = min(rounds, getattr(row, kind)[1])
    wanted = row.quick_sessions or row.sessions if kind == "quick" else row.sessions
    for number in range(rounds):
        for name in peers:
            peer = PEERS[name]
            sessions = min(wanted, peer.most_sessions or wanted)
            if kind == "quick" and peer.most_sessions:
                sessions = min(sessions, peer.most_sessions // 15)
            if row.backend_tls and not peer.can_backend_tls:
                continue
            tell(f"{row.id}: round {number + 1} of {rounds}, {name}, {sessions} sessions")
            try:
                results.add("idles", what(scene, row, name, sessions, number))
            except (ToolFailed, AssertionError, OSError) as error:
                results.fail(row.id, name, error)
        results.save()
