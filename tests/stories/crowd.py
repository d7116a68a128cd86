"""A crowd that reports and answers by itself, and repeats each request until it is accepted."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from dispatch.services.messaging.gateway import OutboundText
from tests.stories.city import City, north
from tests.stories.phones import CODE, LINK
from tests.stories.waiting import LOOK_EVERY_S

RECOVERY_PATIENCE_S = 180.0
AGAIN_AFTER_S = 0.2


@dataclass
class Crowd:
    """The volunteers: a third accepts, a third declines by text, the others stay silent."""

    city: City
    accepted: set[str] = field(default_factory=set)
    answers: "Counter[str]" = field(default_factory=Counter)
    _said: set[tuple[str, str]] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def on_message(self, message: OutboundText) -> None:
        """React to a message in a task of its own."""
        if "Venez-vous" in message.text:
            self._start(self._answer(message, int(message.to[-4:]) % 3))

    async def report(self, count: int) -> None:
        """Report so many cardiac arrests at once; repeat each report until it is accepted."""
        first = len(self.accepted)
        await asyncio.gather(*(self._report(first + n) for n in range(count)))

    async def quiet(self) -> None:
        """Wait until everybody has answered and all work is done."""
        await self.city.calm(RECOVERY_PATIENCE_S)
        while self._tasks:
            await asyncio.wait(self._tasks, timeout=RECOVERY_PATIENCE_S)
            await self.city.calm(RECOVERY_PATIENCE_S)

    async def until_backlog(self, what: str) -> None:
        """Wait until committed work of this kind waits to be done."""
        while not (await self.city.unfinished_work())[what]:
            await asyncio.sleep(LOOK_EVERY_S)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: OutboundText, manner: int) -> None:
        link, code = LINK.search(message.text), CODE.search(message.text)
        assert link
        assert code
        if manner == 0:
            await self._repeat(link[1], "", data={"answer": "accepted"})
            self.answers["accepted"] += 1
        elif manner == 1:
            form = {"id": str(message.message_id), "from": message.to, "text": f"NON {code[1]}"}
            await self._repeat("/v1/gateways/simulated/inbound", "gateway", data=form)
            # Codes recur, and the same words again in a flood of texts are not kept.
            self.answers["declined"] += (message.to, form["text"]) not in self._said
            self._said.add((message.to, form["text"]))

    async def _report(self, number: int) -> None:
        body = {
            "id": f"arrest-{number}",
            "kind": "medical.cardiac_arrest",
            "severity": "life_threatening",
            "occurred_at": self.city.clock.now().isoformat(),
            "position": north(100 * number).model_dump(),
            "professional": {"requested": True, "reference": f"15/{number}"},
        }
        answer = await self._repeat("/v1/reports", "control-room", json=body)
        self.accepted.add(answer["report_id"])

    async def _repeat(self, path: str, holder: str, **body: Any) -> Any:  # noqa: ANN401 - aiohttp's own, and JSON
        """Repeat a request until it is accepted, as people and their tools do."""
        headers = {"Authorization": f"Bearer {self.city.keys[holder]}"} if holder else {}
        while True:
            try:
                async with self.city.http.post(path, headers=headers, **body) as response:
                    if response.status < 500:
                        assert response.status in (200, 202), await response.text()
                        return await response.json() if response.content_type == "application/json" else None
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(AGAIN_AFTER_S)
