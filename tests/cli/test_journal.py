"""The journal commands: verify, export and rebuild."""

import os
import stat
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import asyncpg
import orjson
import pytest

from tests.cli.invocations import ID, Dispatch
from tests.support.world import World


async def test_an_untouched_journal_verifies_and_a_changed_one_does_not(
    dispatch: Dispatch, world: World, pool: asyncpg.Pool
) -> None:
    incident = await world.ask()
    assert (await dispatch("journal", "verify")).code == 0
    unknown = await dispatch("journal", "verify", "--stream", world.organisation)
    assert (unknown.code, "there is no stream" in unknown.err) == (1, True)
    await pool.execute("UPDATE journal SET body = 'x' WHERE stream = $1 AND seq = 2", incident)
    done = await dispatch("journal", "verify")
    assert done.code == 1
    assert f"stream {incident}, event 2: its bytes were changed (topic dispatch.offers, " in done.err
    assert f"incident {incident}" in done.err
    assert (await dispatch("journal", "verify", "--json")).json()["breaks"][0]["seq"] == 2


async def test_a_stored_fingerprint_shows_whether_the_journal_was_changed(
    dispatch: Dispatch, world: World, pool: asyncpg.Pool
) -> None:
    await world.ask()
    words = ["journal", "verify", "--until", "2027-01-01T00:00:00Z"]
    kept = (await dispatch(*words, "--json")).json()["fingerprint"]
    assert (await dispatch(*words, "--expect", kept.upper())).code == 0
    await pool.execute(
        "TRUNCATE journal, outbox, inbox, incidents, reports, escalations, agenda, messages CASCADE"
    )
    done = await dispatch(*words, "--expect", kept)
    assert (done.code, "have changed" in done.err) == (1, True)


async def test_the_journal_is_written_to_a_file_that_is_there_whole_or_not_at_all(
    dispatch: Dispatch, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> AsyncIterator[bytes]:
        yield b"half"
        raise asyncpg.ConnectionDoesNotExistError("away")

    incident = await world.ask()
    file = tmp_path / "journal.jsonl"
    done = await dispatch("journal", "export", "--incident", incident, "--output", file)
    written = file.read_bytes()
    assert (done.code, done.out, sha256(written).hexdigest() in done.err) == (0, "", True)
    assert orjson.loads(written.splitlines()[-1])["stream"] == str(incident)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = await dispatch("journal", "export", "--output", file)
    assert (again.code, "--force" in again.err, file.read_bytes()) == (1, True, written)
    with monkeypatch.context() as patch:
        patch.setattr("dispatch.services.operations.journal_export.export", broken)
        assert (await dispatch("journal", "export", "--output", file, "--force")).code == 1
    assert [name for name in os.listdir(tmp_path) if "jsonl" in name] == [file.name]  # noqa: PTH208
    assert file.read_bytes() == written
    assert (await dispatch("journal", "export", "--output", file, "--force")).code == 0
    assert len(file.read_bytes().splitlines()) == await world.pool.fetchval("SELECT count(*) FROM journal")
    printed = await dispatch("journal", "export", "--output", "-", "--organisation", "SDIS 67")
    assert printed.out.encode() == file.read_bytes()
    nowhere = await dispatch("journal", "export", "--output", tmp_path / "away" / "journal.jsonl")
    assert (nowhere.code, "journal.jsonl cannot be written" in nowhere.err.replace("\n", "")) == (2, True)
    unknown = await dispatch("journal", "export", "--incident", ID, "--output", "-")
    assert (unknown.code, "no such incident" in unknown.err) == (1, True)


async def test_tables_that_differ_from_the_journal_are_found_and_rebuilt(
    dispatch: Dispatch, world: World, pool: asyncpg.Pool
) -> None:
    incident = await world.ask()
    assert (await dispatch("journal", "rebuild", "--check")).code == 0
    await pool.execute("UPDATE incidents SET ring = 9 WHERE id = $1", incident)
    differs = await dispatch("journal", "rebuild", "--check")
    assert (differs.code, str(incident) in differs.err) == (1, True)
    assert (await dispatch("journal", "rebuild")).code == 0
    assert (await dispatch("journal", "rebuild", "--check", "--json")).json() == {"differences": []}
