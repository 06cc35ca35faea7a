"""The real servers, by name. Each is made, run and removed by the harness."""

from tests.differential.servers.courier import Courier
from tests.differential.servers.cyrus import Cyrus
from tests.differential.servers.dovecot import Dovecot23, Dovecot24
from tests.differential.servers.roots import Unavailable
from tests.differential.servers.server import CANARY, PASSWORD, SECRETS, VICTIM, Server

SERVERS = {kind.name: kind for kind in (Dovecot23, Dovecot24, Cyrus, Courier)}

__all__ = ["CANARY", "PASSWORD", "SECRETS", "SERVERS", "VICTIM", "Server", "Unavailable"]
