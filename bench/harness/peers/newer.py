"""The newest of them that Debian has, beside those of the Debian that we run on.

A release is unpacked, not installed, into a folder of the cache; a program of it runs there, with the machine's /dev,
/proc and /tmp, in a mount namespace of its own. That needs root. Its system calls and its libraries (OpenSSL 3.5) are
what its users have; the kernel is ours, the same for all.
"""

import functools

from bench.harness.peers.base import CIPHER, CURVE
from bench.harness.peers.dovecot import Dovecot
from bench.harness.peers.haproxy import HAProxy
from bench.harness.peers.nginx import Nginx
from tests.differential.servers import roots
from tests.e2e.harness.program import run

SUITE = "trixie"
PACKAGES = ("haproxy", "nginx", "libnginx-mod-mail", "dovecot-imapd", "dovecot-pop3d", "openssl")

# $0 is the folder. /etc/passwd is the machine's, for the names of accounts.
_ENTER = """for place in dev proc tmp; do mkdir -p "$0/$place" && mount --rbind "/$place" "$0/$place" || exit 1; done
mkdir -p "$0/etc"
for file in passwd group; do : >>"$0/etc/$file" && mount --bind "/etc/$file" "$0/etc/$file" || exit 1; done
exec chroot USER"$0" "$@"
"""


@functools.cache
def folder():
    """Where the release is; "" if this machine cannot have one, and a line says why."""
    try:
        return roots.root("bench", SUITE, PACKAGES)
    except roots.Unavailable as reason:
        print(f"no newer peers: {reason}", flush=True)
        return ""


def entering(user=None):
    """The words before the path of a program inside."""
    return ["unshare", "--mount", "sh", "-c", _ENTER.replace("USER", f"--userspec={user} " if user else ""), folder()]


def versions():
    """What is in there, by the programs' own words."""
    if not folder():
        return {}
    asked = {"haproxy3": ("/usr/sbin/haproxy", "-v"), "nginx126": ("/usr/sbin/nginx", "-v"),
             "dovecot24": ("/usr/sbin/dovecot", "--version"), "libssl": ("/usr/bin/openssl", "version")}
    said = {name: run(*entering(), *command, check=False) for name, command in asked.items()}
    return {name: (done.stdout + done.stderr).strip().split("\n")[0] for name, done in said.items()}


class Newer:
    """A peer whose programs are those of the newer release."""

    @classmethod
    def installed(cls):
        return bool(folder())

    @classmethod
    def program(cls, name, user=None):
        return [*entering(user), f"/usr/sbin/{name}"]


class HAProxy3(Newer, HAProxy):
    """3.0, with OpenSSL 3.5."""

    name = "haproxy3"
    title = "HAProxy 3"


class Nginx126(Newer, Nginx):
    """1.26, with OpenSSL 3.5."""

    name = "nginx126"
    title = "nginx 1.26 mail"


class Dovecot24(Newer, Dovecot):
    """2.4 has another grammar; what is said is the same."""

    name = "dovecot24"
    title = "Dovecot 2.4"
    endless = "restart_request_count = unlimited"

    def _configuration(self, user):
        imap, pop3 = (self.sink.port(protocol, self.backend_tls) for protocol in ("imap", "pop3"))
        return f"""dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
{self._common(user)}
ssl_server_cert_file = {self._ours(self.certificate)}
ssl_server_key_file = {self._ours(self.key)}
ssl_client_ca_file = {self._ours(self.scene.certificates.ca)}
ssl_min_protocol = TLSv1.3
ssl_cipher_suites = {CIPHER}
ssl_curve_list = {CURVE}
auth_allow_cleartext = yes
auth_mechanisms = plain
passdb static {{
  fields {{
    proxy = yes
    host = 127.0.0.1
    port = %{{protocol | if('eq', 'imap', '{imap}', '{pop3}')}}
    nopassword = yes
    {"ssl = yes" if self.backend_tls else ""}
  }}
}}
"""
