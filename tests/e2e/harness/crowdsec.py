"""Debian's CrowdSec, unpacked into the cache and not installed: its scripts would register this machine with a service.

It reads one file and ends ("time machine"); what it decides it tells a local API, which is played here.
"""

import fcntl
import glob
import http.server
import json
import os
import re
import shutil
import threading

from tests.differential.servers.roots import Unavailable, cache
from tests.e2e.harness.dovecot import SOURCE
from tests.e2e.harness.program import run

OURS = os.path.join(SOURCE, "deploy", "crowdsec")
_CONFIG = """
common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: .}}
config_paths: {{config_dir: {etc}/, data_dir: {data}/, simulation_path: {etc}/simulation.yaml, hub_dir: {hub}/,
  index_path: {hub}/.index.json}}
crowdsec_service: {{acquisition_path: {etc}/acquis.yaml, parser_routines: 1}}
db_config: {{log_level: info, type: sqlite, db_path: {data}/crowdsec.db}}
api: {{client: {{credentials_path: {etc}/api.yaml}}}}
prometheus: {{enabled: false}}
"""


def _unpacked():
    """Where the package is, fetched at the first call on this machine."""
    folder = os.path.join(cache(), "crowdsec")
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            new = folder + ".new"
            shutil.rmtree(new, ignore_errors=True)
            os.makedirs(new)
            done = run("apt-get", "-q", "download", "crowdsec", cwd=new, check=False, timeout=300)
            package = glob.glob(os.path.join(new, "crowdsec_*.deb"))
            if done.returncode != 0 or not package:
                raise Unavailable("crowdsec cannot be fetched: " + done.stderr.strip()[-200:])
            run("dpkg-deb", "-x", package[0], new, timeout=300)
            os.unlink(package[0])
            os.rename(new, folder)
    return folder


class _Api(http.server.BaseHTTPRequestHandler):
    """Says yes to everybody."""

    def do_POST(self):  # pylint: disable=invalid-name # http.server's
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        login = self.path.endswith("/login")
        text = json.dumps({"code": 200, "expire": "2099-01-01T00:00:00Z", "token": "x"} if login else ["1"]).encode()
        self.send_response(200 if login else 201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):  # pylint: disable=arguments-differ # into nobody's output
        pass


class Crowdsec:
    """Our parser and scenario, and of the hub what reads syslog and dates."""

    def __init__(self, folder):
        self.package = _unpacked()
        self.folder = folder
        self.etc = os.path.join(folder, "etc")
        hub = os.path.join(self.package, "usr", "share", "crowdsec", "hub")
        for source, stage in ((f"{hub}/parsers/s00-raw/crowdsecurity/syslog-logs.yaml", "parsers/s00-raw"),
                              (f"{OURS}/postigo-logs.yaml", "parsers/s01-parse"),
                              (f"{hub}/parsers/s02-enrich/crowdsecurity/dateparse-enrich.yaml", "parsers/s02-enrich"),
                              (f"{OURS}/postigo-guesses.yaml", "scenarios")):
            os.makedirs(os.path.join(self.etc, stage), exist_ok=True)
            shutil.copy(source, os.path.join(self.etc, stage))
        shutil.copytree(os.path.join(self.package, "etc", "crowdsec", "patterns"), os.path.join(self.etc, "patterns"))
        shutil.copy(os.path.join(self.package, "etc", "crowdsec", "simulation.yaml"), self.etc)
        shutil.copy(os.path.join(OURS, "acquis.yaml"), self.etc)
        os.makedirs(os.path.join(folder, "data"))
        self._write("config.yaml", _CONFIG.format(etc=self.etc, data=os.path.join(folder, "data"), hub=hub))

    def _write(self, name, text):
        with open(os.path.join(self.etc, name), "w", encoding="utf-8") as file:
            file.write(text)

    def banned(self, log, kind="postigo"):
        """The addresses that the scenario finds in this file; kind: a label of its lines, as in an acquisition."""
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Api) as api:
            threading.Thread(target=api.serve_forever, daemon=True).start()
            self._write("api.yaml", f"url: http://127.0.0.1:{api.server_port}/\nlogin: x\npassword: x\n")
            done = run(os.path.join(self.package, "usr", "bin", "crowdsec"), "-c", os.path.join(self.etc, "config.yaml"),
                       "-no-api", "-no-capi", "-type", kind, "-dsn", f"file://{log}", cwd=self.folder, timeout=120)
            api.shutdown()
        said = done.stdout + done.stderr
        if "Acquisition is finished" not in said:
            raise AssertionError(said)
        return sorted(re.findall(r"Ip (\S+) performed 'postigo/postigo-guesses'", said))
