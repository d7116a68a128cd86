"""The quick start, command by command as it is written, with `curl` alone."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.installed import Up, dispatch_up, environment, eventually

PAGE = Path(__file__).parents[2] / "docs" / "quick-start.md"
COMMAND = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SMS = re.compile(r"SMS to (\S+)  (.*)")
LINK = re.compile(r"http://\S+/a/\w+")

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
    # It waits a real minute for an offer to expire.
    pytest.mark.timeout(240),
]


@dataclass
class Reader:
    """A user who types the commands of the page, one after the other, in one terminal."""

    up: Up
    folder: Path
    known: dict[str, str]
    commands: Iterator[str] = field(default_factory=lambda: iter(COMMAND.findall(PAGE.read_text())))

    def next(self, name: str) -> str:
        """Run the next command of the page, which must contain the name; return its output."""
        command = next(self.commands)
        assert name in command
        script = f"{command}\nenv -0 > environment"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder, env=self.known, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        assert ran.returncode == 0, (command, ran.stderr, ran.stdout)
        lines = (self.folder / "environment").read_text().split("\0")
        self.known = dict(line.split("=", 1) for line in lines if line)
        return ran.stdout

    def in_background(self, name: str) -> Path:
        """Run the next command in a terminal of its own, until the end; return where it prints."""
        command = next(self.commands)
        assert name in command
        printed = self.folder / "stream.txt"
        with printed.open("wb") as out:
            subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.known, stdout=out)
        return printed

    def messages(self, words: str) -> dict[str, str]:
        """Return the messages with this text in the first terminal, by phone."""
        return {phone: text for phone, text in SMS.findall(self.up.said) if words in text}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Start Renfort as the page instructs, and paste what it instructs to paste."""
    with dispatch_up(tmp_path / "data") as up:
        up.until_ready()
        for holder, key in up.keys.items():
            (tmp_path / f"{holder}.key").write_text(f"Authorization: Bearer {key}\n")
        yield Reader(up, tmp_path, environment(tmp_path / "data") | {"RENFORT": up.url})


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_quick_start_works_as_it_is_written(reader: Reader) -> None:
    stream = reader.in_background("/v1/stream")
    assert '"registered":10' in reader.next("/v1/volunteers/import")
    reader.next("/v1/duty-contacts")
    reader.next("/v1/reports")

    eventually(lambda: len(reader.messages("Can you go?")) == 7, "seven messages")
    volunteer, text = next(iter(reader.messages("Can you go?").items()))
    reader.known["LINK"] = LINK.findall(text)[0]
    assert 'value="accepted"' in reader.next("$LINK")
    assert "Answer received" in reader.next("answer=accepted")
    eventually(lambda: "assignment.assigned" in stream.read_text(), "the assignment on the stream")
    eventually(lambda: volunteer in reader.messages("you are expected"), "thanks")

    eventually(lambda: "escalation.raised" in stream.read_text(), "the escalation", seconds=60)
    assert '"reason":"uncovered"' in reader.next("/v1/escalations")
    assert "nearest who may be asked" in reader.next("/timeline")
    # The seven, and the one who was asked in place of who said yes: their offers end within moments of each other.
    first = reader.messages("Can you go?").keys()
    eventually(lambda: "offer.expired" in stream.read_text(), "an offer expired", seconds=30)
    latest = eventually(lambda: reader.messages("Can you go?").keys() - first, "the next are asked")

    assert '"status":"aborted"' in reader.next("/abort")
    told = {volunteer} | latest
    eventually(lambda: told <= reader.messages("DO NOT APPROACH").keys(), "both told")
    assert next(reader.commands, None) is None, "every command of the page was run"
    assert reader.up.stop() == 0
