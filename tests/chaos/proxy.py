"""What stands between a server and its database: it passes on, cuts off, or swallows what is said.

A network that is lost without a word is not quite this: what the proxy swallows, the machine has
still acknowledged. `network.py` loses a real one.
"""

import asyncio
import contextlib
import threading

PIECE = 1 << 16


class Proxy:
    """Listens on `host`, for connections to the Unix socket `target`. Its loop is a thread's."""

    def __init__(self, target, host="127.0.0.1"):
        self._target = str(target)
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._writers = set()
        self._is_refusing = False
        begun = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(begun,), daemon=True)
        self._thread.start()
        begun.wait()

    def _run(self, begun):
        asyncio.set_event_loop(self._loop)
        self._flows = asyncio.Event()
        self._flows.set()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._accepted, self._host, 0)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        begun.set()
        self._loop.run_forever()

    async def _accepted(self, reader, writer):
        if self._is_refusing:
            writer.transport.abort()
            return
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):  # it is logged as a defect else
            await self._flows.wait()
            await self._join(reader, writer)
        self._writers.discard(writer)
        writer.transport.abort()

    async def _join(self, reader, writer):
        there, back = await asyncio.open_unix_connection(self._target)
        self._writers.add(back)
        ways = [
            self._loop.create_task(self._pass(*way)) for way in ((reader, back), (there, writer))
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._writers.discard(back)
            back.transport.abort()

    async def _pass(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()

    def _do(self, act):
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (act(), done.set()))
        done.wait()

    def cut(self):
        """Reset all connections, and all that are tried from now on."""

        def act():
            self._is_refusing = True
            for writer in tuple(self._writers):
                writer.transport.abort()

        self._do(act)

    def swallow(self):
        """Nothing gets through from now on, and nobody is told."""
        self._do(self._flows.clear)

    def mend(self):
        """All gets through, also what was swallowed."""

        def act():
            self._is_refusing = False
            self._flows.set()

        self._do(act)

    def end(self):
        async def close():
            self._server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.cut()
        asyncio.run_coroutine_threadsafe(close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
