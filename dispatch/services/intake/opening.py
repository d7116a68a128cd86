"""Opening of incidents: whether a report is known, which plan applies, and whether its source may call people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.asking.mustering import KnownPoint
from dispatch.domain.commands import Update
from dispatch.domain.decide import apply
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.opening import Opening, open_incident
from dispatch.domain.places.placing import mended
from dispatch.domain.places.service_area import Area
from dispatch.domain.scheduling import windows
from dispatch.services.access.organisations import area_of
from dispatch.services.incidents import asking
from dispatch.services.intake.report_keys import Key, by_key
from dispatch.services.intake.submitting import WINDOWS_SINCE
from dispatch.services.plans.plan_files import PlanBook
from dispatch.storage import incidents as store
from dispatch.storage import write_generation
from dispatch.storage.journal import read_streams
from dispatch.storage.pool import execute_rows
from dispatch.storage.queries import bound, columns, sql
from schemas.base import SEVERITY_RANK, Mode, MusterPoint, Position, Severity
from schemas.decoding import Received
from schemas.generations import ENDS_SINCE
from schemas.ids import SEPARATOR, TOPIC, report_id
from schemas.plans import SCENE, Plan
from schemas.reports import Professional, ReportReceived, reserved_field

CLOCK_TOLERANCE = timedelta(minutes=5)
"""The time by which a source's clock may be ahead of ours."""

POINTS_SINCE = 2
"""The first generation that reads where people gather; until all do, they go to the scene."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report from the topic, with the id of its row and the source that it is stored under.

    `accepted_at` is when it was committed; one that others published on the topic is accepted when it is read.
    """

    id: UUID
    source: str
    received: Received
    data: ReportReceived
    accepted_at: datetime
    channel: str = "topic"

    @property
    def key(self) -> Key:
        """Return the organisation, the source, and the source's id of the report."""
        return self.received.organisation, self.source, self.data.source_id


class TopicRow(NamedTuple):
    """A report from the topic as a row of `store_topic_reports`."""

    id: UUID
    organisation: UUID
    mode: Mode
    source: str
    source_id: str
    content_hash: bytes


class Owner(NamedTuple):
    """What opening an incident takes from its organisation; without an area it serves everywhere.

    `zone` is null while a process runs that knows no window. `known` are its muster points, where a plan at hand names
    a place other than the scene, and no process runs that knows none.
    """

    area: Area | None
    zone: str | None
    known: tuple[KnownPoint, ...] | None = None


