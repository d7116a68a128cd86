"""Processes of Renfort on real services, and the invariants that must hold after any fault."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import STDOUT, Popen
from uuid import UUID

import asyncpg

from dispatch.clock import Clock
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.operations import rebuilding
from dispatch.services.people import volunteers
from dispatch.services.replies import receiving
from dispatch.services.subscriptions import READERS
from dispatch.storage.pool import UNREACHABLE, open_pool
from schemas.reports import ReportBody
from schemas.volunteers import VolunteerBody
from tests.domain.builders import CALLED, PLACE
from tests.support.scene import Scene, a_volunteer
from tests.support.site import until

SOURCE = "control-room"
ROLES = ("relay", "reports", "incidents", "replies")
LISTENERS = ("reports", "incidents", "overlaps", "replies")
PEOPLE = 240
REPORT_EVERY_S = 0.1
MOST_LACKING = 10
DOWN = (*UNREACHABLE, asyncpg.InterfaceError, asyncpg.InternalClientError)

MEMBERS = "SELECT volunteer_id FROM memberships ORDER BY volunteer_id"
UNPROCESSED = """
    SELECT (SELECT count(*) FROM outbox) + count(*)
    FROM journal JOIN unnest($1::text[], $2::text[]) AS reader (topic, consumer) USING (topic)
    WHERE NOT EXISTS (
        SELECT FROM inbox WHERE inbox.consumer = reader.consumer AND inbox.event_id = journal.event_id)
"""
UNANSWERED = """
    SELECT id FROM offers
    WHERE status = 'extended' AND NOT EXISTS (SELECT FROM replies WHERE replies.offer_id = offers.id)
"""
LACKING = """
    SELECT count(*) FROM unnest($1::uuid[]) AS report (id) LEFT JOIN incidents ON report_id = report.id
    WHERE covered_at IS NULL
"""
NOT_OPENED_ONCE = """
    SELECT id FROM unnest($1::uuid[]) AS report (id)
    WHERE (SELECT count(*) FROM incidents WHERE report_id = report.id) <> 1
"""
# Who got nothing is asked again, which is no repetition.
PUBLISHED_TWICE = """
    SELECT type, said->>'incident_id', said->>'volunteer_id', count(*)
    FROM (SELECT type, convert_from(body, 'UTF8')::jsonb AS said FROM journal
          WHERE type IN ('offer.extended.v2', 'offer.accepted.v1', 'assignment.assigned.v1')) AS told
    WHERE NOT EXISTS (SELECT FROM offers o WHERE o.id = (said->>'offer_id')::uuid AND o.missed IS NOT NULL)
    GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
TWO_IN_ONE_PLACE = """
    SELECT 'seat', incident_id, seat::text FROM assignments WHERE status <> 'released'
    GROUP BY incident_id, seat HAVING count(*) > 1
    UNION ALL
    SELECT 'offer', volunteer_id, lane FROM offers WHERE status = 'extended'
    GROUP BY volunteer_id, lane HAVING count(*) > 1
"""
UNFILLED = "SELECT incident_id FROM seats WHERE NOT reserve AND assignment_id IS NULL"
UNWORKED = "SELECT id FROM replies WHERE processed_at IS NULL"


Enrol = Callable[[Scene, Sequence[VolunteerBody]], Awaitable[object]]


async def enrol_here(scene: Scene, bodies: Sequence[VolunteerBody]) -> None:
    """Put volunteers on the roster in this process."""
    await volunteers.register_all(scene.uow, scene.organisation, bodies)


class Worker:
    """One process of Renfort, which logs to a file."""

    def __init__(self, roles: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.roles = roles
        leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        command = [*leash, str(Path(sys.executable).with_name("dispatch")), "run", *roles]
        with log.open("wb") as output:
            self._process = Popen(command, env=os.environ | environment, stdout=output, stderr=STDOUT)

    @property
    def runs(self) -> bool:
        """Return whether the process exists, frozen or not."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash does (SIGKILL)."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Freeze it; its connections stay open (SIGSTOP)."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Stop it in order."""
        self.thaw()
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 30)


