"""What a new installation begins with: one organisation, and the first keys, shown once."""

from dataclasses import dataclass
from uuid import UUID

from dispatch.services.access import keys, organisations
from dispatch.services.core.unit_of_work import UnitOfWork

NAME = "Renfort"
ZONE = "Europe/Paris"
HOLDERS: dict[str, tuple[str, ...]] = {
    "control-room": ("reports:write",),
    "duty-supervisor": ("console:read", "console:act"),
    "roster": ("volunteers:write",),
    "administrator": ("admin",),
}
"""Who holds the first keys; the shipped plans trust reports of the first."""


@dataclass(frozen=True, slots=True)
class Founded:
    """The organisation, and the keys that were made now, by holder."""

    organisation: UUID
    keys: dict[str, str]


async def found(uow: UnitOfWork) -> Founded:
    """Make an organisation and its keys where there are none yet."""
    known = await organisations.listed(uow)
    if known:
        return Founded(known[0]["id"], {})
    organisation = await organisations.create(uow, NAME, ZONE, None)
    made = {
        holder: await keys.create(uow, organisation=organisation, scopes=list(scopes), holder=holder)
        for holder, scopes in HOLDERS.items()
    }
    return Founded(organisation, made)
