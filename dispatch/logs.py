"""Logs: one JSON line per event on stderr, or coloured ones in a terminal; libraries' logs pass through the same."""

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import structlog
from structlog.typing import EventDict, WrappedLogger

QUIET = ("aiokafka", "faststream", "uvicorn.access", "asyncio")
"""Libraries that repeat what Renfort logs itself, or that would log URLs with tokens in them."""


def configure(level: str) -> None:
    """Set up logging once, at the start of the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _locate_errors,
    ]
    terminal = sys.stderr.isatty()
    if terminal:
        shared.append(escape)
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _libraries(level, shared, last)


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


def where(error: BaseException) -> str:
    """Return the class and the place of an error: its message may repeat personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {_place(frames[-1])}" if frames else type(error).__name__


def _locate_errors(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Replace an exception by its traceback without messages, and cut the event to one line: asyncio adds messages."""
    entry["event"] = str(entry.get("event", "")).partition("\n")[0]
    error = entry.pop("exc_info", None)
    if error is True or isinstance(error, tuple):
        error = (sys.exc_info() if error is True else error)[1]
    if isinstance(error, BaseException):
        entry["exception"] = "\n".join(_tracebacks(error))
    return entry


def escape(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Escape what could control a terminal or turn its writing round: sources choose their names."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in entry.items()}


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _tracebacks(error: BaseException | None) -> Iterator[str]:
    """Yield the traceback of an error and of each of its causes, the innermost frame first, without messages."""
    while error is not None:
        frames = reversed(traceback.extract_tb(error.__traceback__))
        yield " < ".join([type(error).__name__, *(f"{_place(frame)} {frame.name}" for frame in frames)])
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _tracebacks(inner)
        error = error.__cause__ or error.__context__


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno}"