class Station:
    """An organisation with volunteers nearby, and the processes of its installation."""

    def __init__(self, scene: Scene, environment: dict[str, str], folder: Path) -> None:
        self.scene = scene
        self.uow = scene.uow
        self.pool = scene.uow.pool
        self.accepted: list[UUID] = []
        self.workers: list[Worker] = []
        self._environment = environment
        self.dsn = environment["DISPATCH_POSTGRES"]
        self._folder = folder

    @classmethod
    @asynccontextmanager
    async def open(
        cls, dsn: str, bootstrap: str, folder: Path, enrol: Enrol = enrol_here, /, **settings: str
    ) -> AsyncIterator["Station"]:
        """Create the organisation and its roster; processes run from `work` until the block ends."""
        pool = await open_pool(dsn, application="tests")
        scene = await Scene.open(UnitOfWork(pool, Clock()), people=0)
        home = PLACE.model_dump()
        await enrol(scene, [a_volunteer(number, position=home) for number in range(PEOPLE)])
        scene.people = [row["volunteer_id"] for row in await pool.fetch(MEMBERS)]
        services = {"DISPATCH_KAFKA": bootstrap, "DISPATCH_POSTGRES": dsn, "DISPATCH_DATA": str(folder)}
        station = cls(scene, services | settings, folder)
        try:
            yield station
        finally:
            await asyncio.gather(*(worker.stop() for worker in station.workers if worker.runs))
            pool.terminate()

    def work(self, *roles: str, **settings: str) -> Worker:
        """Start a process of some roles."""
        log = self._folder / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker(roles, self._environment | settings, log))
        return self.workers[-1]

    def logs(self) -> bytes:
        """Return the logs of all processes."""
        return b"".join(log.read_bytes() for log in sorted(self._folder.glob("worker-*.log")))

    async def report(self, source_id: str) -> UUID:
        """Submit a report that may call people, as the API does; return its id."""
        body = ReportBody(
            id=source_id, kind="medical.cardiac_arrest", severity="life_threatening", position=PLACE,
            occurred_at=self.uow.clock.now(), professional=CALLED,
        )  # fmt: skip
        kept = await submitting.accept(
            self.uow, organisation=self.scene.organisation, source=SOURCE, channel="http", body=body
        )
        if kept.report_id not in self.accepted:
            self.accepted.append(kept.report_id)
        return kept.report_id

    async def answer(self) -> int:
        """Accept every unanswered offer; return their number."""
        offers = await self.pool.fetch(UNANSWERED)
        for offer in offers:
            await self.accept_offer(offer["id"])
        return len(offers)

    async def accept_offer(self, offer: UUID) -> None:
        """Accept an offer as its volunteer."""
        now = self.uow.clock.now()
        await receiving.receive(self.uow, offer_id=offer, answer="accepted", channel="page", received_at=now)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Submit reports and accept offers continuously; repeat what fails."""
        going = asyncio.create_task(self._generate_load())
        try:
            yield
        finally:
            going.cancel()
            await asyncio.wait({going})

    async def _generate_load(self) -> None:
        while True:
            try:
                if await self.pool.fetchval(LACKING, self.accepted) < MOST_LACKING:
                    await self.report(f"call {len(self.accepted)}")
                await self.answer()
            except DOWN:
                pass
            await asyncio.sleep(REPORT_EVERY_S)

    async def complete(self, *consumers: str) -> None:
        """Accept offers until every seat is filled and nothing waits to be published, consumed or answered."""

        async def quiet() -> bool:
            waiting = await self.answer() or await self.unprocessed(*consumers)
            return not waiting and not await self.pool.fetch(UNFILLED)

        await until(quiet, 120)

    async def unprocessed(self, *consumers: str) -> int:
        """Count the events that wait to be published, or to be consumed by these consumers."""
        topics = [topic for topic, reader in READERS if reader in consumers]
        readers = [reader for _, reader in READERS if reader in consumers]
        return int(await self.pool.fetchval(UNPROCESSED, topics, readers))

    async def is_sound(self) -> None:
        """Check one incident per report, one effect per answer, no duplicates, and agreement with the journal."""
        assert await self.pool.fetch(NOT_OPENED_ONCE, self.accepted) == []
        assert await self.pool.fetch(UNWORKED) == []
        assert await self.pool.fetch(PUBLISHED_TWICE) == []
        assert await self.pool.fetch(TWO_IN_ONE_PLACE) == []
        assert await rebuilding.compare(self.uow) == []
