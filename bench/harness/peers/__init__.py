"""Everybody who is measured, each in a file of its own that says how he is configured and why."""

from bench.harness.peers.bare import Bare, Direct
from bench.harness.peers.dovecot import Dovecot
from bench.harness.peers.haproxy import HAProxy
from bench.harness.peers.newer import Dovecot24, HAProxy3, Nginx126
from bench.harness.peers.nginx import Nginx
from bench.harness.peers.perdition import Perdition
from bench.harness.peers.postigo import Postigo

PEERS = {peer.name: peer for peer in (Direct, Bare, Postigo, HAProxy, HAProxy3, Nginx, Nginx126, Dovecot, Dovecot24,
                                      Perdition)}
PROXIES = ("haproxy", "haproxy3", "nginx", "nginx126", "dovecot", "dovecot24", "perdition")  # what Postigo is compared with

__all__ = ["PEERS", "PROXIES", "Bare", "Direct", "Dovecot", "Dovecot24", "HAProxy", "HAProxy3", "Nginx", "Nginx126",
           "Perdition", "Postigo"]
