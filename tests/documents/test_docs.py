"""The hand-written pages: their links resolve, and the commands and settings that they name exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.decoding import Received, decode
from schemas.reports import ReportReceived
from tests.documents import retention_table
from tests.documents.reference import commands, variables

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
COMMAND = re.compile(r"(?:^|`|&& |\"\$RESTORED\" |DATA=\S+ )dispatch ([a-z]+)(?: ([a-z-]+))?", re.MULTILINE)
SETTING = re.compile(r"\bDISPATCH_([A-Z]+(?:_[A-Z]+)*)")
SECRET = re.compile(r"Bearer (?!%s)|\brk_|password=|--password|--secret|--token|\$DISPATCH_POSTGRES")
SHELL = re.compile(r"\s*(export|echo|printf|read|\(umask)\b")
FOR_TESTS = {"REAL_DATA"}
KNOWN = {command.strip("`").removeprefix("dispatch ") for command, _, _ in commands()}


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unknown_commands(text: str) -> Iterator[str]:
    for first, second in COMMAND.findall(text):
        if first not in KNOWN and f"{first} {second}" not in KNOWN:
            yield f"dispatch {first} {second}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_resolves(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_setting_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    assert list(unknown_commands(text)) == []
    assert {name.lower() for name in set(SETTING.findall(text)) - FOR_TESTS} <= {
        name.removeprefix("DISPATCH_").lower() for name, _ in variables()
    }


def commands_with_secrets(text: str) -> Iterator[str]:
    """Yield the lines of code, on a page or indented in a list, that give a program a secret as an argument."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```$|((?:^ {7}.*\n)+)", text, re.MULTILINE | re.DOTALL):
        for line in "".join(block).splitlines():
            # What the shell does by itself is no argument of a program.
            if SECRET.search(line) and not SHELL.match(line):
                yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_has_a_secret_among_its_arguments(page: Path) -> None:
    assert list(commands_with_secrets(page.read_text("utf-8"))) == []


def test_no_option_of_a_command_takes_a_secret() -> None:
    options = {word for command, _, example in commands() for word in f"{command} {example}".split()}
    assert not [word for word in options if re.match("--(password|secret|token|key$)|rk_", word)]


def test_a_secret_among_arguments_is_detected() -> None:
    for line in (
        'curl -H "Authorization: Bearer $KEY" x', "curl -u a:rk_1", "tool --password x", "q --data password=x",
        'psql -d "$DISPATCH_POSTGRES"',
    ):  # fmt: skip
        assert list(commands_with_secrets(f"```sh\n{line}\n```\n")) == [line]
    for line in ("curl -H @a.key x", "export A=rk_1", "curl --data-urlencode password@file"):
        assert list(commands_with_secrets(f"```sh\n{line}\n```\n")) == []


def test_the_retention_table_in_the_manual_is_current() -> None:
    wanted = "put in docs/operating.md what `python -m tests.documents.retention_table` prints"
    assert retention_table.current() in (ROOT / "docs/operating.md").read_text("utf-8"), wanted


def test_the_record_of_a_report_in_the_manual_is_read_as_it_is_shown() -> None:
    section = (ROOT / "docs/operating.md").read_text("utf-8").split("### Reports on the topic")[1]
    headers, body = re.findall(r"```(?:json)?\n(.*?)```", section, re.DOTALL)[:2]
    pairs = tuple(
        (name, value.encode()) for name, value in re.findall(r"^(\S+): (.*)$", headers, re.MULTILINE)
    )
    record = decode("incident.reports", b"cad/4711", pairs, body.encode())
    assert isinstance(record, Received)
    assert (type(record.data), record.mode) == (ReportReceived, "actual")


def test_an_unknown_command_is_detected() -> None:
    assert list(unknown_commands("`dispatch fly` and\ndispatch keys eat\ndispatch doctor")) == [
        "dispatch fly ", "dispatch keys eat",
    ]  # fmt: skip
