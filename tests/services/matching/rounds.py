"""The last round of an incident, as the timeline shows it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch.services.console.history import timeline
from tests.support.world import World


@dataclass(frozen=True)
class ShownRound:
    """Who was passed over and why, and the numbers of the others."""

    passed_over: dict[UUID, tuple[int, list[str]]]
    beyond: dict[str, int]
    people_beyond: int
    complete: bool
    picked: list[UUID]


async def last_round(world: World, name: UUID) -> ShownRound:
    """Read the last round of an incident."""
    moments = (await timeline(world.uow, world.organisation, name)).moments
    found: dict[str, Any] = [moment.detail for moment in moments if moment.what == "search.round"][-1]
    rows = await world.uow.pool.fetch("SELECT id, volunteer_id FROM memberships")
    people = {str(row["id"]): row["volunteer_id"] for row in rows}
    listed = [(people[one["volunteer_id"]], one["distance_m"], one["why"]) for one in found["passed_over"]]
    assert len({who for who, _, _ in listed}) == len(listed), "somebody is listed twice"
    beyond = found["beyond"]
    return ShownRound(
        {who: (metres, why) for who, metres, why in listed}, beyond["why"], beyond["people"], beyond["complete"],
        [people[one["volunteer_id"]] for one in found["picked"]],
    )  # fmt: skip
