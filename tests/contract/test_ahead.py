"""Golden files one generation ahead: read where possible, waited for where not, passed on and rebuilt whole."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from dispatch.clock import MovableClock
from dispatch.services.console import stream
from dispatch.services.ingest.batches import Batches
from dispatch.services.operations.journal_export import Selection, export
from dispatch.services.operations.rebuilding import compare, rebuild
from dispatch.storage import incidents as store
from schemas.decoding import Newer, PartitionOffset, Received, Unreadable, decode, from_outside
from schemas.envelope import pack
from schemas.generations import GENERATION
from schemas.topics import MODELS
from tests.contract.examples import AHEAD, ahead, example
from tests.support.proof import prove
from tests.support.world import World

FILES = sorted(AHEAD.glob("*.json"))
INTERNAL = [path for path in FILES if not from_outside(MODELS[path.stem].topic)]


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def record(content: dict[str, Any], place: PartitionOffset, **changes: object) -> Received | Unreadable:
    pairs = [(name, value.encode()) for name, value in content["headers"].items()]
    body = orjson.dumps(content["body"] | changes)
    return decode(content["topic"], content["key"].encode(), pairs, body, place)


async def refuse(*_: object) -> None:
    raise AssertionError("what cannot be read reaches no handler")


def test_the_files_are_one_generation_ahead_of_this_version() -> None:
    assert {path.stem for path in FILES} == set(MODELS)
    for path in FILES:
        assert read(path) == json.loads(json.dumps(ahead(example(MODELS[path.stem])))), (
            "run: python -m tests.contract.examples"
        )
        assert int(read(path)["headers"]["ce_generation"]) == GENERATION + 1


@pytest.mark.parametrize("path", INTERNAL, ids=lambda path: path.stem)
def test_an_unknown_field_is_no_error_at_any_depth(path: Path) -> None:
    content = read(path)
    found = record(content, PartitionOffset(0, 0))
    assert isinstance(found, Received)
    assert found.data is not None
    known = {name: value for name, value in content["body"].items() if name != "novelty"}
    assert json.loads(found.data.model_dump_json()).keys() == known.keys()
    assert found.body == orjson.dumps(content["body"]), "what is passed on is these bytes"


@pytest.mark.parametrize("path", INTERNAL, ids=lambda path: path.stem)
async def test_an_unknown_member_makes_a_proven_record_wait_and_parks_an_unproven_one(
    path: Path, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    content, batches = read(path), Batches(pool, clock, lambda: None)
    newer = record(content, PartitionOffset(4, 20), **content["unreadable"])
    assert isinstance(newer, Newer)
    assert newer.headers == pack([(name, value.encode()) for name, value in content["headers"].items()])
    assert not await batches.run("reader", content["topic"], [newer], refuse)
    assert await pool.fetchval("SELECT count(*) FROM parking") == 1
    await prove(pool, content["topic"], newer)
    assert await batches.run("reader", content["topic"], [newer], refuse) == {4: 20}
    assert await pool.fetchval("SELECT count(*) FROM parking") == 1


@pytest.mark.parametrize("path", [path for path in FILES if path not in INTERNAL], ids=lambda path: path.stem)
def test_on_topics_where_others_write_nothing_waits(path: Path) -> None:
    content = read(path)
    found = record(content, PartitionOffset(0, 0), **content["unreadable"])
    assert isinstance(found, Unreadable)
    assert not isinstance(found, Newer)


async def test_a_journal_with_unknown_fields_is_rebuilt_with_them(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    (who, *_) = await world.add_people(5)
    incident = await world.ask()
    await world.answer(incident, who, "accepted", "en_route", "on_scene")
    for row in await pool.fetch("SELECT id, body FROM journal WHERE topic ~ '^(incident.events|dispatch)'"):
        body = orjson.loads(row["body"]) | {"novelty": [1, {"a": None}]}
        if "plan" in body:
            body["plan"]["novelty"] = {"kept": True}
            body["seats"][0]["novelty"] = 1
        await pool.execute("UPDATE journal SET body = $2 WHERE id = $1", row["id"], orjson.dumps(body))
    assert await compare(world.uow) == []
    before = await pool.fetch("SELECT * FROM seats ORDER BY number")
    await pool.execute("ALTER TABLE incidents DROP CONSTRAINT incidents_plan_hash_fkey")
    await pool.execute("DELETE FROM plans")
    await rebuild(world.uow)
    assert await pool.fetch("SELECT * FROM seats ORDER BY number") == before
    assert await pool.fetchval("SELECT body -> 'novelty' FROM plans") == {"kept": True}


async def test_the_stream_and_the_export_pass_on_unknown_fields(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    incident = await world.ask()
    row = await pool.fetchrow("SELECT * FROM journal WHERE stream = $1 AND seq = 1", incident)
    assert row is not None
    body = orjson.dumps(orjson.loads(row["body"]) | {"novelty": {"kept": True}})
    await pool.execute("UPDATE journal SET body = $2 WHERE id = $1", row["id"], body)
    start = await stream.beginning(world.uow)
    items = (await stream.read_page(pool, world.organisation, start)).items
    assert [item.data["novelty"] for item in items if "novelty" in item.data] == [{"kept": True}]
    lines = [line async for line in export(world.uow, Selection(incident=incident))]
    assert sum(b64decode(orjson.loads(line)["bytes"]["body"]) == body for line in lines) == 1


async def test_what_a_newer_version_wrote_and_this_one_cannot_read_is_no_difference(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    await world.add_people(5)
    ahead_of_us, ours = await world.ask("1"), await world.ask("2")
    row = await pool.fetchrow(
        "SELECT id, headers, body FROM journal WHERE stream = $1 AND seq = 2", ahead_of_us
    )
    assert row is not None
    headers = row["headers"].replace(
        f'["ce_generation","{GENERATION}"]'.encode(), f'["ce_generation","{GENERATION + 1}"]'.encode()
    )
    await pool.execute("UPDATE journal SET headers = $2, body = '{}' WHERE id = $1", row["id"], headers)
    await pool.execute("UPDATE incidents SET kind = 'changed' WHERE id = ANY ($1)", [ahead_of_us, ours])
    differences = await compare(world.uow)
    assert [line for line in differences if str(ours) in line]
    assert not [line for line in differences if str(ahead_of_us) in line]


async def test_an_incident_whose_plan_only_a_newer_version_reads_is_left_to_it_without_an_alarm(
    pool: asyncpg.Pool, clock: MovableClock
) -> None:
    world = await World(pool, clock).create()
    await world.add_people(5)
    incident = await world.ask()
    await pool.execute(
        "UPDATE plans SET generation = 99, body = body || jsonb_build_object('professional', 'a_new_member')"
    )
    store._PLANS.clear()  # noqa: SLF001 - plans are read once per process
    escalated = await pool.fetchval("SELECT count(*) FROM escalations")
    clock.advance(120)
    assert await world.agenda.run_round() == 1
    assert await pool.fetchval("SELECT count(*) FROM escalations") == escalated
    assert await pool.fetchval("SELECT count(*) FROM agenda WHERE subject = $1", incident) > 0
