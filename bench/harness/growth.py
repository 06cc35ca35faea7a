"""How Postigo's costs grow: with backends, with users, with users whom affinity binds, with sessions; with one and
with two workers. A chart each."""

import os

from bench.harness import measure, rows
from bench.harness.idle import Group, per_group
from bench.harness.peers import Postigo
from bench.harness.processes import pss_kib
from bench.harness.tools import ToolFailed

BACKENDS = {"quick": (1, 100, 10000), "full": (1, 10, 100, 1000, 10000)}
USERS = {"quick": (1000, 100000), "full": (1000, 10000, 100000, 1000000)}
BOUND = {"quick": (1000, 30000), "full": (1000, 10000, 100000, 1000000)}
SESSIONS = {"quick": (10, 1000), "full": (10, 100, 1000, 3000, 9000)}
WORKERS = (1, 2)
_ROWS = ("login-plain", "login-ecdsa")
_LOGIN = next(row for row in rows.LOADS if row.id == "login-plain")


def _backends(sink, count):
    """As many names as asked for, each at an address of its own; all are the fake backend."""
    texts, names = [], []
    for number in range(count):
        name = f"b{number}"
        host = f"127.1.{number // 250}.{number % 250 + 1}"
        texts.append(f'[[backend]]\nname = "{name}"\nhost = "{host}"\n'
                     f'imap_port = {sink.imap}\npop3_port = {sink.pop3}\n')
        names.append(f'"{name}"')
    return {"backends": "\n".join(texts), "pool": f'[[pool]]\nname = "main"\nbackends = [{", ".join(names)}]'}


def _directory(folder):
    """A directory that says who exists; the backend checks the password, as in the other rows."""
    return {"routing": f'[[directory]]\ntype = "sqlite"\npath = "{folder}/users.db"\n'}


def _affine(sink):
    """Three backends; whoever has logged in once comes back to the same one for an hour."""
    sections = _backends(sink, 3)
    sections["pool"] += '\naffinity = true\naffinity_time = "1h"'
    return sections


def _fill(peer, folder, count):
    path = os.path.join(folder, "users.txt")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"u{number}:\n" for number in range(count))
    peer.tool("user", "import", path, timeout=300)


class Growth:
    """Every point is a Postigo of its own."""

    def __init__(self, scene, results, kind, tell, rounds=100):
        self.scene = scene
        self.results = results
        self.kind = kind
        self.tell = tell
        self.seconds = {"quick": 0.7, "full": 4}[kind]
        self.rounds = min(rounds, {"quick": 1, "full": 3}[kind])

    def run(self):
        for number in range(self.rounds):
            for workers in WORKERS:
                for count in BACKENDS[self.kind]:
                    self._guarded("backends", count, workers, number, self._with_backends)
                for count in USERS[self.kind]:
                    self._guarded("users", count, workers, number, self._with_users)
                for count in BOUND[self.kind]:
                    self._guarded("bound users", count, workers, number, self._with_bound)
                for count in SESSIONS[self.kind]:
                    self._guarded("sessions", count, workers, number, self._with_sessions)
            self.results.save()

    def _guarded(self, question, count, workers, number, what):
        self.tell(f"growth: {count} {question}, {workers} worker(s), round {number + 1} of {self.rounds}")
        try:
            what(question, count, workers, number)
        except (ToolFailed, AssertionError, OSError) as error:
            self.results.fail(f"growth-{question}-{count}", f"postigo, {workers} worker(s)", error)

    def _loads(self, peer, question, count, workers, number, **more):
        """Both kinds of login on one Postigo; users as many as there are."""
        for row in rows.LOADS:
            if row.id in _ROWS:
                users = count if question.endswith("users") else 10000
                entry = measure.sample(self.scene, row, peer, number, self.seconds, users=users)
                self.results.add("growth", {**entry, "question": question, "count": count, "workers": workers, **more})

    def _point(self, question, count, workers, number, sections, prepare=lambda peer: None,
               begin=lambda peer: None):
        sink = self.scene.sink(everywhere=True)
        try:
            peer = Postigo(self.scene, sink, workers=workers, pinned=workers == 1, sections=sections(sink))
            prepare(peer)
            peer.start()
            try:
                begin(peer)
                memory = pss_kib(peer.roots())[0]
                self._loads(peer, question, count, workers, number, pss_kib_before=memory)
            finally:
                peer.stop()
        finally:
            sink.stop()

    def _with_backends(self, question, count, workers, number):
        self._point(question, count, workers, number, lambda sink: _backends(sink, count))

    def _with_users(self, question, count, workers, number):
        folder = self.scene.scratch("users")
        self._point(question, count, workers, number, lambda sink: _directory(folder),
                    lambda peer: _fill(peer, folder, count))

    def _with_bound(self, question, count, workers, number):
        def begin(peer):
            once = measure.sample(self.scene, _LOGIN, peer, number, 600, users=count, count=count)
            if once["problem"] or once["load"]["units"] < count:
                raise ToolFailed(f"not all have logged in: {once['load']['units']} {once['problem']}")

        self._point(question, count, workers, number, _affine, begin=begin)

    def _with_sessions(self, question, count, workers, number):
        """Logins while so many sessions are held in IDLE by the same process."""
        group = Group(self.scene, "postigo", min(count, per_group() - 200), False, workers=workers, pinned=workers == 1)
        try:
            before = pss_kib(group.peer.roots())[0]
            group.open(120 + count / 50)
            held = group.held()
            during = pss_kib(group.peer.roots())[0]
            self._loads(group.peer, question, held, workers, number, pss_kib_before=before, pss_kib_during=during)
            group.answer()
            group.result()
        finally:
            group.close()
