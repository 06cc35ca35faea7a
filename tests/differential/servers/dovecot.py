"""Dovecot 2.3, the machine's own, run by the e2e harness; and Dovecot 2.4 in a newer Debian's root."""

import os
import re
import shutil
import tempfile

from tests.differential.servers.confined import Confined
from tests.differential.servers.server import INBOX, PASSWORD, Server, mail_in, maildir
from tests.e2e.harness import Certificates, Dovecot

_EXTRA = f"""
mail_fsync = never
login_trusted_networks =
mail_max_userip_connections = 10000
passdb {{
  driver = static
  args = password={PASSWORD}
}}
protocol imap {{
  mail_plugins = imap_zlib
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
_LOGIN_LINE = re.compile(r"-login: Info: (?:Login|Logged in): user=<([^>]*)>")
# A session's last line has its last command; the other is of a login that failed, and none of ours does.
_VERB_LINE = re.compile(r"\((?:LOGIN|AUTHENTICATE|STARTTLS|UNAUTHENTICATE|COMPRESS) (?:finished|running)|\(auth[ _]failed")


class Dovecot23(Server):
    name = "dovecot23"
    login_line, verb_line = _LOGIN_LINE, _VERB_LINE
    side_by_side = True

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

    async def prepare(self, user, inbox=INBOX):
        maildir(os.path.join(self._home(user), "Maildir"), self._owner, inbox)

    def mail(self, user):
        return mail_in(os.path.join(self._home(user), "Maildir"))

    async def forget(self, user):
        shutil.rmtree(self._home(user), ignore_errors=True)


class Dovecot24(Confined):
    """In a newer Debian's root. Its configuration has another grammar than 2.3's."""

    name = "dovecot24"
    login_line, verb_line = _LOGIN_LINE, _VERB_LINE
    side_by_side = True
    suite = "trixie"
    packages = ("dovecot-imapd", "dovecot-pop3d")
    accounts = (("dovecot", 903), ("dovenull", 904), ("vmail", 905))

    def configure(self):
        self.write("etc/dovecot/dovecot.conf", f"""
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap pop3
listen = 127.0.0.1
log_path = /var/log/dovecot.log
ssl = no
auth_allow_cleartext = yes
auth_failure_delay = 0
auth_mechanisms = plain login
mail_driver = maildir
mail_home = /home/%{{user}}
mail_path = ~/Maildir
mail_uid = vmail
mail_gid = vmail
mail_fsync = never
mail_max_userip_connections = 10000
first_valid_uid = 1
first_valid_gid = 1
default_client_limit = 8000
namespace inbox {{
  inbox = yes
  separator = .
}}
passdb static {{
  password = {PASSWORD}
}}
userdb static {{
  fields {{
    uid = vmail
    gid = vmail
    home = /home/%{{user}}
  }}
}}
service imap-login {{
  restart_request_count = unlimited
  process_limit = 4
  chroot =
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  restart_request_count = unlimited
  process_limit = 4
  chroot =
  inet_listener pop3 {{
    port = {self.pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service imap {{
  restart_request_count = 500
  process_limit = 1000
}}
service pop3 {{
  restart_request_count = 500
  process_limit = 1000
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
""")
        for path in ("run/dovecot", "var/lib/dovecot", "var/log"):
            self.folder(path)
        self.folder("home", 905)

    def launch(self):
        self.inside("/usr/sbin/dovecot", "-F")

    def log(self):
        path = os.path.join(self.root, "var/log/dovecot.log")
        if not os.path.exists(path):
            return super().log()
        with open(path, encoding="utf-8", errors="replace") as file:
            return super().log() + file.read()

    def _home(self, user):
        return os.path.join(self.root, "home", user)

    async def prepare(self, user, inbox=INBOX):
        maildir(os.path.join(self._home(user), "Maildir"), (905, 905), inbox)

    def mail(self, user):
        return mail_in(os.path.join(self._home(user), "Maildir"))

    async def forget(self, user):
        shutil.rmtree(self._home(user), ignore_errors=True)
