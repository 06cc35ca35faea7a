"""The real servers, by name. Each is made, run and removed by the harness."""

from tests.differential.servers.dovecot import Dovecot23
from tests.differential.servers.roots import Unavailable
from tests.differential.servers.server import CANARY, PASSWORD, VICTIM, Server

SERVERS = {kind.name: kind for kind in (Dovecot23,)}

__all__ = ["CANARY", "PASSWORD", "SERVERS", "VICTIM", "Server", "Unavailable"]
