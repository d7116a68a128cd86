"""Those around the machine: callers who report, volunteers who answer, a supervisor who closes what is covered."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg

from dispatch.services.core.failures import is_transient
from tests.stories.phones import CODE, LINK
from tests.storm.gateway import Text

AGAIN_AFTER_S = 1.0
PATIENCE_S = 8.0
MOST_RUNNING = 16
CLOSE_EVERY_S = 0.5
THINKS_S = (0.2, 1.5)
RUNNING = "SELECT count(*) FROM incidents WHERE ended_at IS NULL"
COVERED = """
    SELECT id FROM incidents
    WHERE covered_at IS NOT NULL AND ended_at IS NULL AND status = 'open'
      AND EXISTS (SELECT FROM assignments WHERE incident_id = incidents.id AND status IN ('en_route', 'on_scene'))
"""


@dataclass
class Report:
    """What a caller said, when first, and what came of it."""

    source_id: str
    first_at: float
    accepted: UUID | None = None


@dataclass
class People:
    """Everybody who speaks to the machine, each until it is taken."""

    http: aiohttp.ClientSession
    pool: asyncpg.Pool
    keys: dict[str, str]
    random: Random
    reports: list[Report] = field(default_factory=list)
    answered: set[UUID] = field(default_factory=set)
    running: int = 0
    failures: list[str] = field(default_factory=list)
    _seen: set[UUID] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def calling(self, each_s: float) -> AsyncIterator[None]:
        """Have somebody report every so many seconds."""
        going = asyncio.create_task(self._call_again(each_s))
        try:
            yield
        finally:
            going.cancel()
            await asyncio.wait({going})

    async def on_text(self, text: Text) -> None:
        """Read a text in a task of its own, as each phone is its own; what came before is not answered again."""
        if text.message_id in self._seen:
            return
        self._seen.add(text.message_id)
        if "Venez-vous" in text.words:
            self._start(self._answer(text))
        elif "Merci, on vous attend" in text.words or "Merci, venez aussi" in text.words:
            self._start(self._go(text))

    async def supervise(self) -> None:
        """Close, for ever, what is covered and on its way."""
        while True:
            try:
                rows = await self.pool.fetch(COVERED, timeout=PATIENCE_S)
                self.running = await self.pool.fetchval(RUNNING, timeout=PATIENCE_S)
            except Exception as error:
                if not is_transient(error):
                    raise
                rows = []
            await asyncio.gather(*(self._close(row["id"]) for row in rows))
            await asyncio.sleep(CLOSE_EVERY_S)

    async def stop(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Tell whether anybody still has something to say."""
        return bool(self._tasks)

    async def _call_again(self, each_s: float) -> None:
        while True:
            unheard = sum(report.accepted is None for report in self.reports)
            if self.running + unheard < MOST_RUNNING:
                self._start(self._report())
            await asyncio.sleep(each_s)

    async def _report(self) -> None:
        report = Report(f"storm-{len(self.reports)}", time.time())
        self.reports.append(report)
        body = {
            "id": report.source_id, "kind": "medical.cardiac_arrest", "severity": "life_threatening",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(report.first_at)),
            "position": {
                "lat": 48.85 + self.random.uniform(-0.01, 0.01), "lon": 2.35 + self.random.uniform(-0.01, 0.01),
            },
            "professional": {"requested": True, "reference": f"15/{report.source_id}"},
        }  # fmt: skip
        status, answer = await self._insist("POST", "/v1/reports", "control-room", json=body)
        assert status == 202, answer
        report.accepted = UUID(answer["report_id"])

    async def _answer(self, text: Text) -> None:
        """Say yes on the page or by text, or no, or nothing at all."""
        link, code = LINK.search(text.words), CODE.search(text.words)
        assert link
        assert code
        manner = self.random.choices(("page", "yes", "no", "silent"), (50, 15, 20, 15))[0]
        await asyncio.sleep(self.random.uniform(*THINKS_S))
        if manner == "page":
            status, _ = await self._insist("POST", link[1], data={"answer": "accepted"})
            if status == 200:
                self.answered.add(text.message_id)
        elif manner in ("yes", "no"):
            words = f"{'OUI' if manner == 'yes' else 'NON'} {code[1]}"
            query = {"id": str(text.message_id), "from": text.to, "text": words, "charset": "UTF-8"}
            query["key"] = self.keys["kannel"]
            await self._insist("GET", "/v1/gateways/kannel/inbound", params=query)

    async def _go(self, text: Text) -> None:
        link = LINK.search(text.words)
        assert link
        for answer in ("en_route", "on_scene"):
            await asyncio.sleep(self.random.uniform(*THINKS_S))
            await self._insist("POST", link[1], data={"answer": answer})

    async def _close(self, incident: UUID) -> None:
        await self._insist("POST", f"/v1/incidents/{incident}/close", "Ada")

    async def _insist(self, method: str, path: str, holder: str = "", **body: Any) -> tuple[int, Any]:  # noqa: ANN401
        """Say it until it is taken, as people and their tools do."""
        headers = {"Authorization": f"Bearer {self.keys[holder]}"} if holder else {}
        while True:
            try:
                async with self.http.request(method, path, headers=headers, **body) as response:
                    if response.status < 500 and response.status != 429:
                        json = response.content_type == "application/json"
                        return response.status, await response.json() if json else None
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(AGAIN_AFTER_S)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self.end)

    def end(self, task: asyncio.Task[None]) -> None:
        """Note why somebody fell silent who should not have."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failures.append(repr(error))
