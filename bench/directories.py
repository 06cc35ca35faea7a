#!/usr/bin/env python3
"""Directories: what a look-up costs of our processor time, and whether anybody waits for those that take their time.

    POSTIGO_BIN=build/release/proxy/postigo bench/directories.py [lookups] [logins] [in-flight] [--users 1000000]

    lookups     placements that another program asks for (socketmap, pipelined): how many in a second of our processor
                time, for each driver whose server is installed. What is counted is Postigo's process, not the servers.
    logins      PLAIN with Argon2id, with {PLAIN}, and SCRAM-SHA-256, to a real Dovecot: how many in such a second
    in-flight   9,000 logins (a process has 20,000 descriptors here, and a session may need two) wait for a directory
                that answers in 200 ms; what users of another one wait meanwhile
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tests.e2e.harness import MASTER, MASTER_PASSWORD, Imap, Platform, plain  # noqa: E402
from tests.e2e.harness.ports import free_ports  # noqa: E402
from tests.e2e.test_lookup import Asking  # noqa: E402

ROUNDS, PER_ROUND, WINDOW = 5, 5_000, 64
HASH = "{SSHA}H+R9yrHS2uLDmhnptpLprextnKbzQ25z"
MASTER_AUTH = (f'[auth]\nmechanisms = ["PLAIN", "SCRAM-SHA-256"]\n[auth.backend_login]\nmode = "master_authzid"\nmaster_user = "{MASTER}"\n'
               f'master_password = "{MASTER_PASSWORD}"\n')
OPEN = '[limits]\nauth_failure_delay = "0s"\nlookup_timeout = "30s"\nlogin_timeout = "2m"\nsessions_max = 15000\n' \
       '[penalty]\nexempt = ["127.0.0.0/8"]'


def spent(pid):
    """Seconds of processor time of all its threads."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def name(number):
    return f"user{number}@example.com"


# --- drivers: from a folder and the number of users to a section of the configuration -------------------------------


def static(_platform, users):
    users = min(users, 100_000)
    return "".join(f'[[directory.user]]\nname = "{name(number)}"\nshard = "a"\n' for number in range(users)), users


def passwd_file(platform, users):
    path = os.path.join(platform.scratch(), "passwd")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{name(number)}:{HASH}:1000:1000::/var/vmail/{number}:/bin/false:shard=a\n" for number in range(users))
    return f'path = "{path}"\n', users


def sqlite(platform, users):
    path = os.path.join(platform.scratch(), "users.db")
    door = platform.postigo(start=False, directories=f'[[directory]]\ntype = "sqlite"\npath = "{path}"\n')
    door.tool("user", "import", "-", input="".join(f"{name(number)}:{HASH}:main:a\n" for number in range(users)), timeout=1200)
    return f'path = "{path}"\n', users


