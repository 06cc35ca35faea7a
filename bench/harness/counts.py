"""What is counted under callgrind: the cases, and one run over some of them. Judging is bench/instructions.py's."""

import dataclasses

from bench.harness import callgrind
from bench.harness.scene import Scene

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    unit: str
    mode: str
    protocol: str
    tls: str
    count: int
    warmup: int = 3
    rounds: int = 2
    tolerance: float = 0.05  # above the file, before it is a failure
    options: dict = dataclasses.field(default_factory=dict)
    balanced: bool = False  # with all that balancing has, see BALANCED


# Affinity, every limit, and penalties for an address that is not exempt; none of them ever in the way.
_LIMITS = ("sessions_per_user", "sessions_per_user_address", "sessions_per_address", "sessions_per_network",
           "connections_per_s", "address_connections_per_s", "handshakes_per_s", "logins_per_s", "address_logins_per_s")
BALANCED = {
    "pool": '[[pool]]\nname = "main"\nbackends = ["sink"]\naffinity = true',
    "limits": "[limits]\n" + "".join(f"{name} = 100000\n" for name in _LIMITS),
    "penalty": '[penalty]\nexempt = ["192.0.2.1"]',
}
CASES = (
    Case("login-plain", "login", "login", "imap", "off", 60),
    Case("login-balanced", "login", "login", "imap", "off", 60, balanced=True),
    Case("login-tls", "login", "login", "imap", "full", 30),
    Case("login-tls-balanced", "login", "login", "imap", "full", 30, balanced=True),
    Case("login-resumed", "login", "login", "imap", "resumed", 30),
    Case("pop3-login-plain", "login", "login", "pop3", "off", 60),
    Case("noop-tls", "round trip", "noop", "imap", "full", 300, 10),
    Case("append-small", "message", "append", "imap", "off", 300, 10, options={"size": 1024, "literal_plus": True}),
    # Nothing but system calls, some 2,000 instructions each, and how many the kernel makes of a MiB depends on its pace:
    # an idle machine cuts it into more reads than a busy one. Twice the figure is therefore no news; looking at every
    # octet would be a hundred times it.
    Case("fetch-plain", "MiB", "fetch", "imap", "off", 64, 64, 6, 1.0, {"size": MIB}),
    Case("fetch-tls", "MiB", "fetch", "imap", "full", 4, 2, 2, options={"size": MIB}),
    Case("append-plain", "MiB", "append", "imap", "off", 64, 64, 6, 1.0, {"size": MIB}),
    Case("append-tls", "MiB", "append", "imap", "full", 4, 2, 2, options={"size": MIB}),
)


def measure(cases, each=None):
    """{case name: figures}. each(case, profile): called with what the last round left."""
    scene = Scene(pinned=False)
    sink = scene.sink()
    found = {}
    try:
        for balanced in sorted({case.balanced for case in cases}):
            peer = callgrind.Counted(scene, sink, BALANCED if balanced else None)
            try:
                _measure(peer.start(), [case for case in cases if case.balanced == balanced], found, each)
            finally:
                peer.stop()
        return {case.name: found[case.name] for case in cases}
    finally:
        sink.stop()
        scene.close()


def _measure(peer, cases, found, each):
    callgrind.count(peer, CASES[0], 0)  # what happens once happens now
    idle = peer.idle_rate()
    print(f"idle: {idle:,.0f} instructions per second, taken off below", flush=True)
    for case in cases:
        figure, spread, profile = callgrind.least_count(peer, case, idle)
        found[case.name] = {"unit": case.unit, "instructions": round(figure),
                            "spread_percent": round(spread * 100, 2),
                            "allocations": round(profile.allocated() / case.count, 2),
                            "of_boringssl": round(profile.allocated_by_boringssl() / case.count, 2)}
        if each:
            each(case, profile)
