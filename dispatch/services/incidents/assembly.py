"""Assembling people for incidents: orders decided, volunteers sought and asked, all in one transaction."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.asking import wants
from dispatch.domain.commands import Command, Consider, Reply
from dispatch.domain.decide import apply
from dispatch.domain.draft import Draft
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.services.core.errors import NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.matching import candidates
from dispatch.storage import incidents as store
from dispatch.storage.queries import sql
from schemas.base import Lane

Orders = Sequence[tuple[UUID, Command]]
Rivals = defaultdict[UUID, list[Draft]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order: the incident after it, or why it was refused."""

    incident: Incident | None
    refused: str | None = None


async def work(connection: asyncpg.Connection, orders: Orders, now: datetime) -> list[Outcome]:
    """Decide orders in their sequence, then ask whom the incidents want after them.

    An incident named twice is loaded once and folds its orders in memory. Outcomes come in the sequence of
    orders.
    """
    locked = await store.lock(connection, (name for name, _ in orders))
    return await carry_out(connection, orders, locked, now)


async def carry_out(
    connection: asyncpg.Connection, orders: Orders, locked: dict[UUID, Incident], now: datetime
) -> list[Outcome]:
    """Decide orders on incidents that are locked already."""
    drafts = {name: Draft(incident, now) for name, incident in locked.items()}
    rivals = _rivals(drafts.values())
    refused = [_decide(drafts.get(name), command, rivals) for name, command in orders]
    # Before the search, so that it sees whom these very orders took and freed.
    await store.write(connection, list(drafts.values()), now, _received(orders))
    wanted = {name: wants(draft.incident) for name, draft in drafts.items()}
    asking = [Draft(drafts[name].incident, now) for name, roles in wanted.items() if roles]
    await _ask(connection, asking, wanted, now)
    await store.write(connection, asking, now)
    after = {draft.incident.id: draft.incident for draft in (*drafts.values(), *asking)}
    return [Outcome(after.get(name), why) for (name, _), why in zip(orders, refused, strict=True)]


def _rivals(drafts: Iterable[Draft]) -> Rivals:
    """Give, by volunteer, the drafts that may bind them: whoever is assigned was asked before."""
    rivals: Rivals = defaultdict(list)
    for draft in drafts:
        for volunteer_id in {offer.volunteer_id for offer in draft.incident.offers.values()}:
            rivals[volunteer_id].append(draft)
    return rivals


def _decide(draft: Draft | None, command: Command, rivals: Rivals) -> str | None:
    """Decide one order; a refusal leaves the draft as it was before it."""
    if draft is None:
        return "there is no such incident"
    if isinstance(command, Reply):
        others = [rival.incident for rival in rivals[command.volunteer_id] if rival is not draft]
        command = replace(command, engaged=command.engaged or _binds(others, draft.incident.lane, command))
    before, count = draft.incident, len(draft.events)
    try:
        apply(draft, command)
    except RefusedError as refusal:
        draft.incident = before
        del draft.events[count:]
        return str(refusal)
    return None


def _binds(incidents: Iterable[Incident], lane: Lane, reply: Reply) -> bool:
    """Tell whether one of the incidents holds the person in the lane, by what was decided just now."""
    active = (a for incident in incidents if incident.lane == lane for a in incident.active())
    return any(a.volunteer_id == reply.volunteer_id for a in active)


def _received(orders: Orders) -> dict[UUID, datetime]:
    return {name: command.received_at for name, command in orders if isinstance(command, Reply)}


async def _ask(
    connection: asyncpg.Connection,
    drafts: Sequence[Draft],
    wanted: Mapping[UUID, Counter[str]],
    now: datetime,
) -> None:
    """Decide whom to offer a seat, across the batch."""
    found = {draft.incident.id: draft for draft in drafts}
    for one in await candidates.choose(connection, [draft.incident for draft in drafts], wanted, now):
        choice = one.choice
        apply(
            found[one.incident_id],
            Consider(one.id, tuple(choice.picks), choice.shut(), choice.contended),
        )


async def answer(
    connection: asyncpg.Connection, replies: Sequence[tuple[UUID, Reply]], now: datetime
) -> list[Outcome]:
    """Work volunteers' answers to their incidents; locks the incidents, then the volunteers who say yes."""
    locked = await store.lock(connection, (name for name, _ in replies))
    accepting = sorted((r.volunteer_id, name) for name, r in replies if r.answer == "accepted")
    engaged: set[tuple[UUID, UUID]] = set()
    if accepting:
        people, names = map(list, zip(*accepting, strict=True))
        await connection.execute(sql("lock_volunteers"), sorted(set(people)))
        rows = await connection.fetch(sql("engaged_elsewhere"), people, names, list(locked))
        engaged = {(row["volunteer_id"], row["incident_id"]) for row in rows}
    orders = [(n, replace(reply, engaged=(reply.volunteer_id, n) in engaged)) for n, reply in replies]
    return await carry_out(connection, orders, locked, now)


async def command(uow: UnitOfWork, organisation: UUID, incident_id: UUID, order: Command) -> Incident:
    """Carry out a supervisor's order; raises NotFoundError, or RefusedError where the status forbids it."""

    async def inside(connection: asyncpg.Connection, now: datetime) -> Incident:
        locked = await store.lock(connection, [incident_id])
        if incident_id not in locked or locked[incident_id].organisation != organisation:
            msg = "there is no such incident"
            raise NotFoundError(msg)
        (outcome,) = await carry_out(connection, [(incident_id, order)], locked, now)
        if outcome.refused is not None or outcome.incident is None:
            raise RefusedError(outcome.refused)
        return outcome.incident

    return await uow.transact(inside)
