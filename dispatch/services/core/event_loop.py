"""The event loop's time, and bounded waits for its events: durations only, never the time of what happened."""

import asyncio
from contextlib import suppress


def seconds() -> float:
    """Return the monotonic time of the running loop, in seconds."""
    return asyncio.get_running_loop().time()


async def wait_for(event: asyncio.Event, at_most_s: float) -> bool:
    """Wait for an event, at most some seconds; return whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(at_most_s):
            await event.wait()
    return event.is_set()
