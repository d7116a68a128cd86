"""What others wrote is printed as text: it neither controls the terminal nor turns the writing round."""

import io
import os
import pwd

import orjson
import pytest
import structlog
from rich.table import Table
from rich.text import Text

from dispatch.cli import output
from dispatch.cli.commands import up
from dispatch.cli.terminal import Terminal, harmless, harmless_json
from dispatch.config import Settings
from dispatch.logs import escape

HOSTILE = "\x1b]0;owned\x07 \x9b2J \u202egnorw\u2066 \u2028 \x7f \U000e0041 ok"
DANGEROUS = set(HOSTILE) - set("]0;owned 2Jgrk")


def printed(what: object, **options: object) -> str:
    file = io.StringIO()
    Terminal(file=file, force_terminal=True, width=200, color_system=None).print(what, **options)  # type: ignore[arg-type]
    return file.getvalue()


def test_no_table_and_no_sentence_passes_a_control_character_on() -> None:
    table = Table(HOSTILE.replace("[", ""))
    table.add_row(Text(HOSTILE))
    for what in (HOSTILE, Text(HOSTILE), table, Text.assemble(("a", "red"), HOSTILE)):
        text = printed(what, markup=False)
        assert not DANGEROUS & set(text)
        assert "\\x1b" in text
    for what in (HOSTILE, output.table("", ("what",), [[HOSTILE]])):
        assert "\\x9b2J \\u202egnorw\\u2066" in printed(what, markup=False)


def test_french_typography_stays() -> None:
    assert (
        harmless("À traiter\u00a0: 3 «\u202fici\u202f» 🚒\n") == "À traiter\u00a0: 3 «\u202fici\u202f» 🚒\n"
    )


def test_json_keeps_its_value_and_escapes_what_controls_a_terminal() -> None:
    value = {HOSTILE: [HOSTILE, "é 🚒"]}
    text = harmless_json(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    assert not DANGEROUS & set(text)
    assert orjson.loads(text) == value
    assert "é 🚒" in text


def test_errors_that_repeat_what_was_given_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        output.fail(f"there is no {HOSTILE}")
    output.print_json(HOSTILE)
    output.print_json_line(HOSTILE)
    said = capsys.readouterr()
    assert not DANGEROUS & set(said.out + said.err)


def test_the_log_in_a_terminal_is_harmless() -> None:
    entry = escape(None, "info", {"event": "parked", "source": HOSTILE, "count": 1})
    assert not DANGEROUS & set(structlog.dev.ConsoleRenderer(colors=False)(None, "info", entry))


@pytest.mark.parametrize("uid", [0, 1000])
def test_started_as_root_it_says_what_that_means_and_who_runs_the_database(
    monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    said: list[str] = []
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(up, "warning", said.append)
    up.warn_of_root(Settings())
    assert len(said) == (2 if uid == 0 else 0)
    if said:
        assert "running as root" in said[0]
        assert any(repr(user.pw_name) in said[1] for user in pwd.getpwall())
