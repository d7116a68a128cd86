"""The roster: list, register, import, change, erase, and positions."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from dispatch.domain.matching.selection import readable
from dispatch.services.console.own_reasons import reasons_for_supervisors
from dispatch.services.people import opt_out, volunteers
from dispatch.services.people.position_writer import PositionWriter
from dispatch.services.people.positions import PositionFix
from dispatch.services.people.roster_import import ImportOrder
from dispatch.services.people.roster_problems import RosterProblem
from dispatch.services.people.roster_process import RosterImporter
from producers.http.auth import ConsoleReadKey, UowDep, VolunteersWriteKey
from producers.http.middleware.idempotency import IdempotentRoute
from producers.http.short_ids import Id, person, whole
from schemas.base import Skill
from schemas.volunteers import Availability, Consent, Language, PositionBody, VolunteerBody, VolunteerPatch


async def position_writer_of(request: Request) -> PositionWriter:
    """Return the writer that collects the positions of this process."""
    writer = request.app.state.position_writer
    assert isinstance(writer, PositionWriter)  # noqa: S101 - for the type checker
    return writer


router = APIRouter(tags=["volunteers"], route_class=IdempotentRoute)


class Volunteer(BaseModel):
    """A person on the roster; `stopped` after they answered STOP. `valid_until` has the last day of skills that end.

    `volunteer_id` is that of the membership: another organisation has another one for the same person.
    `failing_since` is when messages to one of their addresses ceased to be delivered; null while they are.
    """

    volunteer_id: UUID
    name: str | None
    phone: str | None
    language: Language
    skills: list[Skill]
    valid_until: dict[Skill, date]
    consent: list[Consent]
    availability: Availability
    station: str | None
    stopped: bool
    failing_since: datetime | None


class Reason(BaseModel):
    """A search that found the volunteer; `why` names the gates, a sensitive one as `not eligible`."""

    at: datetime
    distance_m: int
    picked: bool
    why: list[str]


class Registered(BaseModel):
    """The id of the volunteer in this organisation, and what may be a mistake."""

    volunteer_id: UUID
    warnings: list[str] = []


class Imported(BaseModel):
    """The number of volunteers in valid lines, the problems of the lines left out, and what changed by field.

    `warnings` are about lines that were imported. In a dry run nothing was written.
    """

    registered: int
    problems: list[RosterProblem]
    warnings: list[RosterProblem]
    added: int
    changed: int
    fields: dict[str, int]
    unchanged: int
    left: int
    dry_run: bool


Flag = Annotated[bool, Query()]
CSV = {"schema": {"type": "string", "contentMediaType": "application/octet-stream", "title": "Sheet"}}
SHEET = {"required": True, "content": {"text/csv": CSV}}
"""The body of an import, which the route reads itself: FastAPI would parse what is declared as JSON, in the loop."""


@router.get("/v1/volunteers")
async def listed(
    key: ConsoleReadKey,
    uow: UowDep,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Volunteer]:
    """List the roster; for the next page pass the last `volunteer_id` as `after`. Scope `console:read`."""
    rows = await volunteers.list_volunteers(uow, key.organisation, after=after, limit=limit)
    return [_volunteer(row) for row in rows]


@router.get("/v1/volunteers/{volunteer_id}/reasons")
async def reasons(
    volunteer_id: Id,
    key: ConsoleReadKey,
    uow: UowDep,
    days: Annotated[int, Query(ge=1, le=31)] = 7,
) -> list[Reason]:
    """Say why a volunteer was or was not asked lately, latest first, at most fifty. Scope `console:read`."""
    found = await reasons_for_supervisors(
        uow, key.organisation, await person(uow, key, volunteer_id), timedelta(days=days)
    )
    return [Reason(at=o.at, distance_m=o.distance_m, picked=o.picked, why=readable(o.gates)) for o in found]


@router.post("/v1/volunteers", status_code=201)
async def register(body: VolunteerBody, key: VolunteersWriteKey, uow: UowDep) -> Registered:
    """Register a volunteer, or change the one with this phone: absent fields stay. Scope `volunteers:write`."""
    enrolled = await volunteers.enrol(uow, key.organisation, body)
    return Registered(volunteer_id=enrolled.id, warnings=enrolled.warnings)


@router.post("/v1/volunteers/import", openapi_extra={"requestBody": SHEET})
async def import_(
    request: Request,
    key: VolunteersWriteKey,
    ignore: Annotated[list[str] | None, Query(max_length=50)] = None,
    *,
    dry_run: Flag = False,
    sync: Flag = False,
    yes: Flag = False,
) -> Imported:
    """Change what the columns of a CSV file say of volunteers; invalid lines are left out. Scope `volunteers:write`.

    All valid lines are written, or none. `ignore` names columns to leave out; `sync` also takes the people off the
    roster who are not in the file; `yes` confirms that a tenth of the roster may leave, or lose skills or consent.
    """
    order = ImportOrder(
        key.organisation, await request.body(), ignore or (), sync=sync, dry_run=dry_run, confirmed=yes
    )
    importer: RosterImporter = request.app.state.roster_importer
    return Imported(**asdict(await importer.run(order)), dry_run=dry_run)


@router.patch("/v1/volunteers/{volunteer_id}", status_code=204)
async def patch(volunteer_id: Id, body: VolunteerPatch, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Change the fields that the body contains. Scope `volunteers:write`."""
    await volunteers.patch(uow, key.organisation, await person(uow, key, volunteer_id), body)


@router.delete("/v1/volunteers/{volunteer_id}", status_code=204)
async def erase(volunteer_id: Id, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Erase a volunteer from the roster; whoever joins again has a new id. Scope `volunteers:write`."""
    await opt_out.erase(uow, key.organisation, await person(uow, key, volunteer_id))


@router.put("/v1/volunteers/{volunteer_id}/position", status_code=204)
async def position(
    volunteer_id: Id,
    body: PositionBody,
    key: VolunteersWriteKey,
    uow: UowDep,
    writer: Annotated[PositionWriter, Depends(position_writer_of)],
) -> None:
    """Update a volunteer's position; `recorded_at` defaults to now. Scope `volunteers:write`."""
    recorded_at = body.recorded_at or uow.clock.now()
    await writer.write(
        key.organisation,
        PositionFix(await whole(uow, key, "volunteer", volunteer_id), body.lat, body.lon, recorded_at),
    )


def _volunteer(row: dict[str, Any]) -> Volunteer:
    ends = {skill: day for skill, day in zip(row["skills"], row["last_days"], strict=True) if day}
    return Volunteer.model_validate(row | {"stopped": row["stopped_at"] is not None, "valid_until": ends})
