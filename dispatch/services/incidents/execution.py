"""Execution of commands on locked incidents: decided, then written with the offers that the incidents want."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from dispatch.domain.answering.overlaps import clash
from dispatch.domain.commands import Act, AnswerOffer, Command
from dispatch.domain.decide import apply
from dispatch.domain.decision import Decision
from dispatch.domain.errors import RefusedError
from dispatch.domain.incident import Incident
from dispatch.services.core.short_ids import unknown
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import asking, live_offers
from dispatch.storage import incidents as store
from dispatch.storage import write_generation

Commands = Sequence[tuple[UUID, Command]]
"""Commands, each with the incident that it is for."""
SEATS_SINCE = 2
"""The first generation that knows seats that are added to a running incident."""
DecisionsByVolunteer = defaultdict[UUID, list[Decision]]


class CommandResult(Struct, frozen=True):
    """The incident after a command, and the reason where the command was refused."""

    incident: Incident | None
    refused: str | None = None


async def lock_and_execute(
    connection: asyncpg.Connection, commands: Commands, now: datetime
) -> list[CommandResult]:
    """Lock the incidents, then execute the commands in their order; return a result for each."""
    answered = [command.offer_id for _, command in commands if isinstance(command, AnswerOffer)]
    locked = await store.lock(connection, (name for name, _ in commands), answered)
    return await execute(connection, commands, locked, now)


async def execute(
    connection: asyncpg.Connection, commands: Commands, locked: dict[UUID, Incident], now: datetime
) -> list[CommandResult]:
    """Decide commands on locked incidents, then extend the offers that the incidents want; return a result for each.

    Several commands for one incident are folded in memory, and the incident is written once.
    """
    commands = await live_offers.complete(connection, commands, locked, now)
    decisions = {name: Decision(incident, now) for name, incident in locked.items()}
    involved = _decisions_by_volunteer(decisions, commands)
    refused = [_decide(decisions.get(name), command, involved) for name, command in commands]
    written = await asking.write(connection, list(decisions.values()), now, _receipts(commands))
    after = {decision.incident.id: decision.incident for decision in written}
    return [CommandResult(after.get(name), why) for (name, _), why in zip(commands, refused, strict=True)]


def _decisions_by_volunteer(decisions: Mapping[UUID, Decision], commands: Commands) -> DecisionsByVolunteer:
    """Return, by volunteer, the decisions in which they are assigned, or may be by these commands."""
    found: DecisionsByVolunteer = defaultdict(list)
    for decision in decisions.values():
        for assignment in decision.incident.active():
            found[assignment.volunteer_id].append(decision)
    for name, command in commands:
        if isinstance(command, AnswerOffer) and name in decisions:
            found[command.volunteer_id].append(decisions[name])
    return found


def _decide(decision: Decision | None, command: Command, involved: DecisionsByVolunteer) -> str | None:
    """Decide one command; return why it was refused, with the decision left as it was."""
    if decision is None:
        return "there is no such incident"
    if isinstance(command, AnswerOffer):
        others = [other.incident for other in involved[command.volunteer_id] if other is not decision]
        engaged = command.engaged or _is_engaged(command.volunteer_id, others, decision.incident)
        command = replace(command, engaged=engaged)
    before, count = decision.incident, len(decision.events)
    try:
        apply(decision, command)
    except RefusedError as refusal:
        decision.incident = before
        del decision.events[count:]
        return str(refusal)
    return None


def _is_engaged(volunteer_id: UUID, incidents: Iterable[Incident], wanted: Incident) -> bool:
    """Return whether one of these incidents has the volunteer assigned in the lane and the time of another."""
    active = (a for incident in incidents if incident.lane == wanted.lane for a in incident.active())
    return any(a.volunteer_id == volunteer_id and clash(a, wanted) for a in active)


def _receipts(commands: Commands) -> dict[UUID, datetime]:
    """Return when the answers to each incident were received."""
    return {name: command.received_at for name, command in commands if isinstance(command, AnswerOffer)}


async def execute_command(
    uow: UnitOfWork, organisation: UUID, incident_id: UUID, command: Command
) -> Incident:
    """Execute a supervisor's command and return the incident after it.

    Raises NotFoundError where the organisation has no such incident, RefusedError where its status forbids the command.
    """
    if isinstance(command, Act) and command.action == "reinforce" and write_generation.current < SEATS_SINCE:
        raise RefusedError(
            "a process of release 0.1.0 still runs: it could not read the seats that are added"
        )

    async def inside(connection: asyncpg.Connection, now: datetime) -> Incident:
        locked = await store.lock(connection, [incident_id])
        if incident_id not in locked or locked[incident_id].organisation != organisation:
            raise unknown("incident")
        (result,) = await execute(connection, [(incident_id, command)], locked, now)
        if result.refused is not None or result.incident is None:
            raise RefusedError(result.refused)
        return result.incident

    return await uow.transact(inside)
