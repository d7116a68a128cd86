"""An incident in a story, from its report to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dispatch.domain.incident import Incident
from dispatch.storage import incidents as store
from tests.stories.phones import Handset
from tests.stories.waiting import eventually

if TYPE_CHECKING:
    from tests.stories.city import City


@dataclass
class Reported:
    """The incident of one report."""

    city: "City"
    id: UUID
    source_id: str
    answer: dict[str, Any]

    async def now(self) -> Incident:
        """Return its current state."""
        async with self.city.node.pool.acquire() as connection:
            return (await store.read(connection, [self.id]))[self.id]  # type: ignore[arg-type]

    async def until(self, holds: Callable[[Incident], bool], what: str) -> Incident:
        """Wait until a condition holds."""

        async def seen() -> Incident | None:
            incident = await self.now()
            return incident if holds(incident) else None

        found = await eventually(seen, what)
        assert found is not None
        return found

    async def supervisor(self, what: str, expected: int = 200) -> None:
        """Act as the supervisor."""
        await self.city.call("POST", f"/v1/incidents/{self.id}/{what}", "Ada", expected=expected)

    async def seated(self) -> dict[Handset, str]:
        """Return the phones of the assigned volunteers, with their roles."""
        incident = await self.now()
        owners = {phone.volunteer_id: phone for phone in self.city.people}
        roles = {seat.number: seat.role for seat in incident.seats}
        return {owners[a.volunteer_id]: roles[a.seat] for a in incident.active()}
