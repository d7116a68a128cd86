"""The roster: list, register, import, change, erase, and positions."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel

from dispatch.domain.matching.selection import readable
from dispatch.services.console.own_reasons import own_reasons
from dispatch.services.core.errors import InvalidError
from dispatch.services.people import opt_out, roster_files, volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from dispatch.services.people.roster_files import RosterProblem
from producers.http.auth import ConsoleReadKey, UowDep, VolunteersWriteKey
from producers.http.middleware.idempotency import IdempotentRoute
from schemas.base import Skill
from schemas.volunteers import Availability, Consent, Language, PositionBody, VolunteerBody, VolunteerPatch


async def position_writer_of(request: Request) -> PositionWriter:
    """Return the writer that collects the positions of this process."""
    writer = request.app.state.position_writer
    assert isinstance(writer, PositionWriter)  # noqa: S101 - for the type checker
    return writer


router = APIRouter(tags=["volunteers"], route_class=IdempotentRoute)


class Volunteer(BaseModel):
    """A person on the roster; `stopped` after they answered STOP.

    `failing_since` is when messages to one of their addresses ceased to be delivered; null while they are.
    """

    volunteer_id: UUID
    name: str | None
    phone: str | None
    language: Language
    skills: list[Skill]
    consent: list[Consent]
    availability: Availability
    stopped: bool
    failing_since: datetime | None


class Reason(BaseModel):
    """A search that found the volunteer; `why` names the gates, a sensitive one as `not eligible`."""

    at: datetime
    distance_m: int
    picked: bool
    why: list[str]


class Registered(BaseModel):
    """The pseudonym of the volunteer in events."""

    volunteer_id: UUID


class Imported(BaseModel):
    """The number of volunteers registered, and the problems of the lines that were left out."""

    registered: int
    problems: list[RosterProblem]


@router.get("/v1/volunteers")
async def listed(
    key: ConsoleReadKey,
    uow: UowDep,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Volunteer]:
    """List the roster; for the next page pass the last `volunteer_id` as `after`. Scope `console:read`."""
    rows = await volunteers.list_volunteers(uow, key.organisation, after=after, limit=limit)
    return [Volunteer.model_validate(row | {"stopped": row["stopped_at"] is not None}) for row in rows]


@router.get("/v1/volunteers/{volunteer_id}/reasons")
async def reasons(
    volunteer_id: UUID,
    key: ConsoleReadKey,
    uow: UowDep,
    days: Annotated[int, Query(ge=1, le=31)] = 7,
) -> list[Reason]:
    """Say why a volunteer was or was not asked lately, latest first, at most fifty. Scope `console:read`."""
    found = await own_reasons(uow, key.organisation, volunteer_id, timedelta(days=days))
    return [Reason(at=o.at, distance_m=o.distance_m, picked=o.picked, why=readable(o.gates)) for o in found]


@router.post("/v1/volunteers", status_code=201)
async def register(body: VolunteerBody, key: VolunteersWriteKey, uow: UowDep) -> Registered:
    """Register a volunteer, or update the one with this phone. Scope `volunteers:write`."""
    (volunteer_id,) = await volunteers.register_all(uow, key.organisation, [body])
    return Registered(volunteer_id=volunteer_id)


@router.post("/v1/volunteers/import")
async def import_(
    sheet: Annotated[bytes, Body(media_type="text/csv")], key: VolunteersWriteKey, uow: UowDep
) -> Imported:
    """Register the volunteers of a CSV file; invalid lines are left out and reported. Scope `volunteers:write`."""
    bodies, problems = roster_files.read_csv(_text(sheet), uow.clock.now().date())
    if bodies:
        await volunteers.register_all(uow, key.organisation, bodies)
    elif problems:
        first = problems[0]
        raise InvalidError(f"line {first.line}, {first.field}", first.message)
    return Imported(registered=len(bodies), problems=problems)


@router.patch("/v1/volunteers/{volunteer_id}", status_code=204)
async def patch(volunteer_id: UUID, body: VolunteerPatch, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Change the fields that the body contains. Scope `volunteers:write`."""
    await volunteers.patch(uow, key.organisation, volunteer_id, body)


@router.delete("/v1/volunteers/{volunteer_id}", status_code=204)
async def erase(volunteer_id: UUID, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Erase a volunteer from the roster; events contain only a pseudonym. Scope `volunteers:write`."""
    await opt_out.erase(uow, key.organisation, volunteer_id)


@router.put("/v1/volunteers/{volunteer_id}/position", status_code=204)
async def position(
    volunteer_id: UUID,
    body: PositionBody,
    key: VolunteersWriteKey,
    uow: UowDep,
    writer: Annotated[PositionWriter, Depends(position_writer_of)],
) -> None:
    """Update a volunteer's position; `recorded_at` defaults to now. Scope `volunteers:write`."""
    recorded_at = body.recorded_at or uow.clock.now()
    await writer.write(key.organisation, PositionFix(volunteer_id, body.lat, body.lon, recorded_at))


def _text(sheet: bytes) -> str:
    """Decode UTF-8, or else Windows-1252, which Western spreadsheets write."""
    try:
        return sheet.decode()
    except UnicodeDecodeError:
        return sheet.decode("cp1252", "replace")