class Intake:
    """Opens and updates incidents for reports, under the response plans of an installation.

    `guarded` is whether access control lets only trusted producers write to the topic.
    """

    def __init__(self, book: PlanBook, *, guarded: bool = False) -> None:
        """Use the response plans of `book` for new incidents."""
        self._book = book
        self._guarded = guarded

    async def open_incidents(
        self, connection: asyncpg.Connection, received: Sequence[Received], now: datetime
    ) -> None:
        """Open an incident for each report that is new, or update the one that it names; extend the offers wanted."""
        owners = await _owners(connection, received)
        read = [self._read(one, now) for one in received]
        reports = _in_order([*await _undelivered(connection, read), *read])
        reports = await _store(connection, reports, now)
        state = {
            row["id"]: row
            for row in await connection.fetch(sql("lock_reports"), sorted(r.id for r in reports))
        }
        owners |= await self._with_points(connection, owners, reports)
        fresh = [_as_stored(r, state.get(r.id)) for r in reports if not _is_done(state.get(r.id))]
        earlier = await _incidents_of_earlier(connection, fresh)
        locked = await store.lock(connection, earlier.values())
        decisions = {name: Decision(incident, now) for name, incident in locked.items()}
        links: dict[Key, UUID] = {}
        for report in fresh:
            if report.key not in links:
                links[report.key] = self._open_one(report, earlier | links, decisions, owners, now)
        received_at = {links[r.key]: r.received.received_at for r in fresh}
        await asking.write_or_defer(connection, list(decisions.values()), now, received_at)
        await execute_rows(connection, "link_reports", sorted({(r.id, links[r.key]) for r in fresh}))

    def _read(self, received: Received, now: datetime) -> Report:
        data = received.data
        if not isinstance(data, ReportReceived):
            msg = "this is not a report"
            raise RefusedError(msg)
        if received.ours and data.report_id is not None:
            return Report(data.report_id, data.source, received, data, received.received_at)
        if reserved := reserved_field(data):
            raise RefusedError(f"{reserved}: this field is reserved for a later release")
        if data.at > now + CLOCK_TOLERANCE:
            data = _in_the_present(data, now)
        data = _without_impossible_window(data, now)
        # Only an API key proves a source: a name straight from the topic gets a name space of its own.
        source = data.source if self._guarded else f"{TOPIC}{SEPARATOR}{data.source}"
        return Report(report_id(received.organisation, source, data.source_id), source, received, data, now)

    async def _with_points(
        self, connection: asyncpg.Connection, owners: Mapping[UUID, Owner], reports: Sequence[Report]
    ) -> dict[UUID, Owner]:
        """Return those owners, with their muster points, that a report's plan asks for."""
        gathering = {
            r.received.organisation for r in reports if self._book.choose(r.data.kind).muster != SCENE
        }
        if not gathering or write_generation.current < POINTS_SINCE:
            return {}
        known: dict[UUID, list[KnownPoint]] = {organisation: [] for organisation in gathering}
        for row in await connection.fetch(sql("known_muster_points"), sorted(gathering)):
            position = Position(lat=row["lat"], lon=row["lon"])
            point = KnownPoint(MusterPoint(name=row["name"], position=position), station=row["station"])
            known[row["organisation"]].append(point)
        return {name: owners[name]._replace(known=tuple(found)) for name, found in known.items()}

    def _open_one(
        self,
        report: Report,
        opened: dict[Key, UUID],
        decisions: dict[UUID, Decision],
        owners: Mapping[UUID, Owner],
        now: datetime,
    ) -> UUID:
        plan = self._book.choose(report.data.kind)
        trusted = self._trusts(plan, report)
        owner = owners[report.received.organisation]
        name = opened.get((report.received.organisation, report.source, report.data.updates or ""))
        if name is not None and name in decisions:
            before = decisions[name].incident.severity
            apply(decisions[name], _update(report, before, owner.area, trusted=trusted))
            return name
        opening = Opening(
            report.id, report.data, report.received.organisation, report.data.mode, trusted,
            report.accepted_at, owner.area, owner.zone, owner.known, ends=write_generation.current >= ENDS_SINCE,
        )  # fmt: skip
        decision = open_incident(opening, plan, now)
        decisions[decision.incident.id] = decision
        return decision.incident.id

    def _trusts(self, plan: Plan, report: Report) -> bool:
        return (report.channel != "topic" or self._guarded) and report.source in plan.trusted_sources


async def _owners(connection: asyncpg.Connection, received: Sequence[Received]) -> dict[UUID, Owner]:
    wanted = sorted({one.organisation for one in received})
    rows = await connection.fetch(sql("organisations_of_reports"), wanted)
    owners = {row["id"]: _owner(row) for row in rows}
    for one in received:
        if one.organisation not in owners:
            msg = f"ce_organisation: {one.organisation} is not known here"
            raise RefusedError(msg)
    return owners


def _owner(row: asyncpg.Record) -> Owner:
    return Owner(area_of(row), row["zone"] if write_generation.current >= WINDOWS_SINCE else None)


def _without_impossible_window(data: ReportReceived, now: datetime) -> ReportReceived:
    """Return a life-threatening report without an impossible window; raises RefusedError for any other with one."""
    if data.window is None:
        return data
    fault = windows.fault(data.window, now)
    if write_generation.current >= WINDOWS_SINCE and fault is None:
        return data
    if fault is not None and data.severity != "life_threatening":
        raise RefusedError(f"window: {fault}")
    return data.model_copy(update={"window": None, "dropped": (*data.dropped, "window")})


