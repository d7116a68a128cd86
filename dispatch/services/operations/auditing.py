"""The auditor: finds late work and differences from the journal, and escalates them until they are resolved."""

import asyncio
from collections import Counter
from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import asyncpg
import structlog

from dispatch.domain.errors import RefusedError
from dispatch.domain.supervising.escalation import Cause
from dispatch.services.core.error_classification import is_transient
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import escalations
from dispatch.services.intake.admission import BACKLOG_AFTER, BACKLOG_WINDOW, REOPEN_BELOW
from dispatch.services.operations import candidate_rows
from dispatch.services.operations.candidate_rows import CandidateDifference
from dispatch.services.operations.rebuilding import FIRST, differences
from dispatch.services.publishing.outbox import Readers
from dispatch.storage.pool import describe
from dispatch.storage.queries import sql
from schemas.ids import named

INTERVAL_S = 10.0
AGENDA_LATE = timedelta(seconds=30)
SENDING_LATE = timedelta(seconds=60)
"""How long a message may wait for the broker or for a gateway."""
READING_LATE, READ_SINCE = timedelta(seconds=60), timedelta(days=1)
"""How long an event may wait for its consumer, and how far back unread events are searched."""
MOST_RECHECKED = 1000
"""How many events that were found unread are checked again, however many events came after them."""
SAMPLE = 20
"""How many running incidents, and how many of all incidents, are compared with the journal in each round."""
PEOPLE = 100
"""How many people's candidate rows are compared with their sources in each round: 10,000 in 17 minutes."""
LEVEL = 3
DIFFERS, UNREAD, CANDIDATES = "journal_differs", "reading_late", "candidates_differ"
DETAILS = {
    "agenda_late": "{} agenda entries are overdue: is a process with the role `agenda` running?",
    "outbox_late": "{} events wait to be published: does Kafka answer?",
    "messages_late": "{} messages wait to be sent: do the gateways answer?",
    UNREAD: "{} events are not handled by their consumers: `dispatch doctor` names the consumers",
    "overload": "{} reports wait: more arrive than can be handled, the most severe are handled first",
    DIFFERS: "{} incidents differ from the journal: see `dispatch journal verify`",
    CANDIDATES: "{} candidate rows differed from their sources and were corrected: the log names the columns",
}
"""The escalations' texts by reason."""

log = structlog.get_logger()
Findings = Mapping[tuple[UUID, str], int]


