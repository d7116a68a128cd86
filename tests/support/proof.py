"""Records that the journal proves, though no code of the product wrote them."""

import asyncpg

from dispatch.storage.chain import GENESIS, bucket_of, link
from schemas.decoding import Received, Unreadable
from schemas.envelope import pack

INSERT = """
    INSERT INTO journal (stream, seq, event_id, organisation, mode, topic, type, bucket, key, headers, body, prev_hash,
                         hash, recorded_at)
    VALUES ($1, 1, $1, $2, 'actual', $3, '', $4, $5, $6, $7, $8, $9, $10)
"""


async def prove(pool: asyncpg.Pool, topic: str, *records: Received | Unreadable) -> None:
    """Write records to the journal as the process that published them on the topic has done."""
    for one in records:
        key, body = one.key or b"", one.body or b""
        headers = pack(one.headers) if isinstance(one, Received) else one.headers
        hashed = link(GENESIS, topic, key, headers, body)
        await pool.execute(
            INSERT, one.event_id, one.organisation, topic, bucket_of(key), key, headers, body, GENESIS, hashed,
            one.recorded_at,
        )  # fmt: skip
