"""A private OpenLDAP server: ldap:// with StartTLS and ldaps://, users below ou=people,dc=example,dc=com.

Nobody but READER finds anything there; whoever else is bound may only log in.
"""

import os
import shutil
import signal
import socket
import unittest

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program, run, wait_for

READER, READER_PASSWORD = "cn=reader,dc=example,dc=com", "canary-Reader/word"
BASE = "ou=people,dc=example,dc=com"
_SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/bin")

_CONFIGURATION = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient never
database mdb
suffix dc=example,dc=com
maxsize 67108864
directory {folder}/db
index uid eq
access to attrs=userPassword by dn.exact="{reader}" read by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""
_ABOVE = """dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: {reader}
objectClass: person
cn: reader
sn: r
userPassword: {password}

"""


def person(uid, password=None, **attributes):
    """One entry as LDIF; attributes are what the user has beside his name."""
    text = f"dn: cn={uid},{BASE}\nobjectClass: inetOrgPerson\ncn: {uid}\nsn: x\nuid: {uid}\n"
    text += f"userPassword: {password}\n" if password else ""
    return text + "".join(f"{name}: {value}\n" for name, value in attributes.items()) + "\n"


class Slapd:
    """Runs from construction to stop()."""

    host = "127.0.0.1"

    def __init__(self, folder, certificates, people):
        if _SLAPD is None:
            raise unittest.SkipTest("slapd is not installed")
        self.folder = folder
        self.port, self.tls_port = free_ports(2)
        os.makedirs(os.path.join(folder, "db"))
        self.configuration = os.path.join(folder, "slapd.conf")
        certificate, key = certificates.server
        self._write("slapd.conf", _CONFIGURATION.format(ca=certificates.ca, certificate=certificate, key=key,
                                                        folder=folder, reader=READER))
        self._write("people.ldif", _ABOVE.format(reader=READER, password=READER_PASSWORD) + "".join(people))
        run(_SLAPD.replace("slapd", "slapadd"), "-q", "-f", self.configuration, "-l",
            os.path.join(folder, "people.ldif"))
        self.program = None
        self.start()

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    @property
    def url(self):
        return f"ldap://{self.host}:{self.port}"

    @property
    def tls_url(self):
        return f"ldaps://{self.host}:{self.tls_port}"

    def start(self):
        self.program = Program([_SLAPD, "-d", "256", "-f", self.configuration, "-h", f"{self.url} {self.tls_url}"],
                               os.path.join(self.folder, "slapd.log"))
        wait_for(lambda: self._up() or not self.program.running(), 60, what="slapd")
        if not self.program.running():
            raise AssertionError(f"slapd did not start:\n{self.log()}")

    def _up(self):
        try:
            with socket.create_connection((self.host, self.tls_port), 1):
                return True
        except OSError:
            return False

    def log(self):
        return self.program.output()

    def kill(self):
        self.program.signal(signal.SIGKILL)
        self.program.process.wait(30)

    def signal(self, number):
        self.program.signal(number)

    def stop(self):
        if self.program is not None:
            self.program.signal(signal.SIGCONT)
            self.program.stop()
