"""Courier 5 of Debian 12: imapd and pop3d under couriertcpd, as its own scripts start them.

In the place of authdaemond stands a thread that speaks its protocol: every user exists, and homes are made by prepare().
"""

import os
import re
import shutil
import socketserver
import threading

from tests.differential.servers.confined import Confined
from tests.differential.servers.server import INBOX, PASSWORD, mail_in, maildir

_ID = 902
_TCPD = ("/usr/sbin/couriertcpd", "-address=127.0.0.1", "-maxprocs=500", "-maxperip=500", "-nodnslookup",
         "-noidentlookup")
_LIBEXEC = "/usr/lib/courier/courier/"
_CAPABILITIES = ("IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE "
                 "AUTH=PLAIN")
# /etc/courier/imapd and pop3d as Debian ships them, as far as the programs read them.
_ENVIRONMENT = {
    "IMAP_CAPABILITY": _CAPABILITIES, "IMAP_CAPABILITY_TLS": _CAPABILITIES, "IMAP_KEYWORDS": "1", "IMAP_ACL": "1",
    "IMAP_IDLE_TIMEOUT": "60", "IMAP_MAILBOX_SANITY_CHECK": "1", "IMAP_USELOCKS": "1", "IMAP_ENHANCEDIDLE": "0",
    "IMAP_TRASHFOLDERNAME": "Trash", "IMAP_EMPTYTRASH": "Trash:7", "IMAP_UMASK": "022", "IMAP_STARTTLS": "NO",
    "IMAP_TLS_REQUIRED": "0", "TLS_PROTOCOL": "", "POP3AUTH": "PLAIN LOGIN", "POP3_TLS_REQUIRED": "0",
    "MAILDIRPATH": "Maildir",
}


class _Authority(socketserver.StreamRequestHandler):
    """authdaemond's protocol: variables, AUTH and a length, and service, type, user, password on lines of their own."""

    def handle(self):
        request = self.rfile.readline()
        while request.startswith(b"TCPREMOTEIP="):
            request = self.rfile.readline()
        if (found := re.match(rb"AUTH (\d+)\n", request)) is None:
            self.wfile.write(b"FAIL\n")
            return
        words = self.rfile.read(int(found.group(1))).decode("utf-8", "replace").split("\n")
        if len(words) < 4 or words[1] != "login" or words[3] != PASSWORD or not re.fullmatch(r"\w+", words[2]):
            self.wfile.write(b"FAIL\n")
            return
        user = words[2]
        self.wfile.write(f"UID={_ID}\nGID={_ID}\nHOME=/home/{user}\nADDRESS={user}\n"
                         f"MAILDIR=/home/{user}/Maildir\n.\n".encode())


class _Authorities(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 500


class Courier(Confined):
    name = "courier"
    pipelined_login = False  # imaplogin forgets what came with the login when it makes way for imapd
    packages = ("courier-imap", "courier-pop")
    accounts = (("courier", _ID),)
    login_line = re.compile(r"LOGIN, user=([^,]*),")
    verb_line = re.compile(r"LOGIN FAILED")
    authorities = None

    def configure(self):
        for path in ("run/courier", "run/courier/authdaemon", "home"):
            self.folder(path, _ID)

    def launch(self):
        where = os.path.join(self.root, "run/courier/authdaemon/socket")
        self.authorities = _Authorities(where, _Authority)
        os.chmod(where, 0o777)
        threading.Thread(target=self.authorities.serve_forever, daemon=True).start()
        self.inside(*_TCPD, self.imap, _LIBEXEC + "imaplogin", "/usr/bin/imapd", "Maildir",
                    environment=dict(_ENVIRONMENT, PROTOCOL="imap"))
        self.inside(*_TCPD, self.pop3, _LIBEXEC + "courierpop3login", _LIBEXEC + "courierpop3d", "Maildir",
                    environment=dict(_ENVIRONMENT, PROTOCOL="pop3"))

    def stop(self):
        super().stop()
        if self.authorities:
            self.authorities.shutdown()
            self.authorities.server_close()

    def _home(self, user):
        return os.path.join(self.root, "home", user)

    async def prepare(self, user, inbox=INBOX):
        maildir(os.path.join(self._home(user), "Maildir"), (_ID, _ID), inbox)

    def mail(self, user):
        return mail_in(os.path.join(self._home(user), "Maildir"))

    async def forget(self, user):
        shutil.rmtree(self._home(user), ignore_errors=True)
