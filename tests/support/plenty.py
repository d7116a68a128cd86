"""A large database: the rows that a statement needs are a handful among twenty thousand of each table."""

from datetime import datetime
from hashlib import md5
from uuid import UUID

import asyncpg

from tests.benchmarks.rig.population import ORGANISATION, Square, settle

MANY = 20_000
DUE, WAITING, RUNNING = 100, 300, 200
"""How many entries are due, how many messages wait, how many incidents run."""

PLAN = "INSERT INTO plans VALUES ('plan', 'plan', '{\"title\": {\"fr\": \"Essai\"}}', $1)"
INCIDENTS = """
    INSERT INTO incidents
    SELECT md5('incident ' || n)::uuid, $1, 'actual', 'urgent', md5('report ' || n)::uuid, 'medical.fall', 'urgent',
           CASE WHEN n < $4 THEN 'open' ELSE 'closed' END, 'plan', 48.85, 2.35, '{}', false, NULL, '{}', 1,
           $2::timestamptz - n * interval '1 second', $2, $2,
           0, NULL, 0, $2, NULL, NULL, CASE WHEN n < $4 THEN NULL ELSE $2::timestamptz END, NULL
    FROM generate_series(1, $3::int) AS n
"""
REPORTS = """
    INSERT INTO reports
    SELECT md5('report ' || n)::uuid, $1, 'actual', 'control-room', n::text, 'http', '', $2, md5('incident ' || n)::uuid
    FROM generate_series(1, $3::int) AS n
"""
TEXTS = "INSERT INTO report_texts SELECT id, 'Words' FROM reports"
SEATS = """
    INSERT INTO seats
    SELECT md5('incident ' || n)::uuid, 1, 'helper', 'first_aid', false FROM generate_series(1, $1::int) AS n
"""
REPLIES = """
    INSERT INTO replies
    SELECT md5('reply ' || n)::uuid, $1, 'actual', md5('volunteer ' || n)::uuid, md5('offer ' || n)::uuid,
           md5('incident ' || n / 7)::uuid, 'declined', 'page', $2, $2
    FROM generate_series(1, $3::int) AS n
"""
TOKENS = """
    INSERT INTO tokens
    SELECT decode(md5(n::text), 'hex'), md5('offer ' || n)::uuid, 0, $1 FROM generate_series(1, $2::int) AS n
"""
ESCALATIONS = """
    INSERT INTO escalations
    SELECT md5('escalation ' || n)::uuid, $1, 'actual', 'incident', md5('incident ' || n)::uuid, 'uncovered', '', 1,
           true, 0, CASE WHEN n < $4 THEN 'raised' ELSE 'resolved' END, $2, $2
    FROM generate_series(1, $3::int) AS n
"""
MESSAGES = """
    INSERT INTO messages
    SELECT md5('message ' || n)::uuid, $1, 'actual', 'volunteer', md5('volunteer ' || n)::uuid,
           md5('incident ' || n / 7)::uuid, md5('offer ' || n)::uuid, NULL, 'offer', 'sms', false, n % 3,
           CASE WHEN n < $4 THEN 'queued' ELSE 'sent' END, '', 0, 0, $2, NULL, $2
    FROM generate_series(1, $3::int) AS n
"""
AGENDA = """
    INSERT INTO agenda
    SELECT md5('incident ' || n)::uuid, 'offer', 'incident', $1, n % 3, $2::timestamptz + (n - $4) * interval '1 second'
    FROM generate_series(1, $3::int) AS n
"""
JOURNAL = """
    INSERT INTO journal (organisation, mode, stream, seq, event_id, topic, type, bucket, key, headers, body, prev_hash,
                         hash, recorded_at)
    SELECT $1, 'actual', md5('incident ' || n / 5)::uuid, n % 5, md5('event ' || n)::uuid, 'incident.events', 'x',
           n % 64, '', '', '', '', '', $2
    FROM generate_series(1, $3::int) AS n
"""
OUTBOX = "INSERT INTO outbox (bucket, position) SELECT n % 64, n FROM generate_series(1, $1::int) AS n"
INBOX = (
    "INSERT INTO inbox SELECT 'incidents', md5('event ' || n)::uuid, $1 FROM generate_series(1, $2::int) AS n"
)
ROUNDS = """
    INSERT INTO rounds
    SELECT md5('round ' || n)::uuid, md5('incident ' || n)::uuid, $1, 1000, 1, '[]', '[]'
    FROM generate_series(1, $2::int) AS n
"""
ASKED = """
    INSERT INTO offers
    SELECT md5('asked ' || n)::uuid, md5('incident ' || n)::uuid, md5('volunteer ' || n)::uuid, 'urgent', 'helper',
           'extended', NULL, $1, $1, NULL, 1, md5('round ' || n)::uuid
    FROM generate_series(1, 10) AS n
    ON CONFLICT DO NOTHING
"""


def one(what: str, number: int) -> UUID:
    """Return the id of one of the rows."""
    return UUID(md5(f"{what} {number}".encode()).hexdigest())


async def fill(connection: asyncpg.Connection, now: datetime) -> None:
    """Fill an empty database; the caller runs ANALYZE."""
    await settle(connection, Square.of(MANY), now)
    await connection.execute("SET session_replication_role = replica")
    run = connection.execute
    await run(PLAN, now)
    for statement, few in ((INCIDENTS, RUNNING), (ESCALATIONS, RUNNING), (MESSAGES, WAITING), (AGENDA, DUE)):
        await run(statement, ORGANISATION, now, MANY, few)
    for statement in (REPORTS, REPLIES, JOURNAL):
        await run(statement, ORGANISATION, now, MANY)
    for statement in (ROUNDS, INBOX, TOKENS):
        await run(statement, now, MANY)
    for statement in (SEATS, OUTBOX):
        await run(statement, MANY)
    await run(ASKED, now)
    await run(TEXTS)
    await run("RESET session_replication_role")
