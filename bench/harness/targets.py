"""Where Postigo wants to be, and what no proxy can beat. Ratios of medians of one run; absolutes for memory."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Target:
    """`figure` of `row` is at most `factor` times that of `against`: a peer (or several: the first that was measured),
    "best", "limit"; "" = an absolute."""

    row: str
    figure: str
    factor: float
    against: str = "best"

    def text(self):
        what = {"p50": "p50 ", "p99": "p99 ", "dropped": "dropped "}.get(self.figure, "")
        return f"{what}<= {self.factor:g}" + (f" x {self.against.split(',')[0]}" if self.against else "")


TARGETS = (
    Target("login-ecdsa", "cpu", 0.5),
    Target("login-rsa", "cpu", 1.1),
    Target("login-rsa", "cpu", 1.25, "limit"),
    Target("login-resumed", "cpu", 0.5),
    Target("login-plain", "cpu", 0.7, "nginx126,nginx"),
    Target("login-one", "p50", 1.0, "haproxy3,haproxy"),
    Target("fetch-tls", "cpu", 0.8),
    Target("fetch-tls", "cpu", 1.25, "bare"),
    Target("fetch-plain", "cpu", 0.7),
    Target("append-tls", "cpu", 0.8),
    Target("noop-64", "cpu", 0.8),
    Target("noop-64", "p99", 1.0),
    Target("latency-half-common", "p99", 1.0),
    Target("idle-10k", "pss", 5, ""),
    Target("idle-10k-tls-both", "pss", 12, ""),
    Target("idle-50k", "dropped", 0, ""),
)

# Per row: the figures of bench_bare whose sum no proxy can go below. What is not here has the bare relay as its limit.
LIMITS = {
    "login-ecdsa": ("handshake-ecdsa",),
    "pop3-login": ("handshake-ecdsa",),
    "login-rsa": ("handshake-rsa",),
    "login-resumed": ("handshake-resumed",),
    "fetch-tls": ("seal", "copy"),
    "fetch-plain": ("copy",),
    "append-tls": ("seal", "copy"),  # opening a record costs about what sealing it does
    "append-plain": ("copy",),
}

LIMIT_TITLES = {
    "handshake-ecdsa": ("server's side of a full handshake, ECDSA P-256", "us"),
    "handshake-rsa": ("server's side of a full handshake, RSA-2048", "us"),
    "handshake-resumed": ("server's side of a resumed handshake", "us"),
    "seal": ("AES-128-GCM records of 16 KiB", "CPU-s per GB"),
    "copy": ("read and write of the same octets, two loopback connections", "CPU-s per GB"),
}
