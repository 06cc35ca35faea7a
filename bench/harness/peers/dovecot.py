"""Dovecot as a login proxy: its login processes in high-performance mode, one per protocol and worker."""

import os
import shutil

from bench.harness.peers.base import CIPHER, CURVE, Peer, primary_group


class Dovecot(Peer):
    """A passdb that sends everybody to the fake backend with the password that the client gave."""

    name = "dovecot"
    title = "Dovecot"
    note = "login processes in high-performance mode"
    can_backend_tls = True
    endless = "service_count = 0"  # a login process serves whoever comes

    @classmethod
    def installed(cls):
        return bool(cls.program("dovecot")) and all(os.path.exists(f"/usr/lib/dovecot/{protocol}-login")
                                              for protocol in ("imap", "pop3"))

    def commands(self):
        user = "nobody" if os.geteuid() == 0 else None
        for name in ("run", "state"):
            os.makedirs(os.path.join(self.folder, name))
        for path in (self.certificate, self.key, self.scene.certificates.ca):
            shutil.copy(path, self.folder)
        configuration = self.write("dovecot.conf", self._configuration(user))
        if user:  # everything under one unprivileged user: no chroot and no second user is needed
            group = primary_group(user)
            for path, folders, files in os.walk(self.folder):
                for name in (".", *folders, *files):
                    shutil.chown(os.path.join(path, name), user, group)
        return [[*self.program("dovecot", user), "-F", "-c", configuration]]

    def _ours(self, path):
        return os.path.join(self.folder, os.path.basename(path))

    def _passdb(self):
        imap, pop3 = (self.sink.port(protocol, self.backend_tls) for protocol in ("imap", "pop3"))
        ports = f"%{{if;%s;eq;imap;{imap};{pop3}}}"
        return f"proxy=y host=127.0.0.1 port={ports} nopassword=y" + (" ssl=yes" if self.backend_tls else "")

    def _common(self, user):
        """What all versions call the same."""
        user = user or os.environ.get("USER", "nobody")
        return f"""protocols = imap pop3
listen = 127.0.0.1
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/dovecot.log
default_internal_user = {user}
default_internal_group = {primary_group(user)}
default_login_user = {user}
first_valid_uid = 1
ssl = yes
default_client_limit = {2 * self.sessions + 500}
default_vsz_limit = 4G
{self._service("imap")}
{self._service("pop3")}
service imap-urlauth-login {{
  process_limit = 1
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}"""

    def _configuration(self, user):
        return f"""{self._common(user)}
ssl_cert = <{self._ours(self.certificate)}
ssl_key = <{self._ours(self.key)}
ssl_ca = <{self._ours(self.scene.certificates.ca)}
ssl_require_crl = no
ssl_dh =
ssl_min_protocol = TLSv1.3
ssl_cipher_suites = {CIPHER}
ssl_curve_list = {CURVE}
disable_plaintext_auth = no
auth_mechanisms = plain
passdb {{
  driver = static
  args = {self._passdb()}
}}
service ipc {{
  chroot =
}}
"""

    def _service(self, protocol):
        return f"""service {protocol}-login {{
  chroot =
  {self.endless}
  process_min_avail = {self.workers}
  process_limit = {self.workers}
  client_limit = {2 * self.sessions + 500}
  inet_listener {protocol} {{
    port = {self.port(protocol, False)}
  }}
  inet_listener {protocol}s {{
    port = {self.port(protocol, True)}
    ssl = yes
  }}
}}"""
