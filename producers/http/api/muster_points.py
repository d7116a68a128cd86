"""The stations and other points where people gather."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from dispatch.services.people import muster_points
from dispatch.services.people.muster_points import Kind, Point
from producers.http.auth import ConsoleReadKey, UowDep, VolunteersWriteKey
from producers.http.middleware.idempotency import IdempotentRoute
from schemas.base import MusterName, Strict

router = APIRouter(tags=["volunteers"], route_class=IdempotentRoute)

Name = Annotated[MusterName, Path(description="The name that plans and texts use, such as CIS Barr.")]


class MusterPoint(BaseModel):
    """A station, with the number of its members, or another point."""

    name: str
    kind: Kind
    lat: float
    lon: float
    members: int


class MusterPointBody(Strict):
    """Where a point is, and whether it is a station."""

    kind: Kind
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)


@router.get("/v1/muster-points")
async def listed(key: ConsoleReadKey, uow: UowDep) -> list[MusterPoint]:
    """List the stations and points of the organisation. Scope `console:read`."""
    found = await muster_points.listed(uow, key.organisation)
    return [MusterPoint.model_validate(one._asdict()) for one in found]


@router.put("/v1/muster-points/{point}", status_code=204)
async def put(point: Name, body: MusterPointBody, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Add a station or point, or change the one with this name. Scope `volunteers:write`."""
    await muster_points.put(uow, key.organisation, [Point(point, body.kind, body.lat, body.lon)])


@router.delete("/v1/muster-points/{point}", status_code=204)
async def delete(point: Name, key: VolunteersWriteKey, uow: UowDep) -> None:
    """Remove a station or point; the members of a station have none then. Scope `volunteers:write`."""
    await muster_points.remove(uow, key.organisation, point)
