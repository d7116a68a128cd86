"""The owners of the simulated phones: volunteers who answer by the page that the message links to, and supervisors."""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import structlog

from dispatch.cli.demo.behaviour import plan_reply
from dispatch.cli.demo.calls import zone
from dispatch.clock import Clock
from dispatch.services.messaging.gateway import Outgoing
from dispatch.services.operations import demo_figures

LINK = re.compile(r"https?://\S+(/a/[A-Za-z0-9]+)")
ON_SCENE_S = 900.0
READS_RECALL_S = 15.0
TAKES_OVER_S = (40.0, 180.0)
CLOSES_S = 1200.0
MOST_AT_ONCE = 32
REFUSED, BUSY = 300, 500
TRIES, TRY_AGAIN_S = 5, 1.0

ASSUMPTIONS = [
    "On scene: 15 minutes, then the responder is released (assumption).",
    "Supervisors: take over what they are paged for 40 to 180 s later, and close it after 20 minutes (assumption).",
]

log = structlog.get_logger()


@dataclass(slots=True)
class Owners:
    """Everybody who holds a simulated phone; each answer goes through HTTP as a real one would."""

    pool: asyncpg.Pool
    clock: Clock
    http: aiohttp.ClientSession
    supervisor_key: str
    rng: Random
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    handled: set[UUID] = field(default_factory=set)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def on_message(self, message: Outgoing) -> None:
        """Read a message in a task of its own, so that no phone holds up the gateway."""
        self._start(self._read(message))

    async def stop(self) -> None:
        """Hang up."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _read(self, message: Outgoing) -> None:
        about = await demo_figures.message_context(self.pool, message.message_id)
        if about is None:
            return
        link = LINK.search(message.text)
        if about["recipient_kind"] == "duty":
            await self._supervise(about["incident_id"], about["escalation_id"])
        elif about["purpose"] == "offer" and link is not None:
            await self._volunteer(link[1], about["distance_m"], informs=about["kind"].startswith("watch."))
        elif about["purpose"] in ("held", "aborted") and link is not None:
            await self.clock.sleep(READS_RECALL_S)
            await self._press(link[1], "acknowledged")

    async def _volunteer(self, link: str, distance_m: int, *, informs: bool) -> None:
        """Answer, turn out, travel, help, come back: as the published figures have it."""
        one = plan_reply(self.rng, self.clock.now().astimezone(zone()).hour)
        if one.answer is None:
            return
        await self.clock.sleep(one.delay_s)
        await self._press(link, one.answer)
        if one.answer == "declined" or informs:
            return
        await self.clock.sleep(one.turn_out_s)
        await self._press(link, "en_route")
        await self.clock.sleep(distance_m / one.speed_mps)
        await self._press(link, "on_scene")
        await self.clock.sleep(ON_SCENE_S)
        await self._press(link, "released")

    async def _press(self, link: str, answer: str) -> None:
        """Press a button of the volunteer's page; a page that is no longer there has nothing to press."""
        await self._post(link, data={"answer": answer}, allow_redirects=False)

    async def _supervise(self, incident_id: UUID | None, escalation_id: UUID | None) -> None:
        """Take over the incident that one is paged for, and close it when it is done."""
        if incident_id is None:
            if escalation_id is not None:
                await self._act(f"/v1/escalations/{escalation_id}/acknowledge", "seen")
            return
        if incident_id in self.handled:
            return
        self.handled.add(incident_id)
        await self.clock.sleep(self.rng.uniform(*TAKES_OVER_S))
        if await self._act(f"/v1/incidents/{incident_id}/takeover", "paged"):
            await self.clock.sleep(CLOSES_S)
            await self._act(f"/v1/incidents/{incident_id}/close", "professionals")
        else:
            # Not reached this time; the next page tries again.
            self.handled.discard(incident_id)

    async def _act(self, path: str, reason: str) -> bool:
        """Act as the duty supervisor; a refusal (closed meanwhile) is an answer too."""
        headers = {"Authorization": f"Bearer {self.supervisor_key}"}
        return await self._post(path, json={"reason": reason}, headers=headers) < REFUSED

    async def _post(self, path: str, **request: Any) -> int:  # noqa: ANN401 - aiohttp's own arguments
        """Send, and again as people do when a page does not come; return the status of the last answer."""
        status = BUSY
        for _ in range(TRIES):
            try:
                async with self.gate, self.http.post(path, **request) as response:
                    status = response.status
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("a phone got no answer", path=path.split("/")[1], error=type(error).__name__)
            if status < BUSY:
                break
            await asyncio.sleep(TRY_AGAIN_S)
        return status