def redis(platform, users):
    from tests.e2e.harness.redis import Redis
    server = Redis(platform.scratch("redis"))
    platform.servers.append(server)
    users = min(users, 100_000)
    import socket
    with socket.create_connection((server.host, server.port)) as wire:
        for first in range(0, users, 1000):
            words = [(b"HSET", f"user:{name(number)}".encode(), b"shard", b"a", b"password", HASH.encode())
                     for number in range(first, min(first + 1000, users))]
            wire.sendall(b"".join(b"*6\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in each) for each in words))
            got = 0
            while got < len(words):
                got += wire.recv(65536).count(b"\n")
    return f'servers = ["{server.address}"]\n', users


def ldap(platform, users):
    from tests.e2e.harness.slapd import BASE, READER, READER_PASSWORD, Slapd, person
    users = min(users, 2_000)
    people = [person(f"user{number}", mail=name(number), l="a") for number in range(users)]
    server = Slapd(platform.scratch("ldap"), platform.certificates, people)
    platform.servers.append(server)
    return (f'servers = ["{server.url}"]\nlogin = "{READER}"\npassword = "{READER_PASSWORD}"\nfields = ["l=shard"]\n'
            f'[directory.ldap]\nbase = "{BASE}"\nfilter = "(uid=%n)"\n'), users


def database(kind, rows):
    def made(platform, users):
        from tests.e2e.harness import databases
        users = min(users, 100_000)
        table = "CREATE TABLE mailbox (username varchar(255) PRIMARY KEY, password text, shard varchar(64));"
        table += rows.format(last=users - 1)
        server = getattr(databases, kind)(os.path.join(platform.scratch(), "data"), platform.certificates, table)
        platform.servers.append(server)
        return (f'servers = ["{server.server}"]\nlogin = "postigo"\npassword = "{databases.DATABASE_PASSWORD}"\n[directory.sql]\n'
                'database = "mail"\nquery = "SELECT shard FROM mailbox WHERE username = %u"\n'), users
    return made


def http(platform, users):
    daemon = Daemon(platform, 0)
    platform.servers.append(daemon)
    return f'[directory.http]\ndialect = "json"\nurl = "{daemon.url}"\nconnections_max = 64\n', users


class Daemon:
    """A program that answers anything over HTTP after so many milliseconds, with its connections kept."""

    def __init__(self, platform, delay_ms, verdict="ok"):
        self.port, = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = subprocess.Popen([sys.executable, "-B", __file__, "--daemon", str(self.port), str(delay_ms), verdict],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def stop(self):
        self.process.kill()
        self.process.wait()


async def serve(port, delay_s, verdict):
    body = json.dumps({"verdict": verdict, "shard": "a"}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def talk(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                await reader.readexactly(size)
                if delay_s:
                    await asyncio.sleep(delay_s)
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=16_384, reuse_address=True, reuse_port=True)
    print("listens", flush=True)
    await server.serve_forever()


DRIVERS = {"static": static, "passwd-file": passwd_file, "sqlite": sqlite, "redis": redis, "ldap": ldap,
           "postgresql": database("Postgresql", "INSERT INTO mailbox SELECT 'user' || n || '@example.com', 'x', 'a' "
                                  "FROM generate_series(0, {last}) AS n"),
           "mysql": database("Mariadb", "INSERT INTO mailbox SELECT concat('user', seq, '@example.com'), 'x', 'a' FROM seq_0_to_{last}"),
           "http": http}


def lookups(platform, users, drivers):
    print(f"look-ups in a second of Postigo's processor time; medians of {ROUNDS}, {PER_ROUND:,} in each\n")
    print("| driver | users | a CPU-second | us each | share of static |\n|---|---|---|---|---|")
    best = None
    for kind, make in ((kind, DRIVERS[kind]) for kind in drivers):
        more, count = make(platform, users)
        where = os.path.join(platform.scratch(), "lookup")
        section = f'[[directory]]\nname = "people"\ntype = "{kind}"\n'
        section += "" if kind in ("static", "passwd-file", "sqlite") else 'timeout = "20s"\n'
        section += "" if kind in ("static", "passwd-file", "sqlite", "http") else "threads = 8\n"
        door = platform.postigo(directories=section + more, lookup=f'[lookup]\nsocketmap = "{where}"\n', limits=OPEN)
        asking = Asking(where)
        rates = sorted(once(asking, door, count) for _ in range(ROUNDS))
        rate = statistics.median(rates)
        best = best or rate
        print(f"| {kind} | {count:,} | {rate:,.0f} | {1e6 / rate:.1f} | {rate / best:.2f} |", flush=True)
        door.stop()


def once(asking, door, count):
    numbers = [number * 7919 % count for number in range(PER_ROUND)]
    before = spent(door.program.pid)
    sent = 0
    for heard in range(PER_ROUND):
        while sent < PER_ROUND and sent - heard < WINDOW:
            asking.send(f"users {name(numbers[sent])}")
            sent += 1
        answer = asking.reply()
        if not answer.startswith("OK"):
            raise SystemExit(f"{answer}\n{door.log_text()[-2000:]}")
    return PER_ROUND / (spent(door.program.pid) - before)


def scram(wire, user, password):
    def text(line):
        if not line.startswith(b"+ "):
            raise SystemExit(line)
        return base64.b64decode(line[2:])

    def mac(key, said):
        return hmac.digest(key, said, "sha256")

    bare = f"n={user},r=abcdefgh".encode()
    wire.send(b"s AUTHENTICATE SCRAM-SHA-256 " + base64.b64encode(b"n,," + bare) + b"\r\n")
    first = text(wire.line())
    nonce, salt, rounds = (part[2:] for part in first.split(b",", 2))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    last = b"c=biws,r=" + nonce
    key = mac(salted, b"Client Key")
    proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), bare + b"," + first + b"," + last)))
    wire.send(base64.b64encode(last + b",p=" + base64.b64encode(proof)) + b"\r\n")
    wire.line()
    wire.send(b"\r\n")
    return wire.until("s")[-1][2:]


