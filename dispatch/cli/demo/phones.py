"""The owners of the simulated phones: volunteers, who answer on their page, and supervisors."""

import asyncio
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg
import structlog

from dispatch.cli.demo.behaviour import plan_reply
from dispatch.cli.demo.clocked_tasks import ClockedTasks
from dispatch.cli.demo.story import Story
from dispatch.clock import Clock
from dispatch.services.messaging.gateway import OutboundText
from dispatch.services.operations import demo_figures
from schemas.base import Engagement

LINK = re.compile(r"https?://\S+(/a/[A-Za-z0-9]+)")
ON_SCENE_S = 900.0
RECALL_DELAY_S = 15.0
TAKEOVER_DELAY_S = (40.0, 180.0)
CLOSE_DELAY_S = 1200.0
MAX_CONCURRENT = 32
FIRST_REJECTION, FIRST_SERVER_ERROR, TOO_MANY_REQUESTS = 300, 500, 429
RETRY_S = 0.5

ASSUMPTIONS = [
    "On scene: 15 minutes, then the responder is released (assumption).",
    "Supervisors: take over what they are paged for 40 to 180 s later, and close it after 20 minutes (assumption).",
]

log = structlog.get_logger()


@dataclass(slots=True)
class PhoneOwners:
    """The people with simulated phones; they answer over HTTP, as real people do."""

    pool: asyncpg.Pool
    clock: Clock
    tasks: ClockedTasks
    http: aiohttp.ClientSession
    supervisor_key: str
    rng: Random
    zone: ZoneInfo
    story: Story
    handled: set[UUID] = field(default_factory=set)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT))

    async def on_message(self, message: OutboundText) -> None:
        """React to a message in a task of its own, so that no phone delays the gateway."""
        self.tasks.start(self._react(message))

    async def _react(self, message: OutboundText) -> None:
        about = await demo_figures.message_context(self.pool, message.message_id)
        if about is None:
            return
        link = LINK.search(message.text)
        if about["recipient_kind"] == "duty":
            for told in await demo_figures.told_by(self.pool, message.message_id):
                self.tasks.start(self._supervise(told["incident_id"], told["escalation_id"]))
        elif about["purpose"] == "offer" and link is not None:
            if about["engagement"] == "dispatch":
                self.story.begin(about["incident_id"], about["member_id"], message.text)
            await self._volunteer(link[1], about["distance_m"], about["engagement"])
        elif about["purpose"] in ("held", "aborted") and link is not None:
            await self.tasks.sleep(RECALL_DELAY_S)
            await self._press(link[1], "acknowledged")

    async def _volunteer(self, link: str, distance_m: int, engagement: Engagement) -> None:
        """Answer, turn out, travel and help, at times drawn from published figures."""
        hour = self.clock.now().astimezone(self.zone).hour
        behaviour = plan_reply(self.rng, hour, drives=engagement == "crew")
        if behaviour.answer is None:
            return
        await self.tasks.sleep(behaviour.delay_s)
        await self._press(link, behaviour.answer)
        if behaviour.answer == "declined" or engagement == "notice":
            return
        await self.tasks.sleep(behaviour.turn_out_s)
        await self._press(link, "en_route")
        await self.tasks.sleep(distance_m / behaviour.speed_mps)
        await self._press(link, "on_scene")
        await self.tasks.sleep(ON_SCENE_S)
        await self._press(link, "released")

    async def _press(self, link: str, answer: str) -> None:
        """Press a button of the volunteer's page; a page that has expired is ignored."""
        await self._post(link, data={"answer": answer}, allow_redirects=False)

    async def _supervise(self, incident_id: UUID | None, escalation_id: UUID | None) -> None:
        """Take over an incident of which a page told, and close it after some time.

        What a text only counts, the supervisor finds in `dispatch watch`.
        """
        if incident_id is None:
            if escalation_id is not None:
                await self._act(f"/v1/escalations/{escalation_id}/acknowledge", "seen")
            return
        if incident_id in self.handled:
            return
        self.handled.add(incident_id)
        await self.tasks.sleep(self.rng.uniform(*TAKEOVER_DELAY_S))
        if await self._act(f"/v1/incidents/{incident_id}/takeover", "paged"):
            await self.tasks.sleep(CLOSE_DELAY_S)
            await self._act(f"/v1/incidents/{incident_id}/close", "professionals")
        else:
            # The takeover failed: the next page tries it again.
            self.handled.discard(incident_id)

    async def _act(self, path: str, reason: str) -> bool:
        """Act as the duty supervisor; return whether the act was accepted (the incident may be closed by now)."""
        headers = {"Authorization": f"Bearer {self.supervisor_key}"}
        return await self._post(path, json={"reason": reason}, headers=headers) < FIRST_REJECTION

    async def _post(self, path: str, **request: Any) -> int:  # noqa: ANN401 - aiohttp's own arguments
        """Send a request, again and again while the server cannot handle it; return its status.

        The clock stands still meanwhile, so for the person no time passes.
        """
        while True:
            try:
                async with self.gate, self.http.post(path, **request) as response:
                    if response.status < FIRST_SERVER_ERROR and response.status != TOO_MANY_REQUESTS:
                        return response.status
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("a phone got no response", path=path.split("/")[1], error=type(error).__name__)
            await asyncio.sleep(RETRY_S)
