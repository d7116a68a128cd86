"""The HTTP server of one process."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

STOP_S = 2


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process stops its parts in its own order."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """Take the app and the address; nothing listens yet."""
        config = uvicorn.Config(
            app, host=host, port=port, access_log=False, log_config=None,
            timeout_graceful_shutdown=STOP_S, server_header=False,
        )  # fmt: skip
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
