"""The real nginx as a mail proxy, to compare with what it asks an auth_http daemon."""

import os
import shutil

from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.program import Program

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
MODULE = "/usr/lib/nginx/modules/ngx_mail_module.so"


def there():
    return NGINX is not None and os.path.exists(MODULE)


class Nginx:
    """Doors: imap, imaps, pop3, pop3s on 127.0.0.1."""

    host = "127.0.0.1"

    def __init__(self, folder, auth_url, certificates, more=""):
        self.ca = certificates.ca
        self.imap, self.imaps, self.pop3, self.pop3s = free_ports(4)
        path = os.path.join(folder, "nginx.conf")
        certificate, key = certificates.server
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""
load_module {MODULE};
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;
events {{}}
mail {{
  auth_http {auth_url.removeprefix("http://")};
  {more}
  ssl_protocols TLSv1.2 TLSv1.3; imap_auth plain login; pop3_auth plain; proxy_pass_error_message on;
  ssl_certificate {certificate}; ssl_certificate_key {key};
  server {{ listen 127.0.0.1:{self.imap}; protocol imap; }}
  server {{ listen 127.0.0.1:{self.imaps} ssl; protocol imap; }}
  server {{ listen 127.0.0.1:{self.pop3}; protocol pop3; }}
  server {{ listen 127.0.0.1:{self.pop3s} ssl; protocol pop3; }}
}}
""")
        self.program = Program([NGINX, "-p", folder, "-c", path, "-e", os.path.join(folder, "start.log")],
                               os.path.join(folder, "log"))

    def stop(self):
        self.program.stop()
