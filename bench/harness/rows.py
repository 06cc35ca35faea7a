"""What is measured: one Row per question. measure.py runs those of LOADS, idle.py those of IDLES."""

import dataclasses

KIB, MIB = 1024, 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the load generator, and how its figures are called.

    unit: "login", "gb", "trip" or "command": what CPU is divided by. half: "own" or "common": an open loop at half of a
    measured rate. quick, full: (seconds of one sample, rounds).
    """

    id: str
    title: str
    mode: str
    unit: str
    tls: str = "full"
    protocol: str = "imap"
    kind: str = "ecdsa"
    clients: int = 32
    size: int = 0
    warmup: int = 0
    half: str = ""
    count: int = 0  # as many as the seconds allow
    quick: tuple = (0.7, 3)
    full: tuple = (4, 5)
    without: tuple = ()

    def options(self, seconds):
        """For tools.Load."""
        return {"protocol": self.protocol, "tls": self.tls, "clients": self.clients, "count": self.count,
                "seconds": seconds, "warmup": self.warmup, "size": self.size or None, "users": 10000,
                "user_format": "u%d", "password": "secret", "name": "mail.example.com", "sources": 0}


@dataclasses.dataclass(frozen=True)
class Idle:
    """Sessions held in IDLE over TLS, then all answered."""

    id: str
    title: str
    sessions: int
    quick_sessions: int = 0  # 0: not in a quick run
    backend_tls: bool = False
    quick: tuple = (0, 1)
    full: tuple = (0, 3)


def _login(name, title, **options):
    return Row(name, title, "login", "login", **{"warmup": 64, **options})


LOADS = (
    _login("login-ecdsa", "Login, TLS 1.3 full handshake, ECDSA P-256"),
    _login("login-rsa", "Login, TLS 1.3 full handshake, RSA-2048", kind="rsa"),
    _login("login-resumed", "Login, TLS 1.3 resumed by ticket, ECDSA P-256", tls="resumed", warmup=128),
    _login("login-plain", "Login, no TLS: the proxy's own work", tls="off", warmup=256),
    _login("login-one", "Login, TLS 1.3 full handshake, one client: latency without a queue", clients=1, warmup=4),
    _login("pop3-login", "POP3 login, TLS 1.3 full handshake, ECDSA P-256", protocol="pop3", quick=(0.7, 2)),
    Row("fetch-tls", "FETCH 1 MiB, 8 sessions, TLS", "fetch", "gb", clients=8, size=MIB, warmup=16),
    Row("fetch-plain", "FETCH 1 MiB, 8 sessions, no TLS", "fetch", "gb", tls="off", clients=8, size=MIB, warmup=16),
    Row("fetch-64k-tls", "FETCH 64 KiB, 8 sessions, TLS", "fetch", "gb", clients=8, size=64 * KIB, warmup=64,
        quick=(0.6, 2)),
    Row("fetch-1k-tls", "FETCH 1 KiB, 8 sessions, TLS", "fetch", "gb", clients=8, size=KIB, warmup=256, quick=(0.6, 2)),
    Row("append-tls", "APPEND 1 MiB, 8 sessions, TLS", "append", "gb", clients=8, size=MIB, warmup=16),
    Row("append-plain", "APPEND 1 MiB, 8 sessions, no TLS", "append", "gb", tls="off", clients=8, size=MIB, warmup=16,
        quick=(0.6, 2)),
    Row("noop-64", "NOOP round trips, 64 sessions, TLS", "noop", "trip", clients=64, warmup=2000),
    Row("noop-1", "NOOP round trips, one session, TLS", "noop", "trip", clients=1, warmup=200, quick=(0.5, 2)),
    Row("latency-half-own", "Logins at half of what each one can do", "login", "login", clients=256, half="own",
        warmup=32, quick=(1, 2), full=(10, 3)),
    Row("latency-half-common", "Logins at half of what the slowest can do (Perdition left out)", "login", "login",
        clients=256, half="common", warmup=32, quick=(1, 2), full=(10, 3), without=("perdition",)),
    Row("mixed", "A day in small: polls, IDLE, fetches, appends", "mixed", "command", clients=64, quick=(2, 1),
        full=(10, 3)),
)

IDLES = (
    Idle("idle-10k", "10,000 sessions in IDLE, TLS", 10000, 10000),
    Idle("idle-10k-tls-both", "10,000 sessions in IDLE, TLS on both sides", 10000, 2000, backend_tls=True),
    Idle("idle-50k", "50,000 sessions in IDLE, TLS", 50000, full=(0, 1)),
    Idle("idle-100k", "100,000 sessions in IDLE, TLS", 100000, full=(0, 1)),
)

STORM = Idle("storm", "All sessions are cut and come back at once, TLS", 5000, 500)

GROUPS = {"latency-half-load": ("latency-half-own", "latency-half-common")}


def names():
    return [row.id for row in (*LOADS, *IDLES, STORM)] + ["growth"]


def chosen(words):
    """The set of ids that --rows asks for; None: all."""
    if words is None:
        return None
    found = set()
    for word in words:
        found.update(GROUPS.get(word, (word,)))
    unknown = found - set(names())
    if unknown:
        raise SystemExit(f"unknown rows: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    return found
