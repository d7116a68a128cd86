"""The AsyncAPI document: committed as generated, whole, and true of every golden message."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dispatch.cli.asyncapi import document, render
from schemas.generations import upcast
from schemas.topics import TOPICS
from tests.contract.examples import GOLDEN

COMMITTED = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
DOCUMENT = document()


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def follow(reference: str) -> Any:  # noqa: ANN401 - any node
    node = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.read_text("utf-8") == render(), (
        "run: python -m dispatch.cli.asyncapi > docs/asyncapi.yaml"
    )


def test_the_document_is_read_back_as_it_was_made() -> None:
    assert yaml.safe_load(render()) == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    assert all(follow(reference) for reference in references(DOCUMENT))


def test_every_topic_is_there_with_its_messages() -> None:
    assert {name: list(channel["messages"]) for name, channel in DOCUMENT["channels"].items()} == {
        topic.name: [model.type for model in topic.models] for topic in TOPICS
    }


def test_every_field_has_a_privacy_class() -> None:
    schemas = {
        name: schema for name, schema in DOCUMENT["components"]["schemas"].items() if "Headers" not in name
    }
    unclassed = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, node in schema.get("properties", {}).items()
        if node.get("x-privacy") not in ("public", "operational", "personal", "sensitive")
    ]
    assert unclassed == []


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_golden_message_fits_the_document(path: Path) -> None:
    golden = json.loads(path.read_text("utf-8"))
    newest, body = upcast(path.stem, json.dumps(golden["body"]).encode())
    message = follow(DOCUMENT["channels"][golden["topic"]]["messages"][newest]["$ref"])
    assert newest == path.stem or path.stem in message["x-reads"]
    jsonschema.Draft7Validator(DOCUMENT | message["headers"]).validate(golden["headers"])
    jsonschema.Draft7Validator(DOCUMENT | message["payload"]).validate(json.loads(body))


def test_the_document_rejects_an_invalid_message() -> None:
    golden = json.loads((GOLDEN / "offer.extended.v2.json").read_text("utf-8"))
    schema = DOCUMENT | DOCUMENT["components"]["messages"]["offer.extended.v2"]["payload"]
    del golden["body"]["offer_id"]
    with pytest.raises(jsonschema.ValidationError, match="offer_id"):
        jsonschema.Draft7Validator(schema).validate(golden["body"])
