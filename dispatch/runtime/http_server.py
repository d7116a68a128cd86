"""The HTTP server of one process."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STOP_S = 2
MAX_HEAD_BYTES = 16 * 1024
"""The longest request line with headers, the limit that uvicorn's other parser has by itself."""


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process stops its parts in its own order."""

    def __init__(self, app: FastAPI, host: str, port: int, proxies: str = "") -> None:
        """Take the app and the address; nothing listens yet.

        Of requests from `proxies` (addresses and networks, by commas) the client is who their X-Forwarded-For names.
        """
        config = uvicorn.Config(
            app, host=host, port=port, http=BoundedProtocol, access_log=False, log_config=None,
            timeout_graceful_shutdown=STOP_S, server_header=False,
            proxy_headers=bool(proxies), forwarded_allow_ips=proxies,
        )  # fmt: skip
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, which by itself buffers headers and trailers of any length."""

    _unparsed = 0
    """Bytes received since the headers of a request ended, a part of its body arrived, or the request ended."""

    def data_received(self, data: bytes) -> None:
        """Parse data; respond 400 and close the connection where headers or trailers are too long."""
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")

    def on_headers_complete(self) -> None:
        """Count from here."""
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count from here."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count from here."""
        self._unparsed = 0
        super().on_message_complete()
