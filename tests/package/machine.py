"""A Debian that is booted: systemd as the first process of namespaces of its own, on the network of this machine.

It needs root, and a kernel and a container (if this is one) that let it have its own branch of the cgroups.
"""

import os
import subprocess

from tests.differential.servers.roots import Unavailable
from tests.e2e.harness import Program, run, wait_for
from tests.package.root import PATH

_CGROUPS = "/sys/fs/cgroup"
_BOOT = """
for branch in $BRANCHES; do echo $$ >$branch/cgroup.procs || exit 1; done
exec unshare --fork --pid --kill-child --mount --uts --ipc --cgroup sh -ec '
  mount -t proc proc $ROOT/proc
  mount --bind $ROOT/proc/sys $ROOT/proc/sys
  mount -o remount,ro,bind $ROOT/proc/sys
  mount -t sysfs -o ro sysfs $ROOT/sys
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 $ROOT/sys/fs/cgroup
  else
    mount -t tmpfs tmpfs $ROOT/sys/fs/cgroup
    mkdir $ROOT/sys/fs/cgroup/systemd $ROOT/sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup $ROOT/sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 $ROOT/sys/fs/cgroup/unified
  fi
  mount -t tmpfs -o mode=755 tmpfs $ROOT/run
  exec chroot $ROOT env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=basic.target
'
"""


class Machine:
    """Boots a Root; stop() ends it with all that runs in it."""

    def __init__(self, root, log):
        self.root = root
        top = [_CGROUPS] if os.path.exists(f"{_CGROUPS}/cgroup.controllers") else \
            [f"{_CGROUPS}/systemd", f"{_CGROUPS}/unified"]
        self._branches = [f"{branch}/pgo-{os.getpid()}" for branch in top]
        try:
            for branch in self._branches:
                os.mkdir(branch)
        except OSError as why:
            raise Unavailable(f"no cgroups of our own: {why}") from why
        self.program = Program(["sh", "-c", _BOOT], log, env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROOT": root.path, "BRANCHES": " ".join(self._branches)})
        self._await()

    def _await(self):
        try:
            wait_for(lambda: self.state() == "running" or not self.program.running(), 60, self.program.output)
        except AssertionError as why:
            self.stop()
            raise Unavailable(f"systemd does not come up: {why}") from why
        if not self.program.running():
            said = self.program.output()
            self.stop()
            raise Unavailable(f"systemd does not start: {said}")

    def state(self):
        done = self.inside("systemctl", "is-system-running", check=False)
        return done.stdout.strip() if done else ""

    def inside(self, *command, check=True, **options):
        """Runs a command in the machine; None if it is not there yet."""
        with open(f"/proc/{self.program.pid}/task/{self.program.pid}/children", encoding="ascii") as file:
            first = file.read().split()
        if not first or not self.program.running():
            return None
        return run("nsenter", "--target", first[0], "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd",
                   *command, check=check, env={"PATH": PATH, "LC_ALL": "C"}, **options)

    def stop(self):
        self.program.kill_group()
        self.program.process.wait()
        wait_for(self._swept, 20, "the end of all that ran in the machine")

    def _swept(self):
        """A branch can go when the last process in it has."""
        for branch in self._branches:
            subprocess.run(["find", branch, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False,
                           capture_output=True)
        return not any(map(os.path.exists, self._branches))
