"""The commands as they are typed, on a real database: their output, its stream, and their exit codes."""

import asyncio
import os
import re
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from rich.console import Console

from dispatch.cli import output
from dispatch.cli.commands import watch
from dispatch.cli.doctor import kafka
from dispatch.cli.main import COMMANDS, build, main
from dispatch.clock import Clock, MovableClock
from dispatch.runtime.roles import ROLES
from dispatch.services.access import keys, organisations
from dispatch.services.core.errors import OverloadedError, UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.intake.admission import Admission
from dispatch.services.operations.heartbeats import Heartbeat
from dispatch.storage import parking
from dispatch.storage.pool import open_pool, transaction
from schemas.decoding import Unreadable, decode
from tests.kafka.outside import report_message
from tests.support.world import World

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"
ID = UUID("0197a0b2-0000-7000-8000-000000000000")
CALLS = "id,kind,severity,lat,lon,occurred_at,professional_reference,description\n"


@dataclass
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        return orjson.loads(self.out)


Dispatch = Callable[..., Awaitable[Done]]


@pytest.fixture
def dispatch(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Dispatch:
    for name in [name for name in os.environ if name.startswith("DISPATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DISPATCH_POSTGRES", database)
    monkeypatch.setenv("DISPATCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(output.screen, "width", 200)

    def typed(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["dispatch", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 0
        out, err = capsys.readouterr()
        return Done(code, out, err)

    async def run(*words: object) -> Done:
        return await asyncio.to_thread(typed, *words)

    return run


@pytest.fixture
async def house(dispatch: Dispatch) -> str:
    """Make the only organisation."""
    made = await dispatch("organisations", "create", "SDIS 67", "--area", "48.1,6.9,49.1,8.3", "--json")
    return str(made.json()["id"])


def sheet(folder: Path, text: str, name: str = "sheet.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


# Misuse, failures, help.


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["report"],
        ["report", "fire.building", "--lat", "north"],
        ["report", "fire.building", "--severity", "dire"],
        ["report", "fire.building", "--lat", "48.5"],
        ["keys", "create"],
        ["keys", "revoke"],
        ["organisations", "create", "X", "--area", "1,2,3"],
        ["duty", "set"],
        ["duty", "set", "--contact", "no phone"],
        ["volunteers", "import", "/nowhere.csv"],
        ["topics", "ensure"],
        ["journal", "verify", "--until", "2026-11-27T00:00:00"],
        ["journal", "verify", "--expect", "5d0c"],
        ["journal", "export"],
        ["parking", "retry"],
        ["parking", "retry", "--reason", "x"],
        ["parking", "retry", str(ID), "--all"],
        ["parking", "discard", "--all"],
        ["parking", "discard", str(ID), "--because", " "],
    ],
)
@pytest.mark.usefixtures("house")
async def test_misuse_is_reported_on_stderr_with_exit_code_2(dispatch: Dispatch, words: list[str]) -> None:
    done = await dispatch(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.strip()
    assert "Traceback" not in done.err


async def test_without_a_database_a_command_says_what_to_set(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPATCH_POSTGRES")
    done = await dispatch("keys", "list")
    assert (done.code, "DISPATCH_POSTGRES" in done.err) == (2, True)


async def test_a_database_that_does_not_answer_is_a_failure(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_POSTGRES", "postgresql://renfort@127.0.0.1:1/renfort")
    done = await dispatch("keys", "list")
    assert (done.code, "does not answer" in done.err) == (1, True)


async def test_tables_that_are_missing_are_explained(dispatch: Dispatch, pool: asyncpg.Pool) -> None:
    await pool.execute("DROP TABLE organisations CASCADE")
    done = await dispatch("keys", "list")
    assert (done.code, "dispatch migrate" in done.err) == (1, True)


@pytest.mark.parametrize("command", sorted(COMMANDS))
async def test_every_command_has_help_with_an_example(dispatch: Dispatch, command: str) -> None:
    app = build([command])[command]
    parts = [name for name in app if not name.startswith("-")] if not app.default_command else []
    for words in [[command, part] for part in parts] or [[command]]:
        done = await dispatch(*words, "--help")
        assert done.code == 0
        assert f"dispatch {' '.join(words)}" in done.out.split("Example:")[1]


async def test_the_list_of_commands_describes_each(dispatch: Dispatch) -> None:
    done = await dispatch("--help")
    assert all(f"{name} " in done.out and about in done.out for name, (_, about) in COMMANDS.items())


# Organisations and whose command it is.


async def test_an_organisation_is_made_and_listed(dispatch: Dispatch, house: str) -> None:
    (listed,) = (await dispatch("organisations", "list", "--json")).json()
    assert (listed["id"], listed["name"], listed["south"], listed["east"]) == (house, "SDIS 67", 48.1, 8.3)
    assert "SDIS 67" in (await dispatch("organisations", "list")).out


@pytest.mark.usefixtures("house")
async def test_the_same_organisation_again_is_a_failure(dispatch: Dispatch) -> None:
    done = await dispatch("organisations", "create", "SDIS 67")
    assert (done.code, "already" in done.err) == (1, True)


async def test_an_area_may_lie_in_the_south_west(dispatch: Dispatch) -> None:
    assert (await dispatch("organisations", "create", "Rio", "--area", "-23.1,-43.8,-22.7,-43")).code == 0


async def test_among_several_organisations_one_must_be_named(dispatch: Dispatch, house: str) -> None:
    await dispatch("organisations", "create", "SDIS 68")
    unnamed = await dispatch("keys", "list")
    assert (unnamed.code, "SDIS 68" in unnamed.err) == (2, True)
    assert (await dispatch("keys", "list", "--organisation", "SDIS 68")).code == 0
    assert (await dispatch("keys", "list", "--organisation", house)).code == 0
    assert (await dispatch("keys", "list", "--organisation", "SDIS 69")).code == 1


async def test_names_are_never_taken_for_colours(dispatch: Dispatch) -> None:
    await dispatch("organisations", "create", "[red]SDIS[/red]")
    assert "[red]SDIS[/red]" in (await dispatch("organisations", "list")).out


# Keys.


async def test_a_key_is_printed_alone_and_opens(
    dispatch: Dispatch, house: str, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    done = await dispatch("keys", "create", "--scope", "console:read", "reports:write", "--holder", "codis")
    assert re.fullmatch(r"rk_[0-9a-f]+_[0-9a-f]+\n", done.out)
    key = await keys.authenticate(UnitOfWork(pool, clock), done.out.strip())
    assert (str(key.organisation), key.holder) == (house, "codis")
    assert key.scopes == {"console:read", "reports:write"}


@pytest.mark.usefixtures("house")
async def test_a_revoked_key_opens_nothing(
    dispatch: Dispatch, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    key = (await dispatch("keys", "create", "--scope", "admin")).out.strip()
    (listed,) = (await dispatch("keys", "list", "--json")).json()
    assert (await dispatch("keys", "revoke", listed["id"])).code == 0
    with pytest.raises(UnauthorizedError):
        await keys.authenticate(UnitOfWork(pool, clock), key)
    assert (await dispatch("keys", "revoke", listed["id"])).code == 1


@pytest.mark.usefixtures("house")
async def test_no_listing_shows_a_secret(dispatch: Dispatch) -> None:
    secret = (await dispatch("keys", "create", "--scope", "admin")).out.strip().split("_")[2]
    for words in (["keys", "list"], ["keys", "list", "--json"]):
        assert secret not in (await dispatch(*words)).out


@pytest.mark.usefixtures("house")
async def test_an_unknown_scope_is_refused(dispatch: Dispatch) -> None:
    done = await dispatch("keys", "create", "--scope", "everything")
    assert (done.code, "'everything' is not a scope" in done.err) == (1, True)


# Volunteers.


@pytest.mark.usefixtures("house")
async def test_a_roster_is_imported_and_each_bad_line_named(dispatch: Dispatch, tmp_path: Path) -> None:
    file = sheet(
        tmp_path,
        HEADER
        + "Ada Martin,+33639980001,fr,first_aid,48.58,7.75,1990-01-31,sms,available\n"
        + "Bea Klein,+33639980002,fr,first_aid,x,7.75,1990-01-31,sms,available\n"
        + "Carl Weiss,12,fr,first_aid,48.58,7.75,1990-01-31,sms,available\n",
    )
    done = await dispatch("volunteers", "import", file)
    assert done.code == 1
    assert re.search(r"sheet\.csv:3: lat: ", done.err)
    assert re.search(r"sheet\.csv:4: phone: ", done.err)
    (listed,) = (await dispatch("volunteers", "list", "--json")).json()
    assert (listed["name"], listed["skills"]) == ("Ada Martin", ["first_aid"])
    assert "Ada Martin" in (await dispatch("volunteers", "list")).out


@pytest.mark.usefixtures("house")
async def test_a_clean_roster_larger_than_a_chunk_is_imported_whole(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    lines = [f"V{n},+3363998{n:04d},fr,first_aid,48.58,7.75,1990-01-31,sms,available\n" for n in range(1001)]
    done = await dispatch("volunteers", "import", sheet(tmp_path, HEADER + "".join(lines)), "--json")
    assert (done.code, done.json()) == (0, {"imported": 1001, "problems": []})
    assert len((await dispatch("volunteers", "list", "--json")).json()) == 1001


@pytest.mark.usefixtures("house")
async def test_a_sheet_that_excel_saved_is_read(dispatch: Dispatch, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    line = "Zoé Müller;+33639980001;fr;first_aid;48,58;7,75;1990-01-31;sms;available\n"
    file.write_bytes((HEADER.replace(",", ";") + line).encode("cp1252"))
    assert (await dispatch("volunteers", "import", file)).code == 0
    assert (await dispatch("volunteers", "list", "--json")).json()[0]["name"] == "Zoé Müller"


# Duty order and pause.


@pytest.mark.usefixtures("house")
async def test_the_duty_order_is_set_and_listed(dispatch: Dispatch, tmp_path: Path) -> None:
    assert (
        await dispatch(
            "duty", "set", "--contact", "Anne:+33639980001", "--contact", "Paul:+33639980002:en:drills"
        )
    ).code == 0
    assert (await dispatch("duty", "list", "--json")).json() == [
        {"name": "Anne", "phone": "+33639980001", "language": "fr", "drills": False},
        {"name": "Paul", "phone": "+33639980002", "language": "en", "drills": True},
    ]
    file = sheet(tmp_path, "name,phone,language,drills\nEva,+33639980003,,yes\n")
    assert (await dispatch("duty", "set", file)).code == 0
    (eva,) = (await dispatch("duty", "list", "--json")).json()
    assert (eva["name"], eva["drills"]) == ("Eva", True)


@pytest.mark.usefixtures("house")
async def test_a_bad_line_of_a_duty_order_is_named(dispatch: Dispatch, tmp_path: Path) -> None:
    done = await dispatch("duty", "set", sheet(tmp_path, "name,phone\nEva,+33639980003\nUwe,\n"))
    assert (done.code, "sheet.csv:3" in done.err) == (1, True)
    assert (await dispatch("duty", "list", "--json")).json() == []


async def test_a_pause_lasts_until_it_is_ended(
    dispatch: Dispatch, house: str, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    uow = UnitOfWork(pool, clock)
    id_ = UUID(house)
    assert (await dispatch("pause", "--by", "Anne")).code == 0
    assert (await organisations.get(uow, id_)).paused_at is not None
    assert (await dispatch("resume")).code == 0
    assert (await organisations.get(uow, id_)).paused_at is None


# Reports.


@pytest.mark.usefixtures("house")
async def test_a_report_is_stored_with_all_its_options(dispatch: Dispatch, pool: asyncpg.Pool) -> None:
    words = [
        "report", "fire.building", "--lat", "-48.58", "--lon", "7.75", "--severity", "urgent", "--id", "C-7",
        "--reference", "SDIS-7", "--hazard", "fire", "--hazard", "traffic", "--mode", "exercise", "--json",
    ]  # fmt: skip
    done = await dispatch(*words)
    row = await pool.fetchrow("SELECT * FROM reports")
    assert row is not None
    assert (done.json()["report_id"], done.json()["repeated"]) == (str(row["id"]), False)
    assert (row["source"], row["source_id"], row["channel"], row["mode"]) == (
        "control-room", "C-7", "cli", "exercise",
    )  # fmt: skip
    data = orjson.loads(await pool.fetchval("SELECT body FROM journal"))
    assert data["professional"] == {"requested": True, "reference": "SDIS-7"}
    assert (data["position"], data["hazards"]) == ({"lat": -48.58, "lon": 7.75}, ["fire", "traffic"])


@pytest.mark.usefixtures("house")
async def test_a_report_that_is_rejected_by_overload_is_sent_again_later(
    dispatch: Dispatch, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [OverloadedError(0), OverloadedError(0)]

    async def admit(*_: object) -> None:
        if refusals:
            raise refusals.pop()

    monkeypatch.setattr(Admission, "admit", admit)
    done = await dispatch(
        "report", "medical.fall", "--severity", "routine", "--lat", "48.58", "--lon", "7.75"
    )
    assert (done.code, done.err.count("again in 0 s")) == (0, 2)
    assert await pool.fetchval("SELECT count(*) FROM reports") == 1


@pytest.mark.usefixtures("house")
async def test_the_error_for_swapped_coordinates_names_the_cause(dispatch: Dispatch) -> None:
    done = await dispatch("report", "fire.building", "--lat", "151.2", "--lon", "-33.8")
    assert (done.code, "swapped" in done.err) == (2, True)


@pytest.mark.usefixtures("house")
async def test_a_sheet_of_reports_is_taken_but_for_its_bad_lines(
    dispatch: Dispatch, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    file = sheet(
        tmp_path,
        CALLS
        + 'A,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00+01:00,S-1,"on the stairs, left"\n'
        + "B,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00,,\n"
        + "C,medical.fall,urgent,98.58,7.75,,,\n"
        + "D,medical.fall,dire,48.58,7.75,,,\n"
        + "E,medical.fall,urgent,48.58,7.75,2026-11-22T10:00:00Z,,cut, short\n"
        + "F,medical.fall,urgent,,,2026-11-22T10:00:00Z,,\n",
    )
    done = await dispatch("report", "--csv", file, "--source", "sdis")
    assert done.code == 1
    fields = re.findall(r"sheet\.csv:(\d): (\w+): ", done.err)
    assert fields == [("3", "occurred_at"), ("4", "lat"), ("5", "severity"), ("6", "description")]
    assert [r[0] for r in await pool.fetch("SELECT source_id FROM reports ORDER BY 1")] == ["A", "F"]
    assert await pool.fetchval("SELECT description FROM report_texts") == "on the stairs, left"
    again = await dispatch("report", "--csv", file, "--source", "sdis", "--json")
    assert (again.json()["accepted"], again.json()["repeated"], len(again.json()["problems"])) == (0, 2, 4)


# Plans, tables, topics.


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


# Incidents and the watch.


@pytest.fixture
async def world(pool: asyncpg.Pool, clock: MovableClock) -> World:
    world = await World(pool, clock).create()
    await world.add_people(3)
    await world.add_people(1, first_m=150, skills=("watch",))
    return world


async def test_an_incident_shows_who_was_asked_and_why_others_were_not(
    dispatch: Dispatch, world: World
) -> None:
    incident = await world.ask()
    who = (await world.asked(incident))[0]
    await world.answer(incident, who, "accepted")
    shown = await dispatch("incident", "show", incident)
    assert shown.code == 0
    for expected in (
        "incident.opened",
        "offer.extended",
        "assignment.assigned",
        "picked",
        "not picked",
        "skill",
    ):
        assert expected in shown.out
    told = (await dispatch("incident", "show", incident, "--json")).json()
    assert told["incident"]["id"] == str(incident)
    assert "search.round" in {moment["what"] for moment in told["timeline"]["moments"]}


async def test_an_incident_that_is_not_there_is_a_failure(dispatch: Dispatch, world: World) -> None:
    done = await dispatch("incident", "show", world.organisation)
    assert (done.code, "no such incident" in done.err) == (1, True)


async def test_one_picture_shows_the_situation(dispatch: Dispatch, world: World) -> None:
    incident = await world.ask()
    done = await dispatch("watch", "--once")
    assert done.code == 0
    assert str(incident)[-8:] in done.out
    for expected in ("medical.fall", "0/", "offer.extended", "1 incident ·"):
        assert expected in done.out
    assert len((await dispatch("watch", "--once", "--json")).json()["incidents"]) == 1


async def test_an_escalation_is_counted_by_level(dispatch: Dispatch, world: World) -> None:
    await world.ask(source="stranger")
    assert re.search(r"level \d: 1 open, 0 acknowledged", (await dispatch("watch", "--once")).out)


@pytest.mark.usefixtures("dispatch")
async def test_without_a_terminal_each_event_is_a_line(world: World) -> None:
    typed = [sys.executable, "-c", "from dispatch.cli.main import main; main()", "watch"]
    watching = await asyncio.create_subprocess_exec(*typed, stdout=subprocess.PIPE)
    assert watching.stdout is not None
    try:
        async with asyncio.timeout(60):
            # It starts to read at an unknown moment: continue until it has received an event.
            reading = asyncio.create_task(watching.stdout.readline())
            for number in range(100):
                await world.send(f"call-{number}")
                if (await asyncio.wait({reading}, timeout=0.5))[0]:
                    break
            assert "report.received" in (await reading).decode()
    finally:
        watching.terminate()
        await watching.wait()


async def test_the_live_picture_is_drawn_in_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class EnoughError(Exception):
        """The picture was drawn."""

    async def enough(_seconds: float) -> None:
        raise EnoughError

    incident = await world.ask()
    drawn = Console(force_terminal=True, width=160, record=True)
    monkeypatch.setattr(watch, "screen", drawn)
    monkeypatch.setattr(asyncio, "sleep", enough)
    with pytest.raises(EnoughError):
        await watch._live(world.uow, world.organisation)  # noqa: SLF001 - it runs until it is stopped
    assert str(incident)[-8:] in drawn.export_text()


# Journal and parking.


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


async def parked(world: World, reason: str = "not JSON", body: bytes = b"\xff{") -> UUID:
    """Park something that no version can read."""
    item = Unreadable(reason, "sdis", world.organisation, b"k", b"[]", body)
    async with transaction(world.pool) as connection:
        (kept,) = await parking.park(connection, "reports", "incident.reports", [item], world.now)
        await raise_parking_alerts(connection, [kept], world.now)
    return kept.id


async def test_what_was_parked_is_listed_and_shown(dispatch: Dispatch, world: World) -> None:
    name = await parked(world)
    assert "not JSON" in (await dispatch("parking", "list")).out
    shown = (await dispatch("parking", "show", name, "--json")).json()
    assert (shown["reason"], shown["body"]) == ("not JSON", "\\xff{")
    unknown = await dispatch("parking", "show", world.organisation)
    assert (unknown.code, "nothing is parked" in unknown.err) == (1, True)


async def test_what_was_parked_is_shown_to_its_end_and_steers_no_terminal(
    dispatch: Dispatch, world: World
) -> None:
    name = await parked(world, body=b'{"text":"' + 300 * b"x" + b'\x1b[2J","at":"48.85,2.35"}')
    shown = (await dispatch("parking", "show", name)).out
    assert "\x1b[2J" not in shown
    assert '\\x1b[2J","at":"48.85,2.35"}' in re.sub(r"[\s│|]", "", shown)


@pytest.mark.parametrize("address", ["postgresql://u:s3cr/et@db/x", "s3cr", "postgresql://u:p@db:s3cr/x"])
async def test_an_address_that_is_none_is_misuse_and_is_not_repeated(
    dispatch: Dispatch, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_POSTGRES", address)
    done = await dispatch("parking", "list")
    assert (done.code, "is no address of a database" in done.err, "s3cr" in done.out + done.err) == (
        2,
        True,
        False,
    )


async def test_what_is_discarded_leaves_the_list_the_doctor_and_the_pages(
    dispatch: Dispatch, world: World
) -> None:
    name = await parked(world)
    assert states(await dispatch("doctor", "--json"))["parking"] == "warn"
    done = await dispatch("parking", "discard", name, "--because", "sent by fax", "--by", "Ada", "--json")
    (outcome,) = done.json()
    assert (done.code, outcome["id"], outcome["outcome"]) == (0, str(name), "discarded")
    assert states(await dispatch("doctor", "--json"))["parking"] == "ok"
    assert await world.pool.fetchval("SELECT status FROM escalations") == "resolved"
    assert (await dispatch("parking", "list", "--json")).json() == []
    (listed,) = (await dispatch("parking", "list", "--settled", "--json")).json()
    assert (listed["outcome"], listed["settled_by"], listed["because"]) == ("discarded", "Ada", "sent by fax")
    assert "sent by fax" in (await dispatch("parking", "list", "--settled")).out


async def test_a_retry_says_of_each_what_became_of_it_and_fails_where_one_stays(
    dispatch: Dispatch, world: World
) -> None:
    name = await parked(world, "an old reason")
    done = await dispatch("parking", "retry", name, world.organisation)
    assert (done.code, "ce_specversion is missing" in done.out, "Traceback" in done.err) == (1, True, False)
    assert f"{name}: refused: " in done.err
    assert f"{world.organisation}: unknown: " in done.err
    assert "2 messages of 2 still unresolved" in done.err
    assert (await dispatch("parking", "list", "--json")).json()[0]["reason"] != "an old reason"


async def test_a_parked_report_of_days_ago_opens_its_incident_only_when_a_human_insists(
    dispatch: Dispatch, world: World
) -> None:
    house = uuid4()
    message = report_message(house, "1", at=world.now.isoformat())
    record = decode("incident.reports", message.key, message.headers, message.body)
    assert record is not None
    await world.deliver("incident.reports", [record])
    await world.pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'X', $2)", house, world.now
    )
    stale = await dispatch("parking", "retry", "--all")
    assert (stale.code, "stale" in stale.out, "report it again, or use --even-stale" in stale.err) == (
        1, True, True,
    )  # fmt: skip
    done = await dispatch("parking", "retry", "--all", "--even-stale", "--json")
    (outcome,) = done.json()
    incident = await world.pool.fetchval("SELECT id FROM incidents WHERE organisation = $1", house)
    assert (done.code, outcome["outcome"], str(incident) in outcome["detail"]) == (0, "retried", True)
    assert outcome["age_s"] > 900
    assert (
        await world.pool.fetchval("SELECT status FROM escalations WHERE reason LIKE 'parked:%'") == "resolved"
    )


async def test_all_of_one_topic_and_reason_are_seen_to_together(dispatch: Dispatch, world: World) -> None:
    for number in range(3):
        await parked(world, f"lat: less than {number}", body=b"%d" % number)
    await parked(world, "the body is missing", body=b"")
    selected = ["--all", "--source-topic", "incident.reports", "--reason", "LAT:"]
    assert len((await dispatch("parking", "retry", *selected, "--json")).json()) == 3
    assert (await dispatch("parking", "discard", "--all", "--reason", "the body", "--because", "x")).code == 0
    assert len((await dispatch("parking", "list", "--json")).json()) == 3
    assert await world.pool.fetchval("SELECT status FROM escalations") == "raised"
    assert (await dispatch("parking", "discard", "--all", "--because", "x")).code == 0
    assert await world.pool.fetchval("SELECT status FROM escalations") == "resolved"


# Doctor.


def states(done: Done) -> dict[str, str]:
    return {found["what"]: found["state"] for found in done.json()}


@pytest.mark.usefixtures("house")
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
        "processes": "ok", "heartbeats": "ok", "versions": "ok", "clock": "ok", "tables": "ok",
        "load": "ok", "outbox": "ok", "agenda": "ok", "reading": "ok",
        "parking": "ok", "partitions": "ok", "duty of SDIS 67": "ok", "Kafka": "ok", "copies": "ok",
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
