"""A TCP proxy that can close, delay or block its connections."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress

HOST = "127.0.0.1"
CHUNK = 65_536


class Proxy:
    """A port in front of target ports; each connection goes to the next target that answers."""

    def __init__(self, port: int, targets: Sequence[int]) -> None:
        self.port = port
        self.delay_s = 0.0
        self._targets = list(targets)
        self._turn = 0
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[StreamWriter] = set()

    async def start(self) -> None:
        """Start to listen."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)

    async def stop(self) -> None:
        """Close all connections and stop listening."""
        self.cut()
        self._server.close()

    def cut(self) -> None:
        """Close every connection, and each new one at once, until healed."""
        self._is_cut = True
        self._end(*self._writers)

    def blackhole(self) -> None:
        """Keep connections open and pass nothing in either direction until healed, as when packets are lost."""
        self._flows.clear()

    def slow(self, seconds: float) -> None:
        """Delay each chunk by so many seconds until healed."""
        self.delay_s = seconds

    def heal(self) -> None:
        """Pass everything again."""
        self._is_cut, self.delay_s = False, 0.0
        self._flows.set()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writers.add(writer)
        there = None if self._is_cut else await self._connect()
        try:
            # If the proxy was cut while it connected, no data may flow.
            if there is not None and not self._is_cut:
                # If one end is reset the other is closed too, or it would wait for an answer for ever.
                with suppress(OSError):
                    await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._end(writer, *(there or ())[1:])

    def _end(self, *writers: StreamWriter) -> None:
        self._writers.difference_update(writers)
        for writer in writers:
            writer.transport.abort()

    async def _connect(self) -> tuple[StreamReader, StreamWriter] | None:
        for _ in self._targets:
            self._turn += 1
            with suppress(OSError):
                there = await asyncio.open_connection(HOST, self._targets[self._turn % len(self._targets)])
                self._writers.add(there[1])
                return there
        return None

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await asyncio.sleep(self.delay_s)
            await self._flows.wait()
            if writer.is_closing():
                return
            writer.write(data)
            await writer.drain()
        if not writer.is_closing():
            writer.write_eof()
