"""A gateway of the test's own: it speaks Kannel's protocol over HTTP, and may be slow, refuse, lie or fall silent."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, Literal
from uuid import UUID, uuid4

import aiohttp
from aiohttp import web

Manner = Literal["well", "slow", "refusing", "lying", "half-open"]
MESSAGE = re.compile(r"message=([0-9a-f-]{36})")
SUBMITTED, DELIVERED, FAILED = 8, 1, 2
SLOW_S = 4.0
# As Kannel does: with patience, few at a time, so that a busy machine is not buried in what it could not take.
AGAIN_AFTER_S = 2.0
PATIENCE_S = 10.0
AT_ONCE = 8
NETWORK_S = 0.05


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it reached a phone."""

    message_id: UUID
    to: str
    words: str
    at: float


class Gateway:
    """All phones of the world, and what stands before them; `on_text` is told each text that reaches a phone."""

    def __init__(self, port: int, seed: int) -> None:
        self.manner: Manner = "well"
        self.texts: list[Text] = []
        self.on_text: Callable[[Text], Awaitable[None]] | None = None
        self._port = port
        self._random = Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/cgi-bin/sendsms", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_S),
            connector=aiohttp.TCPConnector(limit=AT_ONCE),
        )

    async def stop(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await self._http.close()
        await self._runner.cleanup()

    def repeats(self, since: int = 0) -> Counter[str]:
        """Count, by phone, the texts that came again among those after the first so many."""
        first: set[UUID] = {text.message_id for text in self.texts[:since]}
        again: Counter[str] = Counter()
        for text in self.texts[since:]:
            again[text.to] += text.message_id in first
            first.add(text.message_id)
        return +again

    async def _take(self, request: web.Request) -> web.Response:
        if self.manner == "refusing":
            return web.Response(status=503, text="Temporal failure, try again later.")
        if self.manner == "slow":
            await asyncio.sleep(SLOW_S)
        found = MESSAGE.search(request.query["dlr-url"])
        assert found, "each text comes with an address for its receipts"
        text = Text(UUID(found[1]), request.query["to"], request.query["text"], time.time())
        self._start(self._lie(text, request) if self.manner == "lying" else self._carry(text, request))
        if self.manner == "half-open":
            await asyncio.sleep(3600)
        return web.Response(status=202, text="0: Accepted for delivery")

    async def _carry(self, text: Text, request: web.Request) -> None:
        """Bring a text to its phone, and report it."""
        await self._arrive(text)
        await self._report(request, DELIVERED)

    async def _lie(self, text: Text, request: web.Request) -> None:
        """Lose the text that was taken, or report what is not so, or twice, or about what nobody sent."""
        lie = self._random.choice(("lost", "lost and delivered", "twice", "failed and delivered", "stranger"))
        if not lie.startswith("lost"):
            await self._arrive(text)
        reports = {
            "lost": (), "lost and delivered": (DELIVERED,), "twice": (DELIVERED, SUBMITTED, DELIVERED),
            "failed and delivered": (FAILED, DELIVERED), "stranger": (DELIVERED,),
        }[lie]  # fmt: skip
        for status in reports:
            await self._report(request, status, str(uuid4()) if lie == "stranger" else "")

    async def _arrive(self, text: Text) -> None:
        await asyncio.sleep(NETWORK_S)
        self.texts.append(text)
        if self.on_text is not None:
            await self.on_text(text)

    async def _report(self, request: web.Request, status: int, message: str = "") -> None:
        """Call the address for receipts until it is taken."""
        url = request.query["dlr-url"].replace("%d", str(status)).replace("%A", "").replace("%%", "%")
        url = MESSAGE.sub(f"message={message}", url) if message else url
        while True:
            try:
                async with self._http.get(url) as answer:
                    if answer.status < 500:
                        assert answer.status == 202, await answer.text()
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(AGAIN_AFTER_S)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
