"""A36: 400 guesses a second are more than the machine can check, and nobody who knows his password notices."""

import asyncio
import itertools
import multiprocessing
import os
import statistics
import time
import unittest

from tests.e2e.harness import MASTER, MASTER_PASSWORD, Imap, Platform, sanitized, wait_for

OURS = "canary-Guessing-password"
RATE = 400
USERS = ("alice", "bob", "carol", "dave")  # u1 is not guessed at
platform = None


def setUpModule():
    global platform
    if sanitized():
        raise unittest.SkipTest("hashing under a sanitizer leaves no time for anything")
    platform = Platform(dovecots=("a",))
    unittest.addModuleCleanup(platform.stop)


async def guess(port, name, source, told):
    """One connection, one guess; counts what it was told."""
    writer, said = None, "silence"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        await reader.readline()
        writer.write(f"a LOGIN {name} wrong\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), 15)
        said = line.decode().split("[")[-1].split("]")[0] or "closed"
    except (OSError, asyncio.TimeoutError) as error:
        said = type(error).__name__
    finally:
        if writer is not None:
            writer.close()
    told[said] = told.get(said, 0) + 1


async def guesses(port, names, sources, stop, told):
    tasks, names, sources = set(), itertools.cycle(names), itertools.cycle(sources)
    started, number = time.monotonic(), 0
    while not stop.is_set():
        task = asyncio.ensure_future(guess(port, next(names).replace("#", str(number)), next(sources), told))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number += 1
        await asyncio.sleep(max(0, started + number / RATE - time.monotonic()))
    told["seconds"] = time.monotonic() - started
    for task in tasks:
        task.cancel()


def flood(port, names, sources, stop, result):
    told = {}
    asyncio.run(guesses(port, names, sources, stop, told))
    result.put(told)


class Flood:
    """A process that guesses RATE times a second; `told` afterwards: what it heard, and for how long."""

    def __init__(self, door, names, sources=("127.0.0.1",)):
        self.stop, self.result = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=flood, args=(door.imap, names, sources, self.stop, self.result))

    def __enter__(self):
        self.process.start()
        time.sleep(3)  # until whatever can fill has filled
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.told = self.result.get(timeout=30)
        self.process.join()


class Guessing(unittest.TestCase):
    def setUp(self):
        folder = platform.scratch()
        master = os.path.join(folder, "master")
        with open(master, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(MASTER_PASSWORD + "\n")
        self.door = platform.postigo(
            start=False,
            auth=f'[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "{MASTER}"\n'
                 f'master_password_file = "{master}"\n',
            directories='[[directory]]\nname = "people"\ntype = "sqlite"\ncheck_password = true\n'
                        f'path = "{os.path.join(folder, "users.db")}"\n')
        for user in (*USERS, "u1"):
            self.door.tool("user", "add", user, "--password-stdin", input=OURS + "\n")
        self.addCleanup(self.door.stop)
        self.door.start()
        alone = statistics.median(self.seconds("u1") for _ in range(5))
        self.bound = max(1, 15 * alone)  # a second, unless the machine has much else to do

    def seconds(self, user, source=None):
        started = time.perf_counter()
        with Imap.open(self.door, "off", source=source) as wire:
            said = wire.login(user, OURS)[-1]
        self.assertTrue(said.startswith(b"OK"), said)
        return time.perf_counter() - started

    def quick(self, *users, times=25, **options):
        """All logins succeed, each within a second."""
        took = []
        for user in itertools.islice(itertools.cycle(users), times):
            took.append(self.seconds(user, **options))
            time.sleep(0.05)
        self.assertLess(max(took), self.bound, sorted(took))

    def useful(self, flood, before):
        """What the threads can do goes into answers that are told, not into those that nobody waits for."""
        checked = self.door.metrics().sum("postigo_password_checks_total") - before
        told = flood.told.get("AUTHENTICATIONFAILED", 0)
        self.assertGreater(checked, flood.told["seconds"], flood.told)
        self.assertGreater(told, checked / 2, flood.told)
        time.sleep(0.5)
        now = self.door.metrics().sum("postigo_password_checks_total")
        time.sleep(1)
        self.assertLess(self.door.metrics().sum("postigo_password_checks_total") - now, checked)

    def checks(self):
        return self.door.metrics().sum("postigo_password_checks_total")

    def test_a36_guesses_at_names_that_nobody_has(self):
        before = self.checks()
        with Flood(self.door, ["nobody#"]) as flood:
            self.quick(*USERS)
        self.useful(flood, before)

    def test_a36_guesses_at_one_user(self):
        with Flood(self.door, ["alice"]):
            self.quick("bob", "carol", "dave")

    def test_a36_guesses_at_users_who_have_logged_in_before(self):
        for user in USERS:
            self.seconds(user)
        before = self.checks()
        with Flood(self.door, USERS) as flood:
            self.quick(*USERS)
        self.useful(flood, before)

    def test_a36_guesses_at_everybody_from_elsewhere(self):
        """Nobody has logged in yet, and every name is guessed at: what is left is where clients come from."""
        with Flood(self.door, [*USERS, "nobody#"], [f"127.0.{net}.{host}" for net in (7, 8) for host in range(1, 100)]):
            self.quick(*USERS, source="127.0.9.1")

    def test_a36_after_the_guesses_nothing_is_left_of_them(self):
        with Flood(self.door, ["nobody#"]):
            pass
        wait_for(lambda: self.door.metrics().sum("postigo_queue_jobs") == 0, 20, what="an empty queue")
        self.quick(*USERS, times=4)


if __name__ == "__main__":
    unittest.main()
