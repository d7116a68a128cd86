"""The people who use the system: callers who report, volunteers who answer, a supervisor who closes incidents."""

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

from dispatch.services.core.error_classification import is_transient
from tests.stories.phones import CODE, LINK
from tests.storm.rig.gateway import Text

AGAIN_AFTER_S = 1.0
PATIENCE_S = 8.0
MOST_RUNNING = 16
CLOSE_EVERY_S = 0.5
ANSWER_DELAY_S = (0.2, 1.5)
RUNNING = "SELECT count(*) FROM incidents WHERE ended_at IS NULL"
COVERED = """
    SELECT id FROM incidents
    WHERE covered_at IS NOT NULL AND ended_at IS NULL AND status = 'open'
      AND EXISTS (SELECT FROM assignments WHERE incident_id = incidents.id AND status IN ('en_route', 'on_scene'))
"""


@dataclass
class Report:
    """A report: when it was first sent, and its id once it is accepted."""

    source_id: str
    first_at: float
    accepted: UUID | None = None


@dataclass
class Participants:
    """All people who use the system; each repeats a request until it is accepted."""

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
    async def reporting(self, each_s: float) -> AsyncIterator[None]:
        """Send a report every `each_s` seconds while the block runs."""
        going = asyncio.create_task(self._report_repeatedly(each_s))
        try:
            yield
        finally:
            going.cancel()
            await asyncio.wait({going})

    async def on_text(self, text: Text) -> None:
        """Answer a text in a task of its own; a repeated text is ignored."""
        if text.message_id in self._seen:
            return
        self._seen.add(text.message_id)
        if "Venez-vous" in text.words:
            self._start(self._answer(text))
        elif "Merci, on vous attend" in text.words or "Merci, venez aussi" in text.words:
            self._start(self._attend(text))

    async def supervise(self) -> None:
        """Close covered incidents whose volunteers are on the way, without end."""
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
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def busy(self) -> bool:
        """Return whether any request is still pending."""
        return bool(self._tasks)

    async def _report_repeatedly(self, each_s: float) -> None:
        while True:
            unaccepted = sum(report.accepted is None for report in self.reports)
            if self.running + unaccepted < MOST_RUNNING:
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
        status, answer = await self._request_until_accepted("POST", "/v1/reports", "control-room", json=body)
        assert status == 202, answer
        report.accepted = UUID(answer["report_id"])

    async def _answer(self, text: Text) -> None:
        """Accept on the page or by text, decline, or do not answer."""
        link, code = LINK.search(text.words), CODE.search(text.words)
        assert link
        assert code
        manner = self.random.choices(("page", "yes", "no", "silent"), (50, 15, 20, 15))[0]
        await asyncio.sleep(self.random.uniform(*ANSWER_DELAY_S))
        if manner == "page":
            status, _ = await self._request_until_accepted("POST", link[1], data={"answer": "accepted"})
            if status == 200:
                self.answered.add(text.message_id)
        elif manner in ("yes", "no"):
            words = f"{'OUI' if manner == 'yes' else 'NON'} {code[1]}"
            query = {"id": str(text.message_id), "from": text.to, "text": words, "charset": "UTF-8"}
            query["key"] = self.keys["kannel"]
            await self._request_until_accepted("GET", "/v1/gateways/kannel/inbound", params=query)

    async def _attend(self, text: Text) -> None:
        link = LINK.search(text.words)
        assert link
        for answer in ("en_route", "on_scene"):
            await asyncio.sleep(self.random.uniform(*ANSWER_DELAY_S))
            await self._request_until_accepted("POST", link[1], data={"answer": answer})

    async def _close(self, incident: UUID) -> None:
        await self._request_until_accepted("POST", f"/v1/incidents/{incident}/close", "Ada")

    async def _request_until_accepted(
        self,
        method: str,
        path: str,
        holder: str = "",
        **body: Any,  # noqa: ANN401
    ) -> tuple[int, Any]:
        """Repeat a request until it is accepted or rejected for good, as people and their tools do."""
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
        """Record why a participant failed."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failures.append(repr(error))
