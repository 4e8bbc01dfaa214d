"""A way to a server on the loopback address that can be cut: then nothing passes and nobody is told, as when a cable is pulled.

    proxy.py PORT       listens on a free port, prints it, and leads to PORT

SIGUSR1 cuts the way: what is open stays open, new connections are taken, and nothing gets through. SIGUSR2 mends it: what was open is
gone, and what comes new passes.
"""

import asyncio
import signal
import sys


class Proxy:
    def __init__(self, target):
        self.target = target
        self.passing = asyncio.Event()
        self.passing.set()
        self.writers = set()

    async def serve(self):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.passing.clear)
        loop.add_signal_handler(signal.SIGUSR2, self.mend)
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    def mend(self):
        for writer in list(self.writers):
            writer.transport.abort()
        self.passing.set()

    async def connect(self, reader, writer):
        self.writers.add(writer)
        far = None
        try:
            await self.passing.wait()
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.target)
            self.writers.add(far)
            await asyncio.gather(self.forward(reader, far), self.forward(far_reader, writer))
        except OSError:
            pass  # The server is away, or the connection was cut: the other side sees its connection end.
        finally:
            for end in (writer, far):
                if end is not None:
                    self.writers.discard(end)
                    end.close()

    async def forward(self, reader, writer):
        while data := await reader.read(65536):
            await self.passing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


asyncio.run(Proxy(int(sys.argv[1])).serve())
