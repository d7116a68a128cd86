"""Whatever is changed in the journal is found and named; what is given to others can be verified by them."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest

from dispatch.clock import MovableClock
from dispatch.domain.escalation import Cause
from dispatch.services import escalating
from dispatch.services.errors import NotFoundError
from dispatch.services.exporting import Selection, export
from dispatch.services.proving import Proof, prove
from dispatch.storage.chain import GENESIS, Break, link
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from schemas.ids import new_id
from schemas.incidents import IncidentCovered
from tests.storage.world import World

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
FORGOTTEN = """
    DELETE FROM rounds; DELETE FROM seats; DELETE FROM assignments; DELETE FROM offers; DELETE FROM agenda;
    DELETE FROM escalations; DELETE FROM messages; DELETE FROM replies; DELETE FROM incidents; DELETE FROM reports;
    DELETE FROM outbox; DELETE FROM journal
"""
CHANGED = "its bytes were changed"


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    return await World(pool, clock).found()


@pytest.fixture
async def incident(world: World) -> UUID:
    """Let somebody be asked who accepts, and another incident run beside it."""
    people = await world.people(4)
    name = await world.ask("1")
    await world.answer(name, people[0], "accepted")
    await world.ask("2")
    await world.hear_all()
    return name


async def tamper(world: World, script: str, stream: UUID) -> None:
    for statement in script.split(";"):
        await world.pool.execute(statement, *([stream] if "$1" in statement else []))


async def found(world: World, stream: UUID | None = None) -> list[tuple[UUID | None, int, str]]:
    return [(place.stream, place.seq, place.what) for place in (await prove(world.engine, stream)).breaks]


async def length(world: World, stream: UUID) -> int:
    count: int = await world.pool.fetchval("SELECT count(*) FROM journal WHERE stream = $1", stream)
    return count


async def test_an_untouched_journal_holds_and_is_counted(world: World, incident: UUID) -> None:
    async with transaction(world.pool) as connection:
        cause = Cause("disk", 3, page=True)
        subject = escalating.system_of(world.organisation)
        await escalating.escalate(connection, world.organisation, "system", subject, cause, world.now)
    proof = await prove(world.engine)
    (counts,) = await world.pool.fetch("SELECT count(*), count(DISTINCT stream) FROM journal")
    assert (proof.events, proof.streams, proof.breaks) == (*counts, [])
    assert (await prove(world.engine, incident)).events == await length(world, incident)


@pytest.mark.parametrize("headers", [b"xx", b"null", b"[1,2]", '[["ce_id","€"]]'.encode(), b"{}", b"\xff"])
async def test_headers_that_are_none_are_a_break_and_are_exported_all_the_same(
    world: World, incident: UUID, headers: bytes
) -> None:
    row = await world.pool.fetchrow(
        "SELECT * FROM journal WHERE stream = $1 ORDER BY seq DESC LIMIT 1", incident
    )
    assert row is not None
    forged = link(row["prev_hash"], row["topic"], row["key"], headers, row["body"])
    await world.pool.execute(
        "UPDATE journal SET headers = $2, hash = $3 WHERE id = $1", row["id"], headers, forged
    )
    ((stream, seq, _),) = await found(world)
    assert (stream, seq) == (incident, row["seq"])
    lines = [orjson.loads(line) async for line in export(world.engine, Selection(incident))]
    assert len(lines) >= await length(world, incident)


async def test_a_break_is_named_by_stream_place_topic_type_incident_and_time(
    world: World, incident: UUID
) -> None:
    await tamper(world, "UPDATE journal SET body = '{}' WHERE stream = $1 AND seq = 2", incident)
    assert (await prove(world.engine)).breaks == [
        Break(incident, 2, CHANGED, "dispatch.offers", "offer.extended.v1", world.now, incident)
    ]
    report = await world.pool.fetchval("SELECT id FROM reports WHERE incident_id = $1", incident)
    await tamper(world, "UPDATE journal SET body = '{}' WHERE stream = $1", report)
    (place,) = (await prove(world.engine, report)).breaks
    assert (place.type, place.incident) == ("report.received.v1", incident)


async def test_an_end_that_was_cut_off_is_found_by_what_the_incident_knows(
    world: World, incident: UUID
) -> None:
    last = await length(world, incident)
    await tamper(world, f"DELETE FROM journal WHERE stream = $1 AND seq = {last}", incident)
    assert (incident, last - 1, f"it ends here; the table incidents knows {last} events") in await found(
        world
    )


async def test_an_event_that_was_put_at_the_end_with_a_good_chain_is_found(
    world: World, incident: UUID
) -> None:
    last = await length(world, incident)
    forged = IncidentCovered(at=world.now, incident_id=incident)
    async with transaction(world.pool) as connection:
        entry = Entry(incident, forged, world.organisation, "actual", str(incident), world.now, world.now)
        await append(connection, [entry], world.now)
    assert await found(world) == [
        (incident, last + 1, f"it ends here; the table incidents knows {last} events")
    ]


@pytest.mark.parametrize("table", ["reports", "replies"])
async def test_a_stream_that_was_removed_whole_is_found_by_its_row(
    world: World, incident: UUID, table: str
) -> None:
    name = await world.pool.fetchval(f"SELECT id FROM {table} WHERE incident_id = $1 LIMIT 1", incident)
    await tamper(world, "DELETE FROM journal WHERE stream = $1", name)
    assert (name, 0, f"it ends here; the table {table} knows 1 events") in await found(world)


async def test_a_stream_that_was_given_another_name_is_found(world: World, incident: UUID) -> None:
    other = new_id()
    await world.pool.execute("UPDATE journal SET stream = $2 WHERE stream = $1", incident, other)
    assert (other, 1, "its columns are not what its bytes say: stream or seq, event_id") in await found(world)


async def test_of_an_incident_that_was_removed_from_all_tables_its_readers_still_know(
    world: World, incident: UUID
) -> None:
    await tamper(world, FORGOTTEN, incident)
    breaks = (await prove(world.engine)).breaks
    assert breaks
    assert all(place.stream is None and place.recorded_at == world.now for place in breaks)
    assert "incidents took it in, and it is not in the journal" in " ".join(place.what for place in breaks)


async def rewrite(world: World, stream: UUID) -> None:
    """Change an event and write a good chain from there on, as whoever can write to the database may."""
    rows = await world.pool.fetch("SELECT * FROM journal WHERE stream = $1 ORDER BY seq", stream)
    previous = GENESIS
    for row in rows:
        body = row["body"].replace(b"medical.fall", b"medical.fell")
        hash_ = link(previous, row["topic"], row["key"], row["headers"], body)
        change = "UPDATE journal SET body = $2, prev_hash = $3, hash = $4 WHERE id = $1"
        await world.pool.execute(change, row["id"], body, previous, hash_)
        previous = hash_


async def test_a_whole_new_chain_is_found_only_by_the_fingerprint_that_was_kept(
    world: World, incident: UUID
) -> None:
    until = world.now + timedelta(seconds=1)
    before = await prove(world.engine, until=until)
    await world.later(30)
    assert (await prove(world.engine)).fingerprint != before.fingerprint
    assert await prove(world.engine, until=until) == before
    await rewrite(world, incident)
    after = await prove(world.engine, until=until)
    assert (after.breaks, after.fingerprint != before.fingerprint) == ([], True)


async def test_the_walk_is_told_as_it_goes(
    world: World, incident: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.services.proving.AT_ONCE", 2)
    steps: list[tuple[int, int]] = []
    count = await length(world, incident)
    await prove(world.engine, incident, on_progress=lambda *step: steps.append(step))
    assert steps == [(done, count) for done in range(2, count + 1, 2)]


# What others get.


async def exported(world: World, selection: Selection = Selection()) -> list[bytes]:  # noqa: B008 - a value
    return [line async for line in export(world.engine, selection)]


def verified(lines: list[bytes], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what the page for operators tells others to run."""
    (script,) = re.findall(r"```python\n(.*?)```", OPERATING.read_text("utf-8"), re.DOTALL)
    (folder / "verify.py").write_text(script)
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    command = [sys.executable, "-I", "verify.py", "journal.jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("incident")
async def test_somebody_outside_verifies_what_they_were_given_by_what_the_page_says(
    world: World, tmp_path: Path
) -> None:
    lines = await exported(world)
    proof: Proof = await prove(world.engine)
    done = verified(lines, tmp_path)
    assert (done.returncode, done.stdout) == (
        0, f"{proof.events} events in {proof.streams} streams, 0 broken\n",
    )  # fmt: skip
    middle = verified(lines[len(lines) // 2 :], tmp_path)
    assert (middle.returncode, "0 broken" in middle.stdout) == (0, True)


async def test_somebody_outside_finds_a_line_that_was_changed_left_out_or_exchanged(
    world: World, incident: UUID, tmp_path: Path
) -> None:
    lines = await exported(world, Selection(incident))
    place = next(n for n, line in enumerate(lines) if orjson.loads(line)["seq"] == 3)
    event = orjson.loads(lines[place])
    for change in ({"data": event["data"] | {"distance_m": 1}}, {"attributes": event["attributes"] | {"mode": "test"}},
                   {"seq": 4}, {"hash": 32 * "00"}):  # fmt: skip
        changed = [*lines[:place], orjson.dumps(event | change) + b"\n", *lines[place + 1 :]]
        assert verified(changed, tmp_path).returncode == 1
    without = verified([*lines[:place], *lines[place + 1 :]], tmp_path)
    assert (without.returncode, f"of stream {event['stream']} does not hold" in without.stdout) == (1, True)
    assert verified(list(reversed(lines)), tmp_path).returncode == 1


async def test_an_incident_is_given_with_its_reports_and_replies_and_nothing_else(
    world: World, incident: UUID
) -> None:
    events = [orjson.loads(line) for line in await exported(world, Selection(incident))]
    assert {event["topic"] for event in events} == {
        "incident.reports", "incident.events", "dispatch.offers", "dispatch.assignments", "volunteer.replies",
    }  # fmt: skip
    assert events[0]["attributes"]["type"] == "report.received.v1"
    assert len({event["stream"] for event in events if event["topic"] == "incident.events"}) == 1
    with pytest.raises(NotFoundError):
        await exported(world, Selection(new_id()))


@pytest.mark.usefixtures("incident")
async def test_a_time_and_an_organisation_are_given_alone(world: World) -> None:
    count = len(await exported(world))
    moment = world.now + timedelta(seconds=1)
    await world.later(30)
    before, after = (
        await exported(world, Selection(until=moment)),
        await exported(world, Selection(since=moment)),
    )
    assert (len(before), len(after) > 0) == (count, True)
    assert [*before, *after] == await exported(world, Selection(organisation=world.organisation))
    assert await exported(world, Selection(organisation=new_id())) == []


async def test_what_is_no_json_any_more_is_given_all_the_same(world: World, incident: UUID) -> None:
    await tamper(
        world, r"UPDATE journal SET body = '\xff', headers = '\xfe' WHERE stream = $1 AND seq = 2", incident
    )
    events = [orjson.loads(line) for line in await exported(world, Selection(incident))]
    (bad,) = [event for event in events if event["attributes"] is None]
    assert (bad["data"], bad["bytes"]["body"]) == (None, "/w==")
