"""Dovecot 2.3, the machine's own, run by the e2e harness; and Dovecot 2.4 in a newer Debian's root."""

import os
import pwd
import shutil
import tempfile

from tests.differential.servers import roots
from tests.differential.servers.server import PASSWORD, Server, maildir
from tests.e2e.harness import Certificates, Dovecot, Program, free_ports, wait_for

_EXTRA = f"""
mail_fsync = never
login_trusted_networks =
mail_max_userip_connections = 10000
passdb {{
  driver = static
  args = password={PASSWORD}
}}
service imap {{
  service_count = 500
  process_limit = 1000
}}
service pop3 {{
  service_count = 500
  process_limit = 1000
}}
"""


class Dovecot23(Server):
    name = "dovecot23"

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="pgd-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.dovecot = Dovecot(os.path.join(self.folder, "d"), Certificates(os.path.join(self.folder, "ca")),
                               extra=_EXTRA)
        self.imap, self.pop3 = self.dovecot.imap, self.dovecot.pop3
        owner = os.stat(os.path.join(self.dovecot.folder, "mail"))
        self._owner = owner.st_uid, owner.st_gid

    def stop(self):
        self.dovecot.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.dovecot.log()

    def _home(self, user):
        return os.path.join(self.dovecot.folder, "mail", user)

    async def prepare(self, user):
        maildir(os.path.join(self._home(user), "Maildir"), self._owner)

    async def forget(self, user):
        shutil.rmtree(self._home(user), ignore_errors=True)
