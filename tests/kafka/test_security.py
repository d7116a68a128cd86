"""Kafka with TLS and passwords: all roles work, and a rejected connection is explained."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import get_args

import orjson
import pytest
import trustme
from structlog.testing import capture_logs

from dispatch.clock import Clock
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.runtime.kafka_connection import Cluster
from dispatch.runtime.node import Node
from dispatch.runtime.roles import Role
from dispatch.runtime.wiring import Wiring
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.plans.plan_files import load
from producers.kafka.errors import KafkaAccessError, TopicsError
from producers.kafka.topics import administration, cluster_id, ensure
from schemas.topics import BY_NAME
from tests.cli.installed import DISPATCH, environment
from tests.kafka.support.cluster import free_ports, skip_without_java
from tests.kafka.support.secured import Grant, Secured, password
from tests.kafka.support.workers import LISTENERS, Station
from tests.support.site import until

pytestmark = [pytest.mark.timeout(240)]

MANUAL = Path(__file__).parents[2] / "docs" / "operating.md"
ENSURER = "topics-ensure"
WHAT = (("describe", "topic"), ("read", "topic"), ("write", "topic"), ("create", "topic"), ("read", "group"))
LOOKED_AT = ("Kafka", "copies", "topic settings", "consumers")
EVERYBODY, NEWCOMER = "everybody", "newcomer"


def rows() -> Iterator[tuple[list[str], list[list[str]]]]:
    """Read the manual's table: the role, and the names in each of the other columns."""
    text = MANUAL.read_text("utf-8")
    table = text[text.index("| who | may describe |") :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        who, *columns = (re.findall(r"`([^`]+)`|(?<= )(all)(?= )", cell) for cell in line.split("|")[1:-1])
        yield [a for a, _ in who], [[a or b for a, b in names] for names in columns]


def manual() -> Iterator[Grant]:
    """Return the grants that the manual lists for each role, and all of them for one more user."""
    for who, columns in rows():
        for (operation, kind), names in zip(WHAT, columns, strict=True):
            for name in BY_NAME if names == ["all"] else names:
                for role in who:
                    yield role.removeprefix("dispatch ").replace(" ", "-"), operation, kind, name
                yield EVERYBODY, operation, kind, name


@pytest.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    """Run one secured node, with a user for each role."""
    skip_without_java()
    users = [ENSURER, EVERYBODY, NEWCOMER, *get_args(Role)]
    secured = Secured.start(tmp_path_factory.mktemp("secured"), users)
    look = [(EVERYBODY, "describe configs", "topic", name) for name in BY_NAME]
    await secured.grant(*sorted({*manual(), *look}))
    yield secured
    secured.cluster.stop()


@asynccontextmanager
async def node_of(user: str, station: Station, secured: Secured, role: Role) -> AsyncIterator[Node]:
    """Run a role in this process as a user."""
    (port,) = free_ports(1)
    wiring = Wiring(
        dsn=station.dsn, cluster=Cluster(secured.cluster.bootstrap, embedded=False, security=secured.security(user)),
        host="127.0.0.1", port=port, links=f"http://127.0.0.1:{port}", secret=b"secret", roles=[role],
        intake=Intake(load(None)), gateways=GatewayRegistry([SimulatedGateway()]),
    )  # fmt: skip
    node = Node(wiring, Clock())
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


def command(secured: Secured, folder: Path, user: str, *words: str, **changes: str) -> tuple[int, str, str]:
    """Run a command as a user."""
    where = environment(folder, DISPATCH_KAFKA=secured.cluster.bootstrap)
    known = where | secured.environment(user, **changes)
    done = subprocess.run([DISPATCH, *words], env=known, capture_output=True, text=True, check=False)
    assert password(user) not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def of_kafka(findings: str) -> dict[str, str]:
    """Return the findings of `dispatch doctor --json` about the cluster: each state by its name."""
    seen = {finding["what"]: finding["state"] for finding in orjson.loads(findings)}
    return {what: seen[what] for what in LOOKED_AT if what in seen}


async def test_a_report_goes_through_a_whole_process_to_an_assignment_over_tls_with_a_password(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    code, said, error = command(secured, tmp_path, ENSURER, "topics", "ensure", "--json")
    assert (code, error) == (0, "")
    assert set(orjson.loads(said)["created"]) == set(BY_NAME)
    where = secured.environment(EVERYBODY) | {"DISPATCH_HTTP": f"127.0.0.1:{free_ports(1)[0]}"}
    async with Station.open(database, secured.cluster.bootstrap, tmp_path, **where) as station:
        station.work()
        await station.report("seen over TLS")
        await station.complete(*LISTENERS)
        await station.is_sound()
        assert await station.pool.fetchval("SELECT count(*) FROM assignments") > 0
        _, found, _ = command(secured, tmp_path, EVERYBODY, "doctor", "--json")
        assert of_kafka(found) == dict.fromkeys(LOOKED_AT, "ok")
    assert password(EVERYBODY).encode() not in station.logs()


async def test_the_grants_in_the_manual_suffice_for_each_role(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    at = secured.cluster.bootstrap
    await ensure(at, security=secured.security(ENSURER))
    opened = Station.open(database, at, tmp_path)
    async with opened as station, AsyncExitStack() as nodes:
        for role in get_args(Role):
            await nodes.enter_async_context(node_of(role, station, secured, role))
        await station.report("seen by many")
        await station.complete(*LISTENERS, "offer-messages", "assignment-messages", "incident-messages")
        await station.is_sound()
        assert await station.pool.fetchval("SELECT count(*) FROM messages") > 0


async def test_a_missing_grant_is_named_and_work_continues_once_it_is_granted(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    at = secured.cluster.bootstrap
    await ensure(at, security=secured.security(ENSURER))
    with pytest.raises(TopicsError, match=r"hidden from this user.*grant Describe"):
        await ensure(at, security=secured.security(NEWCOMER))
    await secured.grant(*((NEWCOMER, "describe", "topic", name) for name in BY_NAME))
    roles = {"relay", "reports"}
    needed = [(NEWCOMER, what, kind, name) for user, what, kind, name in manual() if user in roles]
    to_read_it = (NEWCOMER, "read", "topic", "incident.reports")
    with capture_logs() as logs:
        async with (
            Station.open(database, at, tmp_path) as station,
            node_of(NEWCOMER, station, secured, "relay"),
            node_of(NEWCOMER, station, secured, "reports") as node,
        ):

            async def logged(*words: str) -> bool:
                return any(all(word in str(entry) for word in words) for entry in logs)

            async def opened() -> object:
                return await station.pool.fetchval("SELECT count(*) = 1 FROM incidents")

            await station.report("not to be read")
            await until(partial(logged, "GroupAuthorizationFailed", "renfort.reports"))
            await until(partial(logged, "the relay restarts", "AuthorizationFailed"))
            assert not node.ready()["kafka"]
            await secured.grant(*(one for one in needed if one != to_read_it))
            await until(partial(logged, "grant Read", "incident.reports"))
            await secured.grant(to_read_it)
            await until(opened)
    assert password(NEWCOMER) not in str(logs)


@pytest.mark.slow
async def test_a_process_with_a_wrong_password_reports_it_and_retries(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    where = secured.environment("relay", password="canary-wrong")
    async with Station.open(database, secured.cluster.bootstrap, tmp_path, **where) as station:
        process = station.work("relay")

        async def told_twice() -> bool:
            return station.logs().count(b"rejects the user relay or its password") > 1

        await until(told_twice)
        assert process.runs
    assert b"canary-wrong" not in station.logs()
    code, found, _ = command(secured, tmp_path, "relay", "doctor", "--json", password="canary-wrong")
    assert (code, of_kafka(found), "DISPATCH_KAFKA_PASSWORD" in found) == (1, {"Kafka": "fail"}, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong"}, "rejects the user relay or its password"),
        ({"mechanism": "SCRAM-SHA-256"}, "set DISPATCH_KAFKA_MECHANISM"),
        ({"ca": "OTHER"}, "not trusted.*DISPATCH_KAFKA_CA"),
        ({"ca": ""}, "requires TLS.*DISPATCH_KAFKA_CA"),
        ({"username": "", "password": ""}, "requires a password"),
        ({"cert": "OTHER"}, "requires a client certificate that it trusts.*DISPATCH_KAFKA_CERT"),
    ],
    ids=["password", "mechanism", "authority", "no TLS", "no password", "certificate"],
)
async def test_a_rejected_connection_names_the_setting_to_change(
    secured: Secured, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    other = trustme.CA()
    other.cert_pem.write_to_path(str(tmp_path / "ca"))
    other.issue_cert("relay").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "cert"))
    given = {name: value.replace("OTHER", str(tmp_path / name)) for name, value in changes.items()}
    with pytest.raises(KafkaAccessError, match=words) as refusal:
        await reach(secured, secured.cluster.bootstrap, **given)
    assert not {password("relay"), "wrong"} & set(str(refusal.value).split())


@pytest.mark.parametrize(
    ("host", "words"),
    [("localhost", "for another name.*'localhost'"), ("nowhere.invalid", "cannot be found")],
)
async def test_the_certificate_of_a_broker_must_name_its_host(
    secured: Secured, host: str, words: str
) -> None:
    with pytest.raises(KafkaAccessError, match=words):
        await reach(secured, f"{host}:{secured.port}")


async def test_a_client_certificate_that_the_broker_trusts_is_accepted(
    secured: Secured, tmp_path: Path
) -> None:
    ours = tmp_path / "ours"
    secured.authority.issue_cert("relay").private_key_and_cert_chain_pem.write_to_path(str(ours))
    assert await reach(secured, secured.cluster.bootstrap, cert=str(ours)) == secured.cluster.cluster_id


async def test_a_port_without_tls_is_recognised(secured: Secured) -> None:
    with pytest.raises(KafkaAccessError, match="is this its port for TLS"):
        await reach(secured, secured.plain)


async def reach(secured: Secured, bootstrap: str, **changes: str) -> str:
    """Connect as the relay; return the id of the cluster."""
    async with administration(bootstrap, secured.security("relay", **changes)) as admin:
        return await cluster_id(admin)
