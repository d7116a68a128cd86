"""The first organisation of a new installation and its first keys, which are shown once."""

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
"""The holders and scopes of the first keys; the shipped plans trust reports of the first holder."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The first organisation, and the keys that were created now, by holder."""

    organisation: UUID
    keys: dict[str, str]


async def bootstrap(uow: UnitOfWork) -> Bootstrap:
    """Create an organisation and its keys if there is none; else return the first one, without keys."""
    known = await organisations.listed(uow)
    if known:
        return Bootstrap(known[0]["id"], {})
    organisation = await organisations.create(uow, NAME, ZONE, None)
    made = {
        holder: await keys.create(uow, organisation=organisation, scopes=list(scopes), holder=holder)
        for holder, scopes in HOLDERS.items()
    }
    return Bootstrap(organisation, made)
