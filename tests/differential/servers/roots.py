"""Servers that cannot be installed beside each other: each is unpacked, not installed, into a folder of the cache.

Debian's Cyrus, Courier and Dovecot exclude one another, and Dovecot 2.4 needs a newer Debian's libraries. mmdebstrap
fetches a package with all that it depends on, checks Debian's signatures, and unpacks it; no maintainer script runs, and
nothing is started. A private copy (hard links) of such a root is what one server runs in, by chroot.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile

from tests.e2e.harness import run

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_LINKS = 'for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl", "usr/share/i18n", "usr/lib/locale",
           "usr/share/info", "var/lib/apt", "var/cache", "usr/lib/systemd")


class Unavailable(Exception):
    """A server that this machine cannot run, and why. Not a failure of Postigo's."""


def cache():
    """The folder of what is built once (as deploy/cmake/BoringSSL.cmake has it)."""
    base = os.environ.get("POSTIGO_CACHE")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "postigo")
    os.makedirs(base, exist_ok=True)
    return base


def _mirrors(suite):
    """The machine's own mirrors as lines for apt; for a suite that is not the machine's, its main mirror."""
    listed = run("apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI) $(COMPONENT)",
                 "Created-By: Packages").stdout
    found = [line.split() for line in listed.splitlines() if line.startswith("Debian ") and line.endswith(" main")]
    own = [(release, uri) for _, release, uri, _ in found if re.fullmatch(rf"{suite}(-updates|-security)?", release)]
    if not own:
        plain = [uri for _, release, uri, _ in found if re.fullmatch(r"[a-z]+", release)]
        own = [(suite, plain[0])] if plain else []
    if not own:
        raise Unavailable("apt knows no Debian mirror")
    return [f"deb [signed-by={_KEYRING}] {uri} {release} main" for release, uri in own]


def _make(folder, suite, packages, installed):
    new = folder + ".new"
    shutil.rmtree(new, ignore_errors=True)
    how = ["--variant=essential"] if installed else ["--variant=extract", f"--setup-hook={_LINKS}"]
    done = run("mmdebstrap", "--quiet", "--mode=root", *how, "--include=" + ",".join(packages), suite, new,
               *_mirrors(suite), check=False, timeout=900)
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        raise Unavailable("mmdebstrap failed: " + " / ".join((done.stdout + done.stderr).strip().splitlines()[-3:]))
    for unused in () if installed else _UNUSED:
        shutil.rmtree(os.path.join(new, unused), ignore_errors=True)
    os.rename(new, folder)


def root(name, suite, packages, installed=False):
    """The folder with these packages of that Debian, made at the first call on this machine.

    installed: by dpkg, with all that is essential, so that dpkg works in there.
    """
    if os.geteuid() != 0:
        raise Unavailable("needs root, for chroot")
    if shutil.which("mmdebstrap") is None:
        raise Unavailable("mmdebstrap is missing (deploy/packages.sh test installs it)")
    key = hashlib.sha256(repr((suite, packages, installed or _UNUSED)).encode()).hexdigest()[:8]
    folder = os.path.join(cache(), f"root-{name}-{key}")
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            _make(folder, suite, packages, installed)
    return folder


def private_copy(folder):
    """A copy that may be changed file by file: a file must be replaced, never written into. The caller removes it."""
    _sweep()
    copy = tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=cache())
    os.chmod(copy, 0o755)
    run("cp", "-al", folder + "/.", copy)
    return copy


def _sweep():
    """Removes the copies of runs that were killed."""
    for name in os.listdir(cache()):
        found = re.match(r"run-(\d+)-", name)
        if found and not os.path.exists(f"/proc/{found.group(1)}"):
            shutil.rmtree(os.path.join(cache(), name), ignore_errors=True)


def replace(folder, path, text, mode=0o644):
    """Writes a file in a private copy."""
    whole = os.path.join(folder, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    if os.path.lexists(whole):
        os.unlink(whole)
    with open(whole, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(whole, mode)