def _in_the_present(data: ReportReceived, now: datetime) -> ReportReceived:
    """Return a life-threatening report of the future as one of now; raises RefusedError for any other."""
    if data.severity != "life_threatening":
        msg = f"at: {data.at.isoformat()} lies in the future"
        raise RefusedError(msg)
    return data.model_copy(update={"at": now, "dropped": (*data.dropped, "at")})


def _in_order(reports: Sequence[Report]) -> list[Report]:
    """Sort reports before those that update them: neither partitions nor clocks preserve their order."""
    known = {report.key: report for report in reports}

    def depth(report: Report | None) -> int:
        seen: set[Key] = set()
        while report is not None and report.data.updates and report.key not in seen:
            seen.add(report.key)
            report = known.get((report.received.organisation, report.source, report.data.updates))
        return len(seen)

    return sorted(reports, key=lambda report: (depth(report), report.received.received_at))


async def _undelivered(
    connection: asyncpg.Connection, reports: Sequence[Report], known: frozenset[Key] = frozenset()
) -> list[Report]:
    """Return accepted reports that are not delivered yet, but that delivered ones already update."""
    known |= {report.key for report in reports}
    updates = {(r.received.organisation, r.source, r.data.updates): r for r in reports if r.data.updates}
    rows = await by_key(connection, "unlinked_reports", updates.keys() - known)
    streams = await read_streams(connection, [row["id"] for row in rows.values()])
    found = []
    for key, row in rows.items():
        event, *_ = streams[row["id"]]
        if isinstance(event, ReportReceived):
            received = replace(updates[key].received, data=event, received_at=row["received_at"])
            found.append(Report(row["id"], event.source, received, event, row["received_at"]))
    return [*await _undelivered(connection, found, known), *found] if found else []


async def _store(connection: asyncpg.Connection, reports: list[Report], now: datetime) -> list[Report]:
    """Store the reports that others published; return all, each under the id that it is stored under.

    An earlier release may have derived that otherwise.
    """
    found = {r.id: _topic_row(r) for r in reports if not r.received.ours}
    if not found:
        return reports
    rows = columns(TopicRow, [found[name] for name in sorted(found)])
    await connection.execute(*bound("store_topic_reports", received_at=now, **rows))
    stored = await by_key(connection, "known_reports", {r.key for r in reports if not r.received.ours})
    return [
        replace(r, id=stored[r.key]["id"]) if not r.received.ours and r.key in stored else r for r in reports
    ]


def _topic_row(report: Report) -> TopicRow:
    data = report.data
    # Of the report as it was sent: one that is read again must be the same.
    sent = report.received.data or data
    digest = sha256(sent.model_dump_json().encode()).digest()
    return TopicRow(report.id, report.received.organisation, data.mode, report.source, data.source_id, digest)


def _is_done(row: asyncpg.Record | None) -> bool:
    return row is not None and row["incident_id"] is not None


def _as_stored(report: Report, row: asyncpg.Record | None) -> Report:
    """Return the report with the source and channel of its row; raises RefusedError if it has no row."""
    if row is None or row["organisation"] != report.received.organisation:
        msg = f"report_id: no report {report.id} was accepted here"
        raise RefusedError(msg)
    return replace(report, source=row["source"], channel=row["channel"])


async def _incidents_of_earlier(connection: asyncpg.Connection, reports: Sequence[Report]) -> dict[Key, UUID]:
    wanted = {(r.received.organisation, r.source, r.data.updates) for r in reports if r.data.updates}
    rows = await by_key(connection, "incidents_of_reports", wanted)
    return {key: row["incident_id"] for key, row in rows.items()}


def _update(report: Report, before: Severity, area: Area | None, *, trusted: bool) -> Update:
    """Return the changes of a report; a field that it omits arrives as a default and must change nothing."""
    data = report.data
    worse = SEVERITY_RANK[data.severity] < SEVERITY_RANK[before]
    professional = None if data.professional == Professional() else data.professional
    position, mistake = mended(data.position, area)
    severity = data.severity if worse else None
    return Update(
        report.id, severity, position, data.hazards, professional, trusted, data.dropped, mistake, data.window
    )
