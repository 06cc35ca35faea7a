"""HAProxy in TCP mode: it ends TLS and relays. No login, no routing by user: a floor, not a competitor.

`option splice-auto` was tried: no difference in the plain rows, so its defaults stay.
"""

from bench.harness.peers.base import CIPHER, CURVE, DOORS, Peer


class HAProxy(Peer):
    """One process, as many threads as workers."""

    name = "haproxy"
    title = "HAProxy"
    note = "TLS and relay only: it sees no login"
    can_backend_tls = True

    @classmethod
    def installed(cls):
        return bool(cls.program("haproxy"))

    def commands(self):
        return [[*self.program("haproxy"), "-db", "-f", self.write("haproxy.cfg", self._configuration())]]

    def _configuration(self):
        return f"""global
  nbthread {self.workers}
  maxconn {self.sessions + 100}
  log stdout format raw local0 info
  ssl-default-bind-ciphersuites {CIPHER}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-ciphersuites {CIPHER}
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode tcp
  log global
  option tcplog
  maxconn {self.sessions + 100}
  timeout connect 5s
  timeout client 24h
  timeout server 24h
""" + "".join(self._door(protocol, tls) for protocol, tls in DOORS)

    def _door(self, protocol, tls):
        name = protocol + ("s" if tls else "")
        ours = f" ssl crt {self.pem()} curves {CURVE}" if tls else ""
        theirs = f" ssl verify required ca-file {self.scene.certificates.ca}" if self.backend_tls else ""
        return f"""listen {name}
  bind 127.0.0.1:{self.port(protocol, tls)} backlog 4096{ours}
  server sink 127.0.0.1:{self.sink.port(protocol, self.backend_tls)}{theirs}
"""
