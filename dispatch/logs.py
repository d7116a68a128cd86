"""Logs: one JSON line per event on stderr, or coloured ones in a terminal; libraries' logs pass through the same."""

import logging
import sys

import structlog

QUIET = ("aiokafka", "faststream", "uvicorn.access", "asyncio")
"""Libraries that repeat what Renfort says better, or that would log addresses with tokens in them."""


def configure(level: str) -> None:
    """Set up logging once, at the start of the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    extra = [] if terminal else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, *extra, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _libraries(level, [*shared, *extra], last)


def _libraries(
    level: str, shared: list[structlog.typing.Processor], last: structlog.typing.Processor
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[strip, last], foreign_pre_chain=shared)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
