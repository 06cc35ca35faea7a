#!/usr/bin/python3
"""An IMAP backend for thousands of sessions: one loop, no state. Prints its port, then serves until it is killed."""

import asyncio
import resource

CAPABILITIES = b"IMAP4rev1 SASL-IR LITERAL+ ID IDLE AUTH=PLAIN"


class Session(asyncio.Protocol):
    """Everything is answered with OK; a line is enough to know what to say."""

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""
        self.over = False
        transport.write(b"* OK [CAPABILITY " + CAPABILITIES + b"] ready\r\n")

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\r\n")
        self.transport.write(b"".join(map(self.answer, lines)))
        if self.over:
            self.transport.close()

    def answer(self, line):
        tag, _, command = line.partition(b" ")
        verb = command.split(b" ")[0].upper()
        if verb == b"CAPABILITY":
            return b"* CAPABILITY " + CAPABILITIES + b"\r\n" + tag + b" OK done\r\n"
        if verb == b"LOGOUT":
            self.over = True
            return b"* BYE bye\r\n" + tag + b" OK out\r\n"
        return tag + b" OK done\r\n"


async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    server = await asyncio.get_running_loop().create_server(Session, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
