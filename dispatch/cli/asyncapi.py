"""The AsyncAPI document, generated from the topics, their models and the subscriptions.

Run as a module it prints the document: `python -m dispatch.cli.asyncapi > docs/asyncapi.yaml`.
"""

import sys
from collections.abc import Iterator
from typing import Any, get_args

import orjson
import yaml
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from dispatch.services.subscriptions import SUBSCRIPTIONS, Subscription
from schemas.base import Event, Mode, Privacy
from schemas.decoding import LARGEST_BODY
from schemas.generations import UPCASTS
from schemas.topics import TOPICS, Topic

Node = dict[str, Any]

BINDING = "0.5.0"
DESCRIPTION = f"""\
Renfort calls the volunteers near an incident until every seat that it needs is filled.

Every message is a CloudEvent 1.0 in Kafka's binary mode: attributes in headers, a JSON body of at most
{LARGEST_BODY} bytes. A type ends in its version. Readers ignore types and fields that they do not know,
except in reports, where an unknown field is an error. An event may come more than once, with the same `ce_id`
from the same `ce_source`. `ce_generation` is raised when fields or members are added: a reader that cannot read an
event of a higher generation than its own waits to be upgraded. `x-reads` names the versions of a type that are read.
`x-privacy` classes every field as public, operational, personal or sensitive.
"""
TEXT = {"type": "string", "minLength": 1}
MOMENT = {"type": "string", "format": "date-time"}
HEADERS: dict[str, Node] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": TEXT | {"description": "Unique within its source."},
    "ce_source": TEXT | {"description": "The writer; `renfort` for events of Renfort."},
    "ce_type": TEXT | {"description": "The type of the event, with the version of its body."},
    "ce_organisation": {"type": "string", "format": "uuid"},
    "ce_mode": {"enum": list(get_args(Mode)), "description": "Only `actual` pages people."},
    "ce_time": MOMENT | {"description": "Time of the occurrence."},
    "ce_receivedtime": MOMENT | {"description": "Time of the receipt by Renfort."},
    "ce_recordedtime": MOMENT | {"description": "Time of the commit."},
    "ce_subject": TEXT | {"description": "The subject of the event, such as the id of an incident."},
    "ce_partitionkey": TEXT | {"description": "The key of the record."},
    "ce_sequence": {"type": "string", "pattern": "^[0-9]{20}$", "description": "Its place in its stream."},
    "ce_generation": {
        "type": "string",
        "pattern": "^[0-9]{1,6}$",
        "description": "The generation that a reader must know to read the event.",
    },
    "content-type": {"const": "application/json"},
}
REQUIRED_FROM_OUTSIDE = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_organisation"]


class _Untitled(GenerateJsonSchema):
    """Leave out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


class _Dumper(yaml.SafeDumper):
    """Write paragraphs as paragraphs."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def render() -> str:
    """Write the document as YAML."""
    return yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def document() -> Node:
    """Build the document; no part is shared between two places of it."""
    whole: Node = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Renfort",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: node for topic in TOPICS for name, node in _operations(topic)},
        "components": {
            "messages": {model.type: _message(topic, model) for topic in TOPICS for model in topic.models},
            "schemas": _schemas(),
        },
    }
    plain: Node = orjson.loads(orjson.dumps(whole))
    return plain


def _channel(topic: Topic) -> Node:
    policy = ["compact", "delete"] if topic.compact else ["delete"]
    configuration = {"cleanup.policy": policy, "retention.ms": topic.retention_ms}
    return {
        "address": topic.name,
        "description": f"Keyed by {topic.key}.",
        "messages": {model.type: _ref("messages", model.type) for model in topic.models},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
        "x-writers": topic.writers,
        "x-readers": [one.consumer for one in _readers(topic)],
        "x-recovered-from": topic.recover,
    }


def _operations(topic: Topic) -> Iterator[tuple[str, Node]]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    for writer in topic.writers:
        if writer != "outside":
            yield f"{writer}.sends.{topic.name}", {"action": "send", "channel": channel}
    for one in _readers(topic):
        receives: Node = {"action": "receive", "channel": channel, "summary": one.purpose}
        yield f"{one.consumer}.receives.{topic.name}", receives


def _readers(topic: Topic) -> list[Subscription]:
    return [one for one in SUBSCRIPTIONS if one.topic == topic.name]


def _message(topic: Topic, model: type[Event]) -> Node:
    return {
        "name": model.type,
        "summary": (model.__doc__ or "").strip(),
        "headers": _ref("schemas", "HeadersFromOutside" if "outside" in topic.writers else "Headers"),
        "payload": _ref("schemas", model.__name__),
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": BINDING}},
        "x-reads": [model.type, *(old for old, (new, _) in UPCASTS.items() if new == model.type)],
    }


def _schemas() -> Node:
    events = [model for topic in TOPICS for model in topic.models]
    _, made = models_json_schema(
        [(model, "validation") for model in events],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Untitled,
    )
    schemas: Node = made["$defs"]
    for model in {inner for event in events for inner in models_within(event)}:
        properties = schemas[model.__name__].get("properties", {})
        for name, field in model.model_fields.items():
            [privacy] = [mark for mark in field.metadata if isinstance(mark, Privacy)]
            properties[name] = _classed(properties[name], privacy)
    return {
        "Headers": _headers([name for name in HEADERS if name != "ce_generation"]),
        "HeadersFromOutside": _headers(REQUIRED_FROM_OUTSIDE),
    } | schemas


def _headers(needed: list[str]) -> Node:
    return {"type": "object", "properties": HEADERS, "required": needed}


def models_within(annotation: object) -> Iterator[type[BaseModel]]:
    """Find every model that a type holds, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_within(field.annotation)
    for part in get_args(annotation):
        yield from models_within(part)


def _classed(schema: Node, privacy: Privacy) -> Node:
    # Beside a reference other words are ignored.
    reference = schema.pop("$ref", None)
    whole = {"allOf": [{"$ref": reference}]} | schema if reference else schema
    return whole | {"x-privacy": privacy.value}


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


if __name__ == "__main__":
    sys.stdout.write(render())
