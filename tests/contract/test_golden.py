"""Golden files: every message that was ever written can still be read, for ever."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from schemas.decoding import Received, decode, revive
from schemas.generations import GENERATION, OLDEST, UPCASTS, encode
from schemas.incidents import IncidentClosed
from schemas.topics import MODELS
from tests.contract.examples import GOLDEN, example
from tests.support.plain_journal import Envelope, headers

FILES = sorted(GOLDEN.glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> dict[str, Any]:
    path: Path = request.param
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert content["headers"]["ce_type"] == path.stem
    return content


def read(golden: dict[str, Any]) -> Received:
    pairs = [(name, value.encode()) for name, value in golden["headers"].items()]
    received = decode(golden["topic"], golden["key"].encode(), pairs, json.dumps(golden["body"]).encode())
    assert isinstance(received, Received)
    return received


def test_every_type_has_a_golden_file() -> None:
    missing = set(MODELS) - {path.stem for path in FILES}
    assert not missing, "run: python -m tests.contract.examples"


def test_no_type_was_ever_taken_away() -> None:
    assert {path.stem for path in FILES} - set(MODELS) - set(UPCASTS) == set()


def test_every_field_of_a_golden_body_is_read_and_written_alike(golden: dict[str, Any]) -> None:
    data = read(golden).data
    assert data is not None
    generation = GENERATION if data.type == golden["headers"]["ce_type"] else OLDEST
    type_, body = encode(data, generation)
    written = json.loads(body)
    assert type_ == golden["headers"]["ce_type"]
    assert {name: written.get(name) for name in golden["body"]} == golden["body"]


def test_an_outcome_written_for_release_0_1_0_is_read_again() -> None:
    closed = example(IncidentClosed)
    type_, body = encode(closed, OLDEST)
    assert (type_, revive(type_, body)) == ("incident.closed.v1", closed)


def test_the_headers_of_a_golden_message_are_written_alike(golden: dict[str, Any]) -> None:
    received = read(golden)
    shared = {field.name for field in fields(Envelope)} & {field.name for field in fields(Received)}
    envelope = Envelope(
        **{name: getattr(received, name) for name in shared},
        subject=golden["key"],
        generation=int(golden["headers"].get("ce_generation", OLDEST)),
    )
    written = {name: value.decode() for name, value in headers(envelope)}
    # Release 0.1.0 wrote no generation.
    assert written | golden["headers"] == written
    assert written.keys() - golden["headers"].keys() <= {"ce_generation"}
