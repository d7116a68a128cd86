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
from dispatch.storage.queries import sql

SCOPE = re.compile(r"reports:write|console:read|console:act|volunteers:write|admin|gateway:[a-z0-9_-]{1,32}")
PRESENTED = re.compile(r"rk_([0-9a-f]{12})_([0-9a-f]{40})")
LONGEST_HOLDER = 64


@dataclass(frozen=True, slots=True)
class Key:
    """The scopes of a caller, their organisation, and the holder in whose name they act."""

    id: str
    organisation: UUID
    scopes: frozenset[str]
    holder: str

    def may(self, *scopes: str) -> bool:
        """Return whether the key has one of the scopes; `admin` includes all scopes but those of gateways."""
        admin = "admin" in self.scopes
        return any(scope in self.scopes or (admin and not scope.startswith("gateway:")) for scope in scopes)


async def create(uow: UnitOfWork, *, organisation: UUID, scopes: Sequence[str], holder: str) -> str:
    """Create a key and return it, which is not possible later; `holder` is the person or source that acts with it."""
    _check(scopes, holder)
    id_, secret = secrets.token_hex(6), secrets.token_hex(20)

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.execute(
            sql("create_key"), id_, organisation, _digest(secret), sorted(set(scopes)), holder, now
        )

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
    return Key(row["id"], row["organisation"], frozenset(row["scopes"]), row["holder"])


async def listed(uow: UnitOfWork, organisation: UUID) -> list[dict[str, Any]]:
    """List the keys of an organisation, the oldest first, revoked ones included; never the secrets."""
    return [dict(row) for row in await uow.pool.fetch(sql("list_keys"), organisation)]


async def revoke(uow: UnitOfWork, organisation: UUID, key_id: str) -> None:
    """Revoke a key at once; `key_id` is its middle part."""

    async def work(connection: asyncpg.Connection, now: datetime) -> object:
        return await connection.fetchval(sql("revoke_key"), organisation, key_id, now)

    if await uow.transact(work) is None:
        raise NotFoundError("there is no such key, or it is revoked already")


def _check(scopes: Sequence[str], holder: str) -> None:
    if not scopes:
        raise InvalidError("scopes", "name at least one scope")
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise InvalidError("scopes", f"{scope!r} is not a scope")
    if not (holder.strip() and holder.isprintable() and len(holder) <= LONGEST_HOLDER):
        raise InvalidError("holder", f"name the holder in 1 to {LONGEST_HOLDER} printable characters")


def _digest(secret: str) -> bytes:
    """Hash a secret; it has 160 random bits, so that a slow hash would protect nothing more."""
    return sha256(secret.encode()).digest()
