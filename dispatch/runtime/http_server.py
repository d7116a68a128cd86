"""The HTTP server of one process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

STOP_S = 2
HEAD_S = 10.0
"""How long the request line with headers may take to arrive, from the start of the connection or of the request."""
LINGER_S = 2.0
"""How long what a client still sends is discarded after the response, which a closed connection might lose."""
STALL_S, STALL_BYTES = 4.0, 16 * 1024
"""A client that reads less in so many seconds, while more than that waits for it, is disconnected.

Until it has read, the route that responds stands still, and a stream does not check its key again.
"""
LATE_HEAD = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
MAX_HEAD_BYTES = 16 * 1024
"""The longest request line with headers, the limit that uvicorn's other parser has by itself."""


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process stops its parts in its own order."""

    def __init__(self, app: FastAPI, host: str, port: int, proxies: str = "") -> None:
        """Take the app and the address; nothing listens yet.

        Of requests from `proxies` (addresses and networks, by commas) the client is who their X-Forwarded-For names.
        """
        config = uvicorn.Config(
            app, host=host, port=port, http=BoundedProtocol, ws="none", access_log=False, log_config=None,
            timeout_graceful_shutdown=STOP_S, server_header=False,
            proxy_headers=bool(proxies), forwarded_allow_ips=proxies,
        )  # fmt: skip
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, which by itself waits for headers for ever, and buffers them at any length."""

    _unparsed = 0
    """Bytes received since the headers of a request ended, a part of its body arrived, or the request ended."""
    _head_timer: asyncio.TimerHandle | None = None
    """Runs while the headers of a request are awaited."""
    _stall_timer: asyncio.TimerHandle | None = None
    """Runs while the client reads more slowly than the route writes."""
    _lingers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first request."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing any more."""
        self._stop_head_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Let the route wait until the client has read, and the client not let it wait for ever."""
        super().pause_writing()
        self._start_stall_timer()

    def resume_writing(self) -> None:
        """Let the route go on."""
        self._stop_stall_timer()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse data; respond 400 and close the connection where headers or trailers are too long."""
        if self._lingers:
            return
        if self._head_timer is None and self.cycle.response_complete:
            self._start_head_timer()
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")

    def on_headers_complete(self) -> None:
        """Count from here; close the connection of this request without losing the response to it."""
        self._unparsed = 0
        self._stop_head_timer()
        super().on_headers_complete()
        self.cycle.transport = LingeringTransport(self, self.cycle)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """Count from here."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count from here."""
        self._unparsed = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Await the next request, unless the connection lingers."""
        if not self._lingers:
            super().on_response_complete()

    def linger(self) -> None:
        """Close the connection after a moment, in which what arrives is discarded."""
        self._lingers = True
        self.flow.resume_reading()
        with suppress(OSError):
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._refuse_late_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_stall_timer(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(STALL_S, self._drop_if_stalled, unsent)

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _drop_if_stalled(self, unsent: int) -> None:
        if unsent - self.transport.get_write_buffer_size() < STALL_BYTES:
            self.transport.abort()
        else:
            self._start_stall_timer()

    def _refuse_late_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(LATE_HEAD)
            self.transport.close()


@dataclass(slots=True)
class LingeringTransport:
    """The transport of one response, as uvicorn uses it."""

    protocol: BoundedProtocol
    cycle: RequestResponseCycle

    def write(self, data: bytes) -> None:
        """Send a part of the response."""
        self.protocol.transport.write(data)

    def is_closing(self) -> bool:
        """Return whether the connection is being closed."""
        return self.protocol.transport.is_closing()

    def close(self) -> None:
        """Close the connection, after a moment where the client still sends a body that nobody reads."""
        if self.cycle.more_body and not self.is_closing():
            self.protocol.linger()
        else:
            self.protocol.transport.close()
