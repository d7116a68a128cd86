"""The parking commands: list, show, retry and discard."""

import re
from uuid import UUID, uuid4

from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.storage import parking
from dispatch.storage.pool import transaction
from schemas.decoding import Unreadable, decode
from tests.cli.invocations import Dispatch, states
from tests.kafka.support.outside import report_message
from tests.support.world import World


async def parked(world: World, reason: str = "not JSON", body: bytes = b"\xff{") -> UUID:
    """Park something that no version can read."""
    item = Unreadable(reason, "sdis", world.organisation, b"k", b"[]", body)
    async with transaction(world.pool) as connection:
        (kept,) = await parking.park(connection, "reports", "incident.reports", [item], world.now)
        await raise_parking_alerts(connection, [kept], world.now)
    return kept.id


async def test_what_was_parked_is_listed_and_shown(dispatch: Dispatch, world: World) -> None:
    name = await parked(world)
    assert "not JSON" in (await dispatch("parking", "list")).out
    shown = (await dispatch("parking", "show", name, "--json")).json()
    assert (shown["reason"], shown["body"]) == ("not JSON", "\\xff{")
    unknown = await dispatch("parking", "show", world.organisation)
    assert (unknown.code, "`dispatch parking list` lists" in unknown.err) == (1, True)


async def test_what_was_parked_is_shown_to_its_end_and_steers_no_terminal(
    dispatch: Dispatch, world: World
) -> None:
    name = await parked(world, body=b'{"text":"' + 300 * b"x" + b'\x1b[2J","at":"48.85,2.35"}')
    shown = (await dispatch("parking", "show", name)).out
    assert "\x1b[2J" not in shown
    assert '\\x1b[2J","at":"48.85,2.35"}' in re.sub(r"[\s│|]", "", shown)


async def test_what_is_discarded_leaves_the_list_the_doctor_and_the_pages(
    dispatch: Dispatch, world: World
) -> None:
    name = await parked(world)
    assert states(await dispatch("doctor", "--json"))["parking"] == "warn"
    done = await dispatch("parking", "discard", name, "--because", "sent by fax", "--by", "Ada", "--json")
    (outcome,) = done.json()
    assert (done.code, outcome["id"], outcome["outcome"]) == (0, str(name), "discarded")
    assert states(await dispatch("doctor", "--json"))["parking"] == "ok"
    assert await world.pool.fetchval("SELECT status FROM escalations") == "resolved"
    assert (await dispatch("parking", "list", "--json")).json() == []
    (listed,) = (await dispatch("parking", "list", "--settled", "--json")).json()
    assert (listed["outcome"], listed["settled_by"], listed["because"]) == ("discarded", "Ada", "sent by fax")
    assert "sent by fax" in (await dispatch("parking", "list", "--settled")).out


async def test_a_retry_says_of_each_what_became_of_it_and_fails_where_one_stays(
    dispatch: Dispatch, world: World
) -> None:
    name = await parked(world, "an old reason")
    done = await dispatch("parking", "retry", name, world.organisation)
    assert (done.code, "ce_specversion is missing" in done.out, "Traceback" in done.err) == (1, True, False)
    assert f"{name}: refused: " in done.err
    assert f"{world.organisation}: unknown: " in done.err
    assert "2 messages of 2 still unresolved" in done.err
    assert (await dispatch("parking", "list", "--json")).json()[0]["reason"] != "an old reason"


async def test_a_parked_report_of_days_ago_opens_its_incident_only_when_a_human_insists(
    dispatch: Dispatch, world: World
) -> None:
    organisation = uuid4()
    message = report_message(organisation, "1", at=world.now.isoformat())
    record = decode("incident.reports", message.key, message.headers, message.body)
    assert record is not None
    await world.deliver("incident.reports", [record])
    await world.pool.execute(
        "INSERT INTO organisations (id, name, created_at) VALUES ($1, 'X', $2)", organisation, world.now
    )
    stale = await dispatch("parking", "retry", "--all")
    assert (stale.code, "stale" in stale.out, "report it again, or use --even-stale" in stale.err) == (
        1, True, True,
    )  # fmt: skip
    done = await dispatch("parking", "retry", "--all", "--even-stale", "--json")
    (outcome,) = done.json()
    incident = await world.pool.fetchval("SELECT id FROM incidents WHERE organisation = $1", organisation)
    assert (done.code, outcome["outcome"], str(incident) in outcome["detail"]) == (0, "retried", True)
    assert outcome["age_s"] > 900
    assert (
        await world.pool.fetchval("SELECT status FROM escalations WHERE reason LIKE 'parked:%'") == "resolved"
    )


async def test_all_of_one_topic_and_reason_are_seen_to_together(dispatch: Dispatch, world: World) -> None:
    for number in range(3):
        await parked(world, f"lat: less than {number}", body=b"%d" % number)
    await parked(world, "the body is missing", body=b"")
    selected = ["--all", "--source-topic", "incident.reports", "--reason", "LAT:"]
    assert len((await dispatch("parking", "retry", *selected, "--json")).json()) == 3
    assert (await dispatch("parking", "discard", "--all", "--reason", "the body", "--because", "x")).code == 0
    assert len((await dispatch("parking", "list", "--json")).json()) == 3
    assert await world.pool.fetchval("SELECT status FROM escalations") == "raised"
    assert (await dispatch("parking", "discard", "--all", "--because", "x")).code == 0
    assert await world.pool.fetchval("SELECT status FROM escalations") == "resolved"


async def test_a_list_that_is_cut_says_how_many_there_are(dispatch: Dispatch, world: World) -> None:
    for number in range(3):
        await parked(world, body=bytes([number]))
    assert "2 of 3 parked messages" in (await dispatch("parking", "list", "--limit", "2")).out
    assert "3 parked messages" in (await dispatch("parking", "list")).out


async def test_a_parked_message_is_named_by_the_beginning_of_its_id(dispatch: Dispatch, world: World) -> None:
    first, second = [await parked(world, body=bytes([number])) for number in range(2)]
    shared = str(first)[:8]
    assert str(second).startswith(shared)
    ambiguous = await dispatch("parking", "show", shared)
    assert ambiguous.code == 1
    assert f"{first} (incident.reports)" in ambiguous.err
    assert f"{second} (incident.reports)" in ambiguous.err
    done = await dispatch("parking", "discard", str(first)[:-1], "--because", "tried", "--json")
    assert done.json()[0]["id"] == str(first)
