"""A fake gateway with Kannel's HTTP protocol that can be slow, reject, misreport or not answer."""

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

Behaviour = Literal["normal", "slow", "rejecting", "misreporting", "not answering"]
MESSAGE = re.compile(r"message=([0-9a-f-]{36})")
SUBMITTED, DELIVERED, FAILED = 8, 1, 2
SLOW_S = 4.0
# As Kannel does: few requests at a time and long time-outs, so that retries do not overload a busy machine.
AGAIN_AFTER_S = 2.0
PATIENCE_S = 10.0
AT_ONCE = 8
NETWORK_S = 0.05


@dataclass(frozen=True, slots=True)
class Text:
    """A text that reached a phone."""

    message_id: UUID
    to: str
    words: str
    at: float


class Gateway:
    """A gateway and all phones; `on_text` is called with each text that reaches a phone."""

    def __init__(self, port: int, seed: int) -> None:
        self.behaviour: Behaviour = "normal"
        self.texts: list[Text] = []
        self.on_text: Callable[[Text], Awaitable[None]] | None = None
        self._port = port
        self._random = Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start to listen."""
        app = web.Application()
        app.router.add_get("/cgi-bin/sendsms", self._accept)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_S),
            connector=aiohttp.TCPConnector(limit=AT_ONCE),
        )

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await self._http.close()
        await self._runner.cleanup()

    def repeats(self, since: int = 0) -> Counter[str]:
        """Count repeated texts by phone, among the texts from index `since` on."""
        first: set[UUID] = {text.message_id for text in self.texts[:since]}
        again: Counter[str] = Counter()
        for text in self.texts[since:]:
            again[text.to] += text.message_id in first
            first.add(text.message_id)
        return +again

    async def _accept(self, request: web.Request) -> web.Response:
        if self.behaviour == "rejecting":
            return web.Response(status=503, text="Temporal failure, try again later.")
        if self.behaviour == "slow":
            await asyncio.sleep(SLOW_S)
        found = MESSAGE.search(request.query["dlr-url"])
        assert found, "each text names the address for its receipts"
        text = Text(UUID(found[1]), request.query["to"], request.query["text"], time.time())
        self._start(
            self._misreport(text, request)
            if self.behaviour == "misreporting"
            else self._deliver(text, request)
        )
        if self.behaviour == "not answering":
            await asyncio.sleep(3600)
        return web.Response(status=202, text="0: Accepted for delivery")

    async def _deliver(self, text: Text, request: web.Request) -> None:
        """Deliver a text to its phone and send the receipt."""
        await self._arrive(text)
        await self._report(request, DELIVERED)

    async def _misreport(self, text: Text, request: web.Request) -> None:
        """Lose the accepted text, or send false, repeated or unknown receipts."""
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
        """Call the receipt address until the receipt is accepted."""
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
