"""nginx's mail proxy. It needs an HTTP service that says where a user lives: the fake backend answers that too."""

import os

from bench.harness.peers.base import CIPHER, CURVE, DOORS, IMAP_CAPABILITIES, Peer

_MODULE = "/usr/lib/nginx/modules/ngx_mail_module.so"


class Nginx(Peer):
    """It sets no TCP_NODELAY on mail connections and has no way to ask for it."""

    name = "nginx"
    title = "nginx mail"
    note = "asks an HTTP service per login (answered by the fake backend); no TCP_NODELAY, hence about 42 ms per login"

    @classmethod
    def installed(cls):
        return bool(cls.program("nginx")) and os.path.exists(_MODULE)

    def commands(self):
        return [[*self.program("nginx"), "-p", self.folder, "-e", os.path.join(self.folder, "error.log"), "-c",
                 self.write("nginx.conf", self._configuration())]]

    def _configuration(self):
        servers = "\n".join(self._server(protocol, tls) for protocol, tls in DOORS)
        return f"""load_module {_MODULE};
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes {self.workers};
worker_rlimit_nofile {2 * self.sessions + 500};
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log info;
events {{
  use epoll;
  worker_connections {2 * self.sessions + 200};
}}
mail {{
  server_name mail.example.com;
  auth_http 127.0.0.1:{self.sink.http}/auth;
  proxy_pass_error_message on;
  proxy_timeout 24h;
  imap_capabilities {" ".join(f'"{word}"' for word in IMAP_CAPABILITIES)};
  ssl_certificate {self.certificate};
  ssl_certificate_key {self.key};
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites {CIPHER};
  ssl_ecdh_curve {CURVE};
  ssl_session_tickets on;
{servers}
}}
"""

    def _server(self, protocol, tls):
        return (f"  server {{ listen 127.0.0.1:{self.port(protocol, tls)}{' ssl' if tls else ''} backlog=4096; "
                f"protocol {protocol}; proxy on; }}")
