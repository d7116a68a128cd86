"""Tokens: the short secret in a volunteer's link, which stands for one offer; only its hash is stored."""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.incident import AssignmentStatus, IncidentStatus, OfferStatus
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.storage.queries import sql
from schemas.base import Mode
from schemas.replies import Answer
from schemas.volunteers import Language

BYTES = 12
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 17
"""62 letters to the 17th hold 96 bits."""
SHAPE = re.compile(rf"[0-9A-Za-z]{{{LENGTH}}}")
VALID_AFTER_END = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class TokenView:
    """An offer as the volunteer who holds its token may see it; `pending` is an answer not yet processed.

    `place` is the volunteer's on the waiting list, `muster` the point to come to; null for the scene.
    `overdue` is whether those who are assigned are asked if the mission is over.
    """

    generation: int
    offer_id: UUID
    volunteer_id: UUID
    offer_status: OfferStatus
    expires_at: datetime
    distance_m: int
    late: str | None
    place: int | None
    incident_id: UUID
    organisation: UUID
    mode: Mode
    incident_status: IncidentStatus
    lat: float | None
    lon: float | None
    title: dict[Language, str]
    informs: bool
    crew: bool
    place_when_asked: bool
    organisation_name: str
    zone: str
    language: Language
    assignment_status: AssignmentStatus | None
    released_reason: str | None
    recall: Literal["held", "aborted"] | None
    recall_seen: bool
    pending: Answer | None
    starts_at: datetime | None
    ends_at: datetime | None
    muster: str | None
    muster_at: dict[str, float] | None
    overdue: bool = False


class OfferToken(NamedTuple):
    """A token of an offer; only its hash is stored."""

    token: str
    offer_id: UUID
    generation: int


def derive(secret: bytes, offer_id: UUID, generation: int) -> str:
    """Derive the token of an offer: 96 bits in base 62, the same each time."""
    digest = hmac.digest(secret, offer_id.bytes + generation.to_bytes(4, "big"), "sha256")
    number, letters = int.from_bytes(digest[:BYTES], "big"), ""
    for _ in range(LENGTH):
        number, letter = divmod(number, len(LETTERS))
        letters += LETTERS[letter]
    return letters


async def store(
    connection: asyncpg.Connection, token: str, offer_id: UUID, generation: int, now: datetime
) -> None:
    """Store the hash of a token that is about to be sent."""
    await store_all(connection, [OfferToken(token, offer_id, generation)], now)


async def store_all(
    connection: asyncpg.Connection, offer_tokens: Iterable[OfferToken], now: datetime
) -> None:
    """Store the hashes of tokens that are about to be sent."""
    rows = [(_hash(one.token), one.offer_id, one.generation) for one in offer_tokens]
    if rows:
        await connection.execute(sql("store_tokens"), *map(list, zip(*rows, strict=True)), now)


async def revoke(uow: UnitOfWork, offer_id: UUID) -> None:
    """End the links of an offer; the next message about it carries a token of the next generation."""

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        await connection.execute(sql("revoke_tokens"), offer_id, now)

    await uow.transact(work)


async def open_token(uow: UnitOfWork, token: str, *, secret: bytes) -> TokenView | None:
    """Return what a token stands for; None where it is forged, revoked, or its incident ended a day ago.

    It must derive from the secret too: write access to the database alone is not enough to make a link.
    """
    if not SHAPE.fullmatch(token):
        return None
    ended_after = uow.clock.now() - VALID_AFTER_END
    row = await uow.pool.fetchrow(sql("open_token"), _hash(token), ended_after)
    if row is None:
        return None
    expected = derive(secret, row["offer_id"], row["generation"])
    return TokenView(**dict(row)) if hmac.compare_digest(expected, token) else None


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
