"""Perdition: a process per connection, so its CPU is mostly that of children that have ended."""

import os

from bench.harness.peers.base import CIPHER, CURVE, DOORS, IMAP_CAPABILITIES, Peer, found

_KINDS = {("imap", False): "IMAP4", ("imap", True): "IMAP4S", ("pop3", False): "POP3", ("pop3", True): "POP3S"}


class Perdition(Peer):
    """A listening process per door. `-t 0` ends TLS sessions after one command, hence a day.

    Each child closes every descriptor that it might have: with a limit of 20,000 a login takes three times as long.
    """

    name = "perdition"
    title = "Perdition"
    note = "forks per connection"
    most_sessions = 3000
    descriptors = 256

    @classmethod
    def installed(cls):
        return bool(found("perdition"))

    def environment(self):
        """It has no words for TLS 1.3 suites and groups; OpenSSL's own file does."""
        return {"OPENSSL_CONF": self.write("openssl.cnf", f"""openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = settings
[settings]
MinProtocol = TLSv1.3
Ciphersuites = {CIPHER}
Groups = {CURVE}
""")}

    def commands(self):
        return [self._command(*door) for door in DOORS]

    def _command(self, protocol, tls):
        user = ["-u", "root", "-g", "root"] if os.geteuid() == 0 else []
        secure = ["--ssl_mode", "ssl_listen", "--ssl_cert_file", self.certificate, "--ssl_key_file", self.key,
                  "--ssl_no_client_cert_verify"] if tls else []
        return [found("perdition"), "-f", "/dev/null", "--no_daemon", "-P", _KINDS[protocol, tls],
                "-b", "127.0.0.1", "-l", self.port(protocol, tls), "-s", "127.0.0.1", "-p",
                self.sink.port(protocol, False), "-n", "-M", "", "-t", 86400, "-L", 0, "--pid_file", "",
                "-F", os.path.join(self.folder, f"{protocol}{int(tls)}.log"),
                "--imap_capability", " ".join(IMAP_CAPABILITIES), *user, *secure]
