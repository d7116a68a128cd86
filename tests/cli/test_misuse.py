"""Misuse, unusable databases and the help of the commands."""

from pathlib import Path

import asyncpg
import pytest

from dispatch.cli.addresses import write_addresses
from dispatch.cli.main import COMMANDS, build
from dispatch.config import Settings
from tests.cli.invocations import ID, Dispatch


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
@pytest.mark.usefixtures("organisation")
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


@pytest.mark.parametrize(
    "lacking", ["DROP TABLE organisations CASCADE", "ALTER TABLE organisations DROP COLUMN alarm_phone"]
)
async def test_tables_of_an_older_version_are_explained(
    dispatch: Dispatch, pool: asyncpg.Pool, lacking: str
) -> None:
    await pool.execute(lacking)
    for words in (("keys", "list"), ("doctor",)):
        done = await dispatch(*words)
        assert (done.code, "dispatch migrate" in done.out + done.err) == (1, True)


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


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "HTTP",
            "8080",
            "must be a host and a port; there is '8080'; for example DISPATCH_HTTP=0.0.0.0:8080",
        ),
        (
            "REPLICATION",
            "many",
            "must be a whole number; there is 'many'; for example DISPATCH_REPLICATION=3",
        ),
        ("LOG", "loud", "must be debug, info, warning or error; there is 'loud'"),
        ("KAFKA_MECHANISM", "PLAIN", "must be SCRAM-SHA-256 or SCRAM-SHA-512; there is 'PLAIN'"),
        (
            "PUBLIC_URL",
            "renfort",
            "must be an address, such as https://renfort.example.org; there is 'renfort'",
        ),
        ("PROXIES", "proxy", "must be addresses or networks; proxy is none"),
    ],
)
async def test_a_setting_that_is_not_valid_is_named_with_what_is_allowed_and_an_example(
    dispatch: Dispatch, name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DISPATCH_{name}", value)
    done = await dispatch("keys", "list")
    assert done.code == 2
    assert f"DISPATCH_{name}: {said}" in done.err


@pytest.mark.parametrize("words", [("watch",), ("watch", "--once"), ("duty", "list"), ("doctor",)])
async def test_where_renfort_is_stopped_commands_say_how_to_start_it(
    dispatch: Dispatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("DISPATCH_POSTGRES")
    Settings().folder.mkdir(parents=True)
    write_addresses(Settings().folder, postgres=f"postgresql://renfort@/renfort?host={tmp_path}", kafka="")
    done = await dispatch(*words)
    said = " ".join((done.out + done.err).split())
    assert (done.code, "Renfort is not running: start `dispatch up` with DISPATCH_DATA=" in said) == (1, True)
