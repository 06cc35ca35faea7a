"""Cyrus 3.6 of Debian 12. Users have no file of their own: their mailboxes are made over IMAP."""

import asyncio
import glob
import re

from tests.differential.servers.confined import Confined
from tests.differential.servers.server import ARCHIVE, INBOX, PASSWORD
from tests.e2e.harness import run

_CONFIGURATION = f"""
configdirectory: /var/lib/cyrus
defaultpartition: default
partition-default: /var/spool/cyrus
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
altnamespace: yes
unixhierarchysep: yes
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN LOGIN
admins: admin
autocreate_quota: 0
autocreate_inbox_folders: Archive
autocreate_subscribe_folders: Archive
skiplist_unsafe: 1
popminpoll: 0
popuseimapflags: yes
maxlogins_per_user: 0
maxlogins_per_host: 0
servername: cyrus.example
syslog_prefix: cyrus
failedloginpause: 0
"""
_ID = 901


class Cyrus(Confined):
    name = "cyrus"
    packages = ("cyrus-imapd", "cyrus-pop3d", "libsasl2-modules", "libsasl2-modules-db", "tzdata", "eatmydata")
    accounts = (("cyrus", _ID),)
    login_line = re.compile(r"\blogin: \S+ \[[^\]]*\] (\S+) ")
    verb_line = re.compile(r"\bbadlogin: |\bstarttls: ", re.IGNORECASE)
    logins_to_prepare = 1

    def configure(self):
        self.write("etc/imapd.conf", _CONFIGURATION)
        self.write("etc/cyrus.conf", f"""
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -r"
}}
SERVICES {{
  imap cmd="imapd -U 250" listen="127.0.0.1:{self.imap}" prefork=20 maxchild=400
  pop3 cmd="pop3d -U 250" listen="127.0.0.1:{self.pop3}" prefork=20 maxchild=400
}}
EVENTS {{
}}
""")
        for path in ("var/lib/cyrus", "var/spool/cyrus", "run/cyrus", "run/cyrus/proc", "run/cyrus/lock",
                     *(f"var/lib/cyrus/{name}" for name in ("db", "log", "msg", "proc", "ptclient", "quota", "socket",
                                                            "user"))):
            self.folder(path, _ID)

    def launch(self):
        tool = glob.glob("usr/lib/*/libeatmydata.so", root_dir=self.root)[0]  # no fsync: nobody needs this mail
        self.inside("/usr/lib/cyrus/bin/master", "-l", "1024", environment={"LD_PRELOAD": "/" + tool})

    async def prepare(self, user, inbox=INBOX):
        reader, writer = await asyncio.open_connection(self.host, self.imap)
        writer.write(f'a LOGIN "{user}" "{PASSWORD}"\r\n'.encode())
        for box, messages in ((b"INBOX", inbox), (b"Archive", ARCHIVE)):
            for message in messages:
                writer.write(b"b APPEND %s (\\Seen) {%d+}\r\n%s\r\n" % (box, len(message), message))
        writer.write(b"z LOGOUT\r\n")
        said = await asyncio.wait_for(reader.read(-1), 60)
        writer.close()
        if said.count(b"\nb OK") != len(inbox) + len(ARCHIVE):
            raise AssertionError(f"cannot prepare {user}: {said!r}")

    async def forget(self, user):
        """Mailboxes of a user who never comes back cost a little disk and nothing else."""
