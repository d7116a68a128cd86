"""Waiting for a condition, no longer than needed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 20.0
LOOK_EVERY_S = 0.01

T = TypeVar("T")


async def eventually(
    look: Callable[[], Awaitable[T]], what: str, seconds: float = PATIENCE_S, state: object = ""
) -> T:
    """Poll until the result is true; fail with a description and the last state after a time-out."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await look()):
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"never came: {what} {state}") from None
    return found
