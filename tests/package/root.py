"""A clean Debian 12 with what the package depends on, and the package as cpack makes it from a build folder."""

import ctypes
import os
import re
import shutil
import tempfile

from tests.differential.servers import roots
from tests.e2e.harness import SOURCE, run

BUILD = os.environ.get("POSTIGO_BUILD_DIR", os.path.join(SOURCE, "build", "release"))
PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
TOOLS = ("curl", "logrotate", "openssl")  # beside it, because deploy/README.md names them
_CLONE_NEWNS = 0x00020000
# What dpkg and the tools for accounts write for themselves.
THEIRS = re.compile(r"/etc/(passwd|group|shadow|gshadow)-?|/etc/\.pwd\.lock|/var/lib/dpkg/.*|/var/cache/.*"
                    r"|/var/log/(dpkg|alternatives)\.log")


def missing_tool():
    """The first of the tools that this needs and this machine has not; None if all are there."""
    tools = ("mmdebstrap", "cpack", "dpkg-shlibdeps", "dpkg-deb")
    return next((tool for tool in tools if shutil.which(tool) is None), None)


def make_package(folder):
    """The path of the .deb."""
    run("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", folder, timeout=300)
    made, = (os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".deb"))
    return made


def field(package, name):
    return run("dpkg-deb", "--field", package, name).stdout.strip()


def with_version(package, version):
    """The same package under another version."""
    folder = os.path.dirname(package)
    unpacked, made = os.path.join(folder, "unpacked"), os.path.join(folder, f"postigo-{version}.deb")
    run("dpkg-deb", "--raw-extract", package, unpacked)
    control = os.path.join(unpacked, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        text = re.sub(r"(?m)^Version: .*$", f"Version: {version}", file.read())
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", unpacked, made)
    return made


def own_mounts():
    """What this process mounts from now on is seen by its children only, and gone with it, however it ends."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        raise roots.Unavailable("may not mount here")
    run("mount", "--make-rprivate", "/")


class Root:
    """A private view, made for one package: what is changed in it is in memory. Needs own_mounts(); ended by close()."""

    def __init__(self, package, folder):
        depends = re.findall(r"(?:^|, )([a-z0-9.+-]+)", field(package, "Depends"))
        base = roots.root("package", "bookworm", (*depends, *TOOLS), installed=True)
        self._changes, self.path = (tempfile.mkdtemp(prefix=name, dir=folder) for name in ("changes-", "root-"))
        run("mount", "-t", "tmpfs", "tmpfs", self._changes)
        upper, work = (os.path.join(self._changes, name) for name in ("upper", "work"))
        os.mkdir(upper, 0o755)
        os.mkdir(work)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={upper},workdir={work}", self.path)
        run("mount", "-t", "proc", "proc", self.file("proc"))

    def close(self):
        run("umount", "--recursive", self.path)
        run("umount", self._changes)

    def stub(self, name, script):
        """A stand-in for a program, before all others."""
        self.write(f"usr/local/sbin/{name}", f"#!/bin/sh\n{script}\n", 0o755)

    def write(self, path, text, mode=0o644):
        roots.replace(self.path, path, text, mode)

    def inside(self, *command, **options):
        return run("chroot", self.path, *command, **dict(
            options, env={"PATH": PATH, "LC_ALL": "C"}))

    def dpkg(self, *words):
        done = self.inside("dpkg", *words, timeout=120)
        return done.stdout + done.stderr

    def install(self, deb):
        os.makedirs(self.file("tmp"), exist_ok=True)
        shutil.copy(deb, self.file("tmp/postigo.deb"))
        try:
            return self.dpkg("-i", "/tmp/postigo.deb")
        finally:
            os.remove(self.file("tmp/postigo.deb"))

    def file(self, path):
        return os.path.join(self.path, path.lstrip("/"))

    def read(self, path):
        with open(self.file(path), encoding="utf-8") as file:
            return file.read()

    def asked_of_systemd(self):
        """What systemctl was called with since the last time."""
        if not os.path.exists(self.file("systemctl.log")):
            return []
        lines = self.read("systemctl.log").splitlines()
        os.remove(self.file("systemctl.log"))
        return lines

    def files(self):
        found = set()
        for path, folders, names in os.walk(self.path):
            inside = path[len(self.path):]
            if inside == "/proc":
                folders.clear()
                continue
            found |= {f"{inside}/{name}" for name in [*folders, *names]}
        return {path for path in found if not THEIRS.fullmatch(path)}

    def configure(self, ports, dovecot, certificates):
        """The configuration of the package with these ports, this Dovecot and a certificate; returns it."""
        text = configured(self.read("etc/postigo/postigo.toml"), ports, dovecot)
        self.write("etc/postigo/postigo.toml", text)
        os.makedirs(self.file("etc/postigo/tls"))
        certificate, key = certificates.server
        for name, source in (("ca.pem", certificates.ca), ("mail.pem", certificate), ("mail.key", key)):
            shutil.copy(source, self.file(f"etc/postigo/tls/{name}"))
        self.inside("chgrp", "postigo", "/etc/postigo/tls/mail.key")
        os.chmod(self.file("etc/postigo/tls/mail.key"), 0o640)
        return text


def configured(text, ports, dovecot):
    """The configuration of the package with the ports of this test, the Dovecot of this test, and nothing else."""
    imaps, pop3s, admin = ports
    text = text.replace('["0.0.0.0:993", "[::]:993"]', f'"127.0.0.1:{imaps}"')
    text = text.replace('["0.0.0.0:995", "[::]:995"]', f'"127.0.0.1:{pop3s}"')
    text = text.replace('drain_time = "30s"', 'drain_time = "2s"')
    text = text.replace("127.0.0.1:9090", f"127.0.0.1:{admin}")
    for number in (1, 2):
        text = text.replace(f'host = "mail{number}.internal"\ntls = "starttls"', f"""name = "mail{number}"
host = "127.0.0.1"
imap_port = {dovecot.imap}
pop3_port = {dovecot.pop3}
tls = {{ mode = "starttls", ca_file = "tls/ca.pem", name = "localhost" }}""")
    return text