class Auditor:
    """Checks every ten seconds; `last_round` is the time of the last completed round."""

    def __init__(self, uow: UnitOfWork, readers: Readers) -> None:
        """Take the declared readers; nothing is known to differ or to be unread yet."""
        self._uow = uow
        self._readers = readers
        self._differing: dict[UUID, UUID] = {}
        self._unread: dict[tuple[str, UUID], UUID] = {}
        self._corrected: list[CandidateDifference] = []
        self._compared_until = FIRST
        self.last_round: datetime | None = None

    async def run(self) -> None:
        """Run rounds for ever; after a transient error, log it and go on with the next round."""
        while True:
            try:
                await self.round()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("an audit round failed and is repeated", error=describe(error))
            await asyncio.sleep(INTERVAL_S)

    async def round(self) -> None:
        """Run one round: escalate what is wrong, and resolve the escalations of what no longer is."""
        now = self._uow.clock.now()
        found = await self._late(now)
        known = {(DIFFERS, organisation) for organisation in self._differing.values()}
        known |= {(UNREAD, organisation) for organisation in self._unread.values()}
        known |= {(CANDIDATES, row.organisation) for row in self._corrected}
        found.update(await self._compare(now))
        found.update(await self._compare_candidates())
        await self._find_unread(now)
        for organisation in self._unread.values():
            # An event that is not published yet is escalated as such already.
            if (organisation, "outbox_late") not in found:
                found[organisation, UNREAD] += 1
        for (organisation, reason), count in sorted(found.items()):
            await self._escalate(organisation, reason, count)
        await self._resolve(found, known)
        self.last_round = now

    async def _late(self, now: datetime) -> Counter[tuple[UUID, str]]:
        late = (now - AGENDA_LATE, now - SENDING_LATE)
        backlog = (now - BACKLOG_WINDOW, now - BACKLOG_AFTER, REOPEN_BELOW)
        rows = await self._uow.pool.fetch(sql("late_work"), *late, *backlog)
        return Counter({(row["organisation"], row["reason"]): row["waiting"] for row in rows})

    async def _find_unread(self, now: datetime) -> None:
        """Find the recent events that readers lack, and those found in earlier rounds that they still lack."""
        rows = await unread(self._uow.pool, self._readers, now)
        found = {(row["consumer"], row["event_id"]): row["organisation"] for row in rows}
        if earlier := [one for one in self._unread if one not in found][:MOST_RECHECKED]:
            rows = await self._uow.pool.fetch(sql("recheck_unread"), *map(list, zip(*earlier, strict=True)))
            lacked = [(row["consumer"], row["event_id"]) for row in rows]
            found |= {one: self._unread[one] for one in lacked}
        self._unread = found

    async def _compare(self, now: datetime) -> Counter[tuple[UUID, str]]:
        """Compare with the journal a sample of the incidents, and those that differed in the last round."""
        start = named("audit", now.isoformat())
        async with self._uow.pool.acquire() as acquired:
            connection = cast("asyncpg.Connection", acquired)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                rows = await connection.fetch(sql("sample_incidents"), start, SAMPLE)
                sample = {row["id"]: row["organisation"] for row in rows} | self._differing
                differing = await _differing(connection, sample)
        self._differing = {name: sample[name] for name in differing}
        return Counter((organisation, DIFFERS) for organisation in self._differing.values())

    async def _compare_candidates(self) -> Counter[tuple[UUID, str]]:
        """Compare the rows of the next people with their sources, and those of the last round; correct them."""
        async with self._uow.pool.acquire() as acquired:
            connection = cast("asyncpg.Connection", acquired)
            people = await candidate_rows.next_members(connection, self._compared_until, PEOPLE)
            self._compared_until = people[-1] if len(people) == PEOPLE else FIRST
            compared = {*people, *(row.volunteer_id for row in self._corrected)}
            self._corrected = await candidate_rows.differing(connection, sorted(compared))
        if self._corrected:
            log.error("candidate rows differ and are corrected", rows=list(map(str, self._corrected)))
            await self._uow.transact(self._correct)
        return Counter((row.organisation, CANDIDATES) for row in self._corrected)

    async def _correct(self, connection: asyncpg.Connection, _now: datetime) -> None:
        await candidate_rows.refresh(connection, sorted({row.volunteer_id for row in self._corrected}))

    async def _escalate(self, organisation: UUID, reason: str, count: int) -> None:
        cause = Cause(reason, LEVEL, page=True, detail=DETAILS[reason].format(count))
        subject = escalations.system_subject(organisation)

        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            await escalations.escalate(connection, organisation, "system", subject, cause, now)

        await self._uow.transact(inside)

    async def _resolve(self, found: Findings, known: Container[tuple[str, UUID]]) -> None:
        """Resolve the escalations of what is over.

        A difference or an unread event is only known to be over if this process had found it before.
        """
        for row in await self._uow.pool.fetch(sql("open_findings"), sorted(DETAILS)):
            organisation, reason = row["organisation"], row["reason"]
            unseen = reason in (DIFFERS, UNREAD, CANDIDATES) and (reason, organisation) not in known
            if (organisation, reason) in found or unseen:
                continue
            try:
                await escalations.resolve(self._uow, organisation, row["id"], "the auditor")
            except RefusedError:
                log.info("the escalation was resolved by somebody else meanwhile", escalation=str(row["id"]))


async def unread(pool: asyncpg.Pool, readers: Readers, now: datetime) -> list[asyncpg.Record]:
    """Return the recent events that a declared reader should have handled by now, with the reader."""
    topics, consumers = map(list, zip(*readers, strict=True))
    return await pool.fetch(sql("unread_events"), now - READ_SINCE, now - READING_LATE, topics, consumers)


async def _differing(connection: asyncpg.Connection, sample: Mapping[UUID, UUID]) -> list[UUID]:
    """Return the incidents of a sample that differ from the journal."""
    if not await differences(connection, sorted(sample)):
        return []
    found = []
    for name in sorted(sample):
        if rows := await differences(connection, [name]):
            # The values may be personal data; the names of the rows are enough to look them up.
            log.error("rows differ from the journal", rows=[row.partition(":")[0] for row in rows])
            found.append(name)
    return found
