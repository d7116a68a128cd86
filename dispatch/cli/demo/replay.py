"""The replay: each call is reported over HTTP at its time, as a control room would."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import aiohttp

from dispatch.cli.demo.emergency_calls import Call
from dispatch.cli.demo.installation import DemoInstallation
from dispatch.cli.demo.pacing import NEVER, Pace
from dispatch.cli.demo.showing import Screen
from dispatch.runtime import embedded_services
from dispatch.services.operations.demo_backlog import BacklogReader
from dispatch.services.subscriptions import READERS

LONGEST_NIGHT = timedelta(hours=24)
"""The demo ends so long after the last call even where incidents are still open."""
ACCEPTED = 202
RETRY_S = 0.5


async def replay(site: DemoInstallation, screen: Screen, chosen: Sequence[Call], speed: float) -> set[str]:
    """Report the calls and move the clock until all work is done; return the ids of the accepted reports."""
    accepted: set[str] = set()
    for call in chosen:
        site.tasks.start(_report(site, call, accepted))
    backlogs, wake = BacklogReader(site.node.pool, READERS), site.node.uow.wake
    pace = Pace(site.clock, site.tasks, backlogs.read, wake, speed)
    aside = [
        asyncio.create_task(embedded_services.supervise(site.services, site.node.kafka, asyncio.Event())),
        asyncio.create_task(screen.run()),
    ]
    try:
        await pace.run(chosen[-1].received_at + LONGEST_NIGHT)
    finally:
        for task in aside:
            task.cancel()
        await asyncio.gather(*aside, return_exceptions=True)
    await screen.tell()
    if pace.given_up > NEVER:
        screen.warn(
            f"Some work of {pace.given_up:%H:%M:%S} UTC was not done: the clock no longer waited for it."
        )
    return accepted


async def _report(site: DemoInstallation, call: Call, accepted: set[str]) -> None:
    """Report one call at its time; add the id of the accepted report."""
    await site.tasks.sleep(max(0.0, (call.received_at - site.clock.now()).total_seconds()))
    body = {
        "id": call.id,
        "kind": call.kind,
        "severity": call.severity,
        "position": {"lat": call.lat, "lon": call.lon},
        "occurred_at": call.received_at.isoformat(),
        "professional": {"requested": True, "reference": reference_of(call)},
    }
    headers = {"Authorization": f"Bearer {site.reporter_key}"}
    while True:
        # The same id is the same report, so a control room may repeat it until it is accepted.
        with suppress(aiohttp.ClientError, TimeoutError):
            async with site.http.post("/v1/reports", json=body, headers=headers) as response:
                if response.status == ACCEPTED:
                    accepted.add(str((await response.json())["report_id"]))
                    return
        await asyncio.sleep(RETRY_S)


def reference_of(call: Call) -> str:
    """Return the professionals' reference of a call: its id, in the characters that a reference may have."""
    return f"call {re.sub(r'[^A-Za-z0-9 ./:_-]', '-', call.id)[:90]}"
