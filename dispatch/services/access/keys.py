"""API keys: shown once, stored as hashes, each of one holder in one organisation."""

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.services.core.errors import InvalidError, NotFoundError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import bound, sql
from schemas.ids import SEPARATOR, TOPIC

SCOPES = (
    "reports:write, console:read, console:act, volunteers:write, admin, and gateway:NAME for each gateway"
)
SCOPE = re.compile(r"reports:write|console:read|console:act|volunteers:write|admin|gateway:[a-z0-9_-]{1,32}")
PRESENTED = re.compile(r"rk_([0-9a-f]{12})_([0-9a-f]{40})")
GATEWAY = "gateway:"
LONGEST_HOLDER = 64


@dataclass(frozen=True, slots=True)
class Key:
    """The scopes of a caller, their organisation, and the holder in whose name they act."""

    id: str
    organisation: UUID
    scopes: frozenset[str]
    holder: str
    installation: bool = False

    @property
    def gateway_organisation(self) -> UUID | None:
        """Return the organisation for which a gateway acts with the key; None where it acts for all of them."""
        return None if self.installation else self.organisation

    def may(self, *scopes: str) -> bool:
        """Return whether the key has one of the scopes; `admin` includes all scopes but those of gateways."""
        admin = "admin" in self.scopes
        return any(scope in self.scopes or (admin and not scope.startswith(GATEWAY)) for scope in scopes)


async def create(
    uow: UnitOfWork, *, organisation: UUID, scopes: Sequence[str], holder: str, installation: bool = False
) -> str:
    """Create a key and return it, which is not possible later; `holder` is the person or source that acts with it.

    With a key for the whole `installation`, a gateway acts for every organisation; the key itself stays in one.
    """
    _check(scopes, holder, installation=installation)
    id_, secret = secrets.token_hex(6), secrets.token_hex(20)
    row = {
        "id": id_, "organisation": organisation, "hash": _digest(secret), "scopes": sorted(set(scopes)),
        "holder": holder, "installation": installation,
    }  # fmt: skip

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.execute(*bound("create_key", created_at=now, **row))

    try:
        await uow.transact(work)
    except asyncpg.ForeignKeyViolationError:
        raise NotFoundError("there is no such organisation") from None
    return f"rk_{id_}_{secret}"


def public_id(presented: str) -> str | None:
    """Return the public id within a key that was presented, which proves nothing; None where it is no key."""
    match = PRESENTED.fullmatch(presented)
    return match and match[1]


async def authenticate(uow: UnitOfWork, presented: str) -> Key:
    """Return the key that was presented; raises UnauthorizedError if it is unknown or revoked."""
    match = PRESENTED.fullmatch(presented)
    row = await uow.pool.fetchrow(sql("find_key"), match[1]) if match else None
    if match is None or row is None or not hmac.compare_digest(row["hash"], _digest(match[2])):
        raise UnauthorizedError("this key is not known, or was revoked")
    scopes = frozenset(row["scopes"])
    return Key(row["id"], row["organisation"], scopes, row["holder"], row["installation"])


async def listed(uow: UnitOfWork, organisation: UUID) -> list[dict[str, Any]]:
    """List an organisation's keys and the installation's, the oldest first, revoked ones too; never the secrets."""
    return [dict(row) for row in await uow.pool.fetch(sql("list_keys"), organisation)]


async def without_gateway_key(uow: UnitOfWork, gateways: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names of some gateways that have keys, each with the organisations for which none of them acts."""
    rows = await uow.pool.fetch(sql("organisations_without_gateway_key"), gateways)
    return [(row["gateway"], row["organisation"]) for row in rows]


async def revoke(uow: UnitOfWork, organisation: UUID, key_id: str) -> None:
    """Revoke a key at once; `key_id` is its middle part."""

    async def work(connection: asyncpg.Connection, now: datetime) -> object:
        return await connection.fetchval(sql("revoke_key"), organisation, key_id, now)

    if await uow.transact(work) is None:
        raise NotFoundError("this key is revoked already")


def _check(scopes: Sequence[str], holder: str, *, installation: bool) -> None:
    if not scopes:
        raise InvalidError("scopes", "name at least one scope")
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise InvalidError("scopes", f"{scope!r} is not a scope; there are {SCOPES}")
        if installation and not scope.startswith(GATEWAY):
            raise InvalidError(
                "installation", f"{scope} is one organisation's: only gateways serve all of them"
            )
    if holder.partition(SEPARATOR)[0] == TOPIC:
        raise InvalidError("holder", "names that begin with `topic` are those of sources without a key")
    if not (holder.strip() and holder.isprintable() and len(holder) <= LONGEST_HOLDER):
        raise InvalidError("holder", f"name the holder in 1 to {LONGEST_HOLDER} printable characters")


def _digest(secret: str) -> bytes:
    """Hash a secret; it has 160 random bits, so that a slow hash would protect nothing more."""
    return sha256(secret.encode()).digest()
