"""The roster: who is on it, its import, and where people are."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel

from dispatch.services.core.errors import InvalidError
from dispatch.services.people import volunteers
from dispatch.services.people.position_writer import Tracking
from dispatch.services.people.roster_files import Problem
from dispatch.services.people.volunteers import Move
from producers.http.auth import Here, Registrar, Watcher
from producers.http.middleware.idempotency import IdempotentRoute
from schemas.base import Skill
from schemas.volunteers import Availability, Consent, Language, PositionBody, VolunteerBody, VolunteerPatch


async def tracking_of(request: Request) -> Tracking:
    """Give what gathers positions for the app."""
    tracking = request.app.state.tracking
    assert isinstance(tracking, Tracking)  # noqa: S101 - for the type checker
    return tracking


router = APIRouter(tags=["volunteers"], route_class=IdempotentRoute)


class Volunteer(BaseModel):
    """Somebody on the roster; `stopped` when they said STOP."""

    volunteer_id: UUID
    name: str | None
    phone: str | None
    language: Language
    skills: list[Skill]
    consent: list[Consent]
    availability: Availability
    stopped: bool


class Registered(BaseModel):
    """The pseudonym by which events know the volunteer."""

    volunteer_id: UUID


class Imported(BaseModel):
    """How many were registered, and the lines that were left out."""

    registered: int
    problems: list[Problem]


@router.get("/v1/volunteers")
async def listed(
    key: Watcher,
    uow: Here,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Volunteer]:
    """List the roster; `after` goes on from the last `volunteer_id`. Scope `console:read`."""
    rows = await volunteers.listed(uow, key.organisation, after=after, limit=limit)
    return [Volunteer.model_validate(row | {"stopped": row["stopped_at"] is not None}) for row in rows]


@router.post("/v1/volunteers", status_code=201)
async def register(body: VolunteerBody, key: Registrar, uow: Here) -> Registered:
    """Register a volunteer, or write what is new; the phone tells who it is. Scope `volunteers:write`."""
    (volunteer_id,) = await volunteers.enrol(uow, key.organisation, [body])
    return Registered(volunteer_id=volunteer_id)


@router.post("/v1/volunteers/import")
async def import_(
    sheet: Annotated[bytes, Body(media_type="text/csv")], key: Registrar, uow: Here
) -> Imported:
    """Register the volunteers of a CSV sheet; bad lines are left out and named. Scope `volunteers:write`."""
    bodies, problems = volunteers.read_csv(_text(sheet), uow.clock.now().date())
    if bodies:
        await volunteers.enrol(uow, key.organisation, bodies)
    elif problems:
        first = problems[0]
        raise InvalidError(f"line {first.line}, {first.field}", first.message)
    return Imported(registered=len(bodies), problems=problems)


@router.patch("/v1/volunteers/{volunteer_id}", status_code=204)
async def patch(volunteer_id: UUID, body: VolunteerPatch, key: Registrar, uow: Here) -> None:
    """Change what the body gives. Scope `volunteers:write`."""
    await volunteers.patch(uow, key.organisation, volunteer_id, body)


@router.delete("/v1/volunteers/{volunteer_id}", status_code=204)
async def erase(volunteer_id: UUID, key: Registrar, uow: Here) -> None:
    """Take a volunteer off the roster; events keep only a pseudonym. Scope `volunteers:write`."""
    await volunteers.erase(uow, key.organisation, volunteer_id)


@router.put("/v1/volunteers/{volunteer_id}/position", status_code=204)
async def position(
    volunteer_id: UUID,
    body: PositionBody,
    key: Registrar,
    uow: Here,
    tracking: Annotated[Tracking, Depends(tracking_of)],
) -> None:
    """Say where a volunteer is; `recorded_at` is now where it is absent. Scope `volunteers:write`."""
    recorded_at = body.recorded_at or uow.clock.now()
    await tracking.put(key.organisation, Move(volunteer_id, body.lat, body.lon, recorded_at))


def _text(sheet: bytes) -> str:
    """Read UTF-8, else what Western spreadsheets write."""
    try:
        return sheet.decode()
    except UnicodeDecodeError:
        return sheet.decode("cp1252", "replace")
