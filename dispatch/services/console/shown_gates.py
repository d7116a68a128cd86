"""Gates as an organisation may read them: that another one has asked a person, or engages them, is not told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.domain.matching.selection import ASKED_MOST, ASKED_WITHIN, Gate
from dispatch.storage.packed_reasons import Reason
from dispatch.storage.queries import sql

BUSY = Gate.REST | Gate.OFFER | Gate.ENGAGED | Gate.OFTEN
"""The gates that offers and assignments shut, which may be those of another organisation."""

TimedReason = tuple[datetime, Reason]


async def shown(
    connection: asyncpg.Connection | asyncpg.Pool, organisation: UUID, found: Sequence[TimedReason]
) -> list[Reason]:
    """Return reasons, in their order; a gate that only another organisation shut reads `availability`."""
    busy = sorted({(one.volunteer_id, at) for at, one in found if one.gates & BUSY})
    if not busy:
        return [one for _, one in found]
    rows = await connection.fetch(
        sql("own_engagements"), organisation, *map(list, zip(*busy, strict=True)), ASKED_WITHIN, ASKED_MOST
    )
    own = {(row["volunteer_id"], row["at"]): row["gates"] for row in rows}
    return [_without(one, BUSY & ~own.get((one.volunteer_id, at), 0)) for at, one in found]


def _without(reason: Reason, foreign: int) -> Reason:
    if not reason.gates & foreign:
        return reason
    return reason._replace(gates=reason.gates & ~foreign | Gate.AVAILABILITY)
