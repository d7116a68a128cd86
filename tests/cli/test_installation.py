"""The commands that prepare and check an installation: plans, tables, topics, doctor."""

import os
import re
from pathlib import Path

import asyncpg
import pytest

from dispatch.cli.doctor import kafka
from dispatch.clock import Clock
from dispatch.runtime.roles import ROLES
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.operations.heartbeats import Heartbeat
from dispatch.storage.pool import open_pool
from tests.cli.invocations import Dispatch, sheet, states
from tests.support.world import World


async def test_the_shipped_plans_hold(dispatch: Dispatch) -> None:
    done = await dispatch("plans", "check")
    assert (done.code, "cardiac-arrest" in done.out) == (0, True)


async def test_a_plan_with_an_error_is_named_by_file_line_and_field(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    text = "name: default\ntitle: {fr: Sinon, en: Else}\nprofessional: perhaps\n"
    sheet(tmp_path, text, "default.yaml")
    done = await dispatch("plans", "check", tmp_path)
    assert done.code == 1
    assert re.search(r"default\.yaml:3: professional: ", done.err)


async def test_migrating_twice_changes_nothing(dispatch: Dispatch) -> None:
    assert (await dispatch("migrate", "--json")).json() == {"applied": []}


async def test_an_empty_database_is_migrated(
    dispatch: Dispatch, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await pool.fetchval("SELECT current_database() || '_empty'")
    await pool.execute(f"CREATE DATABASE {name}")
    dsn = os.environ["DISPATCH_POSTGRES"]
    monkeypatch.setenv("DISPATCH_POSTGRES", dsn.replace(name.removesuffix("_empty"), name))
    try:
        assert "0001_engine.sql" in (await dispatch("migrate")).out
        assert (await dispatch("organisations", "create", "SDIS 67")).code == 0
    finally:
        await pool.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_topics_are_made_once(
    dispatch: Dispatch, broker_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_KAFKA", broker_address)
    assert (await dispatch("topics", "ensure")).code == 0
    assert (await dispatch("topics", "ensure", "--json")).json() == {"created": []}


@pytest.mark.usefixtures("organisation")
async def test_a_sound_installation_is_found_sound(
    dispatch: Dispatch, database: str, broker_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_KAFKA", broker_address)
    await dispatch("topics", "ensure")
    await dispatch("duty", "set", "--contact", "Anne:+33639980001")
    processes = await open_pool(database, application="tests")
    clock = Clock()
    await clock.sample(processes)
    await Heartbeat(UnitOfWork(processes, clock), ROLES).beat()
    done = await dispatch("doctor", "--json")
    # The tests' server does not flush, their broker cannot tell, and nothing was ever erased.
    assert states(done) == {
        "database": "ok", "durability": "warn", "connections": "ok", "transactions": "ok", "queues": "ok",
        "sending": "ok", "skills and kinds": "ok",
        "processes": "ok", "heartbeats": "ok", "versions": "ok", "clock": "ok", "tables": "ok",
        "load": "ok", "outbox": "ok", "agenda": "ok", "reading": "ok",
        "parking": "ok", "partitions": "ok", "duty of SDIS 67": "ok", "pages of SDIS 67": "ok",
        "Kafka": "ok", "copies": "ok",
        "topic settings": "ok", "consumers": "warn", "plans": "ok", "gateway": "warn", "disk": "ok",
        "retention": "warn",
    }  # fmt: skip
    assert done.code == 0
    processes.terminate()
    assert "Kafka" in (await dispatch("doctor")).out


async def test_what_is_missing_is_named(
    dispatch: Dispatch, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "PATIENCE_S", 2.0)
    monkeypatch.setenv("DISPATCH_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("DISPATCH_PLANS", str(tmp_path / "none"))
    monkeypatch.setenv("DISPATCH_KANNEL_URL", "http://127.0.0.1:13013")
    await world.ask()
    await world.pool.execute("UPDATE agenda SET due_at = '2020-01-01'")
    await world.pool.execute("DELETE FROM migrations WHERE name LIKE '0002%'")
    await world.pool.execute("UPDATE organisations SET paused_at = '2020-01-01'")
    done = await dispatch("doctor", "--json")
    found = states(done)
    failing = {what for what, state in found.items() if state == "fail"}
    assert {"tables", "processes", "agenda", "duty of SDIS 67", "Kafka", "plans", "gateway"} <= failing
    assert found["offers of SDIS 67"] == "warn"
    assert done.code == 1


async def test_an_absent_database_is_a_finding(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_POSTGRES", "postgresql://renfort@127.0.0.1:1/renfort")
    done = await dispatch("doctor", "--json")
    assert (done.code, states(done)["database"]) == (1, "fail")
