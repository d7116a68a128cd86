"""Statements that everything waits for find their rows by index: they read as little among many as among few."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from dispatch.domain.matching.geo import curvature, mercator, projected_reach
from dispatch.embedded import EmbeddedPostgres
from dispatch.storage.pool import open_pool
from dispatch.storage.projections import PROJECTIONS
from dispatch.storage.queries import bound, columns, sql
from dispatch.storage.search_areas import SearchArea
from tests.benchmarks.rig.population import ORGANISATION
from tests.conftest import START, TEMPLATE, administer
from tests.domain.builders import PLACE
from tests.support.plenty import DUE, MANY, fill, one

LARGE = 1_000
"""Rows in a table that no statement may read whole."""
PLACED = (*mercator(PLACE.lat, PLACE.lon), projected_reach(PLACE.lat, 3000), 3000, *curvature(PLACE.lat))
SEARCHED = SearchArea(
    uuid4(), ORGANISATION, "urgent", *PLACED, START - timedelta(hours=8),
    START - timedelta(hours=1), "available,at_work", drill=False, asked_since=START - timedelta(hours=1),
)  # fmt: skip
AREA = {"n": [0], "now": START, **columns(SearchArea, [SEARCHED])}
NEAREST = {**AREA, "beyond": [0.0], "most": 60}
BEYOND = {**AREA, "beyond": [1000.0], "most": 200, "born_after": ["2008-11-23"]}
FARTHER = {
    **AREA, "all_skills": ["first_aid"], "any_skills": [""], "nearest": [1000.0], "most": [12],
    "born_before": [date(2008, 11, 22)], "needed_until": [START],
    "busy_from": [START], "busy_until": [None],
}  # fmt: skip
NOW, LATER, EARLIER = START, START + timedelta(minutes=1), START - timedelta(hours=1)
INCIDENTS = [one("incident", number) for number in range(MANY - 10, MANY)]

STATEMENTS: dict[str, tuple[tuple[object, ...], int]] = {
    # The arguments, and how many blocks the statement may touch: some four for each row that it needs.
    "search_nearest": (bound("search_nearest", **NEAREST)[1:], 1000),
    "search_farther": (bound("search_farther", **FARTHER)[1:], 2500),
    "count_beyond": (bound("count_beyond", **BEYOND)[1:], 2500),
    "claim_volunteers": (([one("volunteer", 1), one("volunteer", 2)],), 40),
    "free_volunteers": (
        bound(
            "free_volunteers",
            volunteer_id=[one("volunteer", n) for n in range(1, 8)],
            organisation=[ORGANISATION] * 7,
            lane=["urgent"] * 7,
            incident_id=[INCIDENTS[0]] * 7,
            busy_from=[None] * 7,
            busy_until=[None] * 7,
            now=NOW,
        )[1:],
        100,
    ),
    "engaged_or_apart": (
        bound(
            "engaged_or_apart",
            volunteer_id=[one("volunteer", 1)],
            organisation=[ORGANISATION],
            lane=["urgent"],
            incident_id=[INCIDENTS[0]],
            busy_from=[None],
            busy_until=[None],
            locked=INCIDENTS,
        )[1:],
        40,
    ),
    "engaged_in_lanes": (([one("volunteer", 1)], ["planned"], [NOW], [LATER]), 40),
    "standings": (
        bound(
            "standings",
            organisation=ORGANISATION,
            people=[one("volunteer", n) for n in range(10)],
            only="a",
            never="b",
            turn=True,
            mode="actual",
        )[1:],
        100,
    ),
    "search_listed": (bound("search_listed", list=["a"], **AREA)[1:], 100),
    "current_members": ((ORGANISATION, [one("volunteer", 1)]), 40),
    "overlapping_incidents": (([one("volunteer", 1)], NOW, NOW), 40),
    "due_subjects": ((NOW, NOW, 40, 10, []), 20 * DUE),
    "next_due": ((NOW,), 20),
    "offers_being_answered": (([one("offer", n) for n in range(20)], EARLIER), 200),
    "missed_offers": (([one("offer", n) for n in range(20)], NOW), 400),
    "undeliverable_offers": (([one("message", n) for n in range(20)], EARLIER), 600),
    "obstacles": (([ORGANISATION], NOW), 40),
    "late_pages": ((NOW, EARLIER, 20), 1000),
    "subject_owner": ((INCIDENTS[0],), 20),
    "incidents_to_ask_for": ((INCIDENTS,), 200),
    "earlier_replies": (([one("volunteer", 1)], [LATER], [one("reply", 2)]), 40),
    "mark_replies_processed": (([one("reply", 1)], NOW, timedelta(minutes=55)), 100),
    "text_delivered_before": (("+33639980001", EARLIER, "sms", "oui", None, "1", one("text", 1)), 40),
    "count_texts_of": (("+33639980001", "oui", EARLIER, None), 40),
    "texts_just_before": (("+33639980001", one("text", 1), EARLIER, None), 40),
    "has_sent_later": (("+33639980001", "stop", EARLIER, None), 40),
    "incidents.lock_rows": ((INCIDENTS,), 200),
    "incidents.lock_free_rows": ((INCIDENTS,), 200),
    "seats.read_rows": ((INCIDENTS,), 80),
    "offers.read_rows": ((INCIDENTS,), 300),
    "assignments.read_rows": ((INCIDENTS,), 300),
    "offers.read_unsettled_offers": ((INCIDENTS, [one("offer", 1)]), 200),
    "assignments.read_unsettled_assignments": ((INCIDENTS, [one("offer", 1)]), 200),
    "recalls.read_rows": ((INCIDENTS,), 80),
    "escalations.read_rows": ((INCIDENTS,), 80),
    "read_rounds": ((INCIDENTS[0],), 40),
    "incident_texts": ((INCIDENTS[0],), 40),
    "fetch_outbox": ((list(range(64)), 80, 20), 1500),
    "delete_outbox": ((list(range(1, 101)),), 1500),
    "record_inbox": (("incidents", [one("event", 1), uuid4()], NOW), 80),
    "journal_links": (([one("event", 1)], [START], [1]), 1000),
    "count_unresolved_parking": (("incidents", "incident.events", ["forged"]), 40),
    "journal_heads": ((INCIDENTS,), 80),
    "read_streams": ((INCIDENTS[:2],), 80),
    "read_stream": ((ORGANISATION, 0, MANY - 50, ["incident.events"], ["actual"], 50), 300),
    "lease_messages": (("sms", False, LATER, [], [30, 20, 10], LATER), 2500),
    "skip_unserved": ((["push", "voice"], NOW), 40),
    "renew_leases": (([one("message", 1)], NOW, NOW, LATER), 40),
    "requeue_messages": (([one("message", 1)], [""], [False], NOW), 40),
    "message_facts": (([one("message", 1)], EARLIER, EARLIER), 200),
    "offers_asked": (([one("offer", 1)],), 40),
    "count_ask_backs": ((one("volunteer", 1), EARLIER, False), 40),
    "offers_to_answer": ((one("volunteer", 1), EARLIER, EARLIER, None), 80),
    "open_token": ((bytes(16), EARLIER), 80),
    "unlinked_reports": (([ORGANISATION], ["control-room"], ["7"]), 40),
    "known_reports": (([ORGANISATION], ["control-room"], ["7"]), 40),
    "incidents_of_reports": (([ORGANISATION], ["control-room"], ["7"]), 40),
    "lock_reports": (([one("report", 1)],), 40),
    "channels_to_notify": (
        ([0], [ORGANISATION], [one("volunteer", 1)], [one("offer", 1)], [None], [False]),
        40,
    ),
    "held_volunteers": ((INCIDENTS,), 80),
    "offers_of_recalled": (([0], [INCIDENTS[0]], [one("volunteer", 1)]), 40),
    "offer_facts": ((one("offer", 70),), 40),
    "complete_messages": (([one("message", 1)], ["sent"], [""], ["queued"], NOW, None), 100),
    "attempts_of_messages": (([one("message", 1)], [None]), 40),
    "delete_live_positions": (([one("volunteer", 1)],), 40),
    "delete_live_positions_of_members": (([uuid4()],), 40),
    "memberships_of_people": ((ORGANISATION, [one("volunteer", n) for n in range(10)]), 200),
    "people_of_members": ((ORGANISATION, [uuid4(), uuid4()]), 40),
    "volunteers_between": (
        (ORGANISATION, *(f"12345678-{end * 4}-{end * 4}-{end * 4}-{end * 12}" for end in "0f")),
        40,
    ),
    "list_volunteers": ((ORGANISATION, uuid4(), 20), 1000),
    "list_incidents": ((ORGANISATION, None, None, None, 20), 1000),
    "list_escalations": ((ORGANISATION, True, 50), 1000),
    "gravest_incidents": ((ORGANISATION, ["actual"], 50), 2000),
    "escalations_without_incident": ((ORGANISATION,), 300),
    "late_work": ((EARLIER, EARLIER, EARLIER, NOW, 10), 8000),
    "unread_events": ((EARLIER, LATER, ["incident.events"], ["incidents"]), 6000),
    "count_backlog": ((EARLIER, NOW, 20), 1000),
    "gauge_values": ((NOW,), 8000),
    "sample_incidents": ((INCIDENTS[0], 20), 400),
    "live_offers_of_people": (([one("volunteer", 1)], None), 40),
    "assigned_people": (([one("volunteer", 1)], ORGANISATION), 40),
}


@pytest.fixture(scope="module", params=["before its statistics are known", "with its statistics"])
async def plenty(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[asyncpg.Pool]:
    """Return a database with many rows in every table."""
    name = f"plenty_{uuid4().hex}"
    await administer(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    pool = await open_pool(postgres.url(name), application="tests", size=1)
    async with pool.acquire() as connection:
        await fill(connection, START)  # type: ignore[arg-type]
        if request.param == "with its statistics":
            await connection.execute("ANALYZE")
    yield pool
    pool.terminate()
    await administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def statement(name: str) -> str:
    """Return the text of a query, or of a statement of a projection."""
    table, _, template = name.rpartition(".")
    found = [one.statement(template) for one in PROJECTIONS if one.name == table]
    return found[0] if found else sql(name)


def whole(plan: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Name the tables that are read from end to end, and how many rows that was."""
    if plan["Node Type"] == "Seq Scan":
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield plan["Relation Name"], rows * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from whole(inner)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_reads_little_of_what_is_plenty(plenty: asyncpg.Pool, name: str) -> None:
    args, blocks = STATEMENTS[name]
    async with plenty.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement(name)}", *args)
        await transaction.rollback()
    (plan,) = (one["Plan"] for one in json.loads(text))
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= blocks, text
    assert not {relation for relation, rows in whole(plan) if rows > LARGE}, text