def logins(platform):
    print("\nlogins in a second of Postigo's processor time, without TLS, to a real Dovecot; medians of 3\n")
    print("| how | stored as | a CPU-second | ms each |\n|---|---|---|---|")
    path = os.path.join(platform.scratch(), "users.db")
    section = f'[[directory]]\ntype = "sqlite"\ncheck_password = true\npath = "{path}"\n'
    door = platform.postigo(start=False, auth=MASTER_AUTH, directories=section, limits=OPEN)
    for user, how in (("t000", ()), ("t001", ("--scram",))):
        door.tool("user", "add", user, "--password-stdin", *how, input="secret\n")
    door.tool("user", "import", "-", input="t002:{PLAIN}secret\n")
    door.start()
    ways = (("PLAIN", "Argon2id", "t000", 60, lambda wire, user: wire.command("AUTHENTICATE PLAIN " + plain(user, "secret"))[-1]),
            ("PLAIN", "SCRAM's keys", "t001", 200, lambda wire, user: wire.command("AUTHENTICATE PLAIN " + plain(user, "secret"))[-1]),
            ("SCRAM-SHA-256", "SCRAM's keys", "t001", 400, lambda wire, user: scram(wire, user, "secret")),
            ("PLAIN", "clear text", "t002", 400, lambda wire, user: wire.command("AUTHENTICATE PLAIN " + plain(user, "secret"))[-1]))
    for how, stored, user, count, way in ways:
        rates = []
        for _ in range(3):
            before = spent(door.program.pid)
            for _ in range(count):
                with Imap.open(door, "off") as wire:
                    answer = way(wire, user)
                    if not answer.startswith(b"OK"):
                        raise SystemExit(answer)
            rates.append(count / (spent(door.program.pid) - before))
        rate = statistics.median(rates)
        print(f"| {how} | {stored} | {rate:,.0f} | {1000 / rate:.2f} |", flush=True)
    door.stop()


async def wait_all(door, count, meanwhile):
    """`count` clients log in at once; returns what they heard, and what `meanwhile` returned."""
    doors = [await asyncio.open_connection("127.0.0.1", door.imap, local_addr=(f"127.3.{number // 250}.{number % 250 + 1}", 0))
             for number in range(count)]
    for reader, _ in doors:
        await reader.readline()
    for number, (_, writer) in enumerate(doors):
        writer.write(f"a LOGIN {name(number)} wrong\r\n".encode())
    others = asyncio.ensure_future(asyncio.to_thread(meanwhile))
    began = time.monotonic()
    said = await asyncio.gather(*(reader.readline() for reader, _ in doors))
    took = time.monotonic() - began
    result = await others
    for _, writer in doors:
        writer.close()
    return said, took, result


def quick_users(door, count):
    """Seconds of logins of a static user who is refused at once: no hash, no backend, no delay."""
    took = []
    for _ in range(count):
        with Imap.open(door, "off") as wire:
            began = time.perf_counter()
            wire.login("quick", "wrong")
            took.append(time.perf_counter() - began)
    return took


def told(took):
    took = sorted(took)
    return f"p50 {took[len(took) // 2] * 1000:.1f} ms, p99 {took[len(took) * 99 // 100] * 1000:.1f} ms"


def in_flight(platform, count):
    daemon = Daemon(platform, 200, "bad_credentials")
    platform.servers.append(daemon)
    section = ('[[directory]]\nname = "few"\ntype = "static"\ncheck_password = true\n[[directory.user]]\nname = "quick"\n'
               f'password = "{{PLAIN}}secret"\n[[directory]]\nname = "people"\ntype = "http"\ncheck_password = true\ntimeout = "30s"\n'
               f'[directory.http]\nurl = "{daemon.url}"\nconnections_max = 1000\n')
    door = platform.postigo(auth=MASTER_AUTH, directories=section, limits=OPEN)
    alone = quick_users(door, 400)
    before = door.memory()
    most = [0]

    def meanwhile():
        took = quick_users(door, 400)
        most[0] = door.memory()
        return took

    said, took, during = asyncio.run(wait_all(door, count, meanwhile))
    refused = sum(b"AUTHENTICATIONFAILED" in each for each in said)
    print(f"\n{count:,} logins at once, a directory that answers in 200 ms: all told in {took:.1f} s, {refused:,} of them \"no\"")
    print(f"another directory's users: alone {told(alone)}; meanwhile {told(during)}")
    print(f"memory: {before >> 20} MiB before, {most[0] >> 20} MiB meanwhile ({(most[0] - before) / count / 1024:.1f} KiB for each login)")
    door.stop()
    return refused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["lookups", "logins", "in-flight"])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--drivers", nargs="+", default=list(DRIVERS), choices=list(DRIVERS))
    parser.add_argument("--in-flight", type=int, default=9_000)
    parser.add_argument("--daemon", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.daemon:
        port, delay_ms, verdict = options.daemon
        return asyncio.run(serve(int(port), int(delay_ms) / 1000, verdict))
    platform = Platform()
    platform.servers = []
    try:
        if "lookups" in options.what:
            lookups(platform, options.users, options.drivers)
        if "logins" in options.what:
            logins(platform)
        if "in-flight" in options.what:
            in_flight(platform, options.in_flight)
    finally:
        for server in platform.servers:
            server.stop()
        platform.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
