"""The acts of a supervisor at the terminal: in the name of the holder of a key, on short ids."""

import re
from typing import get_args

import pytest

from dispatch.cli.commands import act_words
from dispatch.cli.commands.incident import incident
from dispatch.domain.commands import Action
from dispatch.domain.incident import IncidentStatus
from dispatch.services.access import keys, organisations
from tests.cli.invocations import Dispatch
from tests.support.world import World


@pytest.fixture
async def key(dispatch: Dispatch, world: World, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: ARG001 - it clears the environment
    """Let Anne act."""
    made = await keys.create(
        world.uow, organisation=world.organisation, scopes=["console:act"], holder="Anne Weber"
    )
    monkeypatch.setenv("DISPATCH_KEY", made)
    return made


@pytest.mark.usefixtures("key")
async def test_every_act_is_one_command_in_the_name_of_the_keys_holder(
    dispatch: Dispatch, world: World
) -> None:
    incident = await world.ask()
    code = str(incident)[:8]
    expected = {
        "hold": "held", "resume": "open", "takeover": "taken_over", "give-back": "open", "escalate": "open",
        "abort": "aborted", "close": "closed",
    }  # fmt: skip
    for act, status in expected.items():
        done = await dispatch("incident", act, code)
        assert (done.code, "by Anne Weber" in done.out, f": Test {code}" in done.out) == (0, True, True), (
            done.err
        )
        assert (await world.read(incident)).status == status
    by = await world.pool.fetch("SELECT convert_from(body, 'UTF8')::jsonb ->> 'by' AS by FROM journal")
    assert {row["by"] for row in by} == {None, "Anne Weber"}


@pytest.mark.usefixtures("key")
async def test_a_confirmation_and_a_cancellation_carry_their_reason(dispatch: Dispatch, world: World) -> None:
    incident = await world.ask(source="stranger")
    assert (await dispatch("incident", "confirm", incident)).code == 0
    assert (await world.read(incident)).awaiting == ()
    done = await dispatch("incident", "cancel", incident, "--reason", "owner_came", "--json")
    assert (done.json()["status"], done.json()["acts"]) == ("cancelled", [])
    assert await world.pool.fetchval(
        "SELECT count(*) FROM journal WHERE type = 'incident.cancelled.v1' AND body::text LIKE '%' || $1 || '%'",
        b"owner_came".hex(),
    )
    spoken = await dispatch("incident", "hold", incident, "--reason", "He is armed!")
    assert (spoken.code, "one word such as owner_came" in spoken.err) == (2, True)


@pytest.mark.usefixtures("key")
async def test_an_incident_is_closed_with_an_outcome_which_is_shown(dispatch: Dispatch, world: World) -> None:
    incident = await world.ask()
    assert (await dispatch("incident", "close", incident, "--outcome", "false_alarm")).code == 0
    shown = await dispatch("incident", "show", incident, "--language", "en")
    assert "Anne Weber closed it: false alarm" in shown.out
    assert [line for line in shown.out.splitlines() if "ended" in line and line.endswith(": false alarm")]


@pytest.mark.usefixtures("key")
async def test_an_act_that_the_status_forbids_says_which_are_possible(
    dispatch: Dispatch, world: World
) -> None:
    incident = await world.ask()
    done = await dispatch("incident", "resume", incident)
    assert done.code == 1
    assert "resume is not possible: the incident is running; possible now: hold, abort" in done.err


@pytest.mark.usefixtures("key")
async def test_seeing_an_incident_acknowledges_all_that_nobody_has_seen(
    dispatch: Dispatch, world: World
) -> None:
    incident = await world.ask(source="stranger")
    done = await dispatch("incident", "ack", str(incident)[:6])
    assert done.code == 0
    assert re.search(
        r"seen by Anne Weber: your confirmation is awaited \(.{8}\); raised again at \d\d:\d\d", done.out
    )
    (found,) = (await world.read(incident)).escalations.values()
    assert (found.status, found.acknowledged_by) == ("acknowledged", "Anne Weber")
    again = await dispatch("incident", "ack", incident)
    assert (again.code, "every alert of this incident has been seen" in again.err) == (1, True)


@pytest.mark.usefixtures("key")
async def test_acts_answer_in_the_supervisors_language(dispatch: Dispatch, world: World) -> None:
    incident = await world.ask(source="stranger")
    seen = await dispatch("incident", "ack", incident, "--language", "fr")
    assert "vu par Anne Weber : votre confirmation est attendue" in seen.out
    assert re.search(r"signalé de nouveau à \d\d:\d\d.* si rien ne suit", seen.out)
    held = await dispatch("incident", "hold", incident, "--language", "fr")
    assert held.out.startswith("mis en attente par Anne Weber : ")
    refused = await dispatch("incident", "hold", incident, "--language", "fr")
    assert "hold est impossible : l'incident est en attente ; possible maintenant : resume" in refused.err


def test_every_act_is_a_command() -> None:
    assert set(get_args(Action)) <= set(incident)


def test_every_act_and_status_has_its_words() -> None:
    assert act_words.DONE.keys() == set(get_args(Action))
    assert act_words.STATUSES.keys() == set(get_args(IncidentStatus))


@pytest.mark.usefixtures("key")
async def test_what_the_system_escalates_is_listed_seen_and_settled(dispatch: Dispatch, world: World) -> None:
    await organisations.pause(world.uow, world.organisation, "Anne")
    listed = await dispatch("escalations", "list")
    assert "1 open escalation" in listed.out
    assert "new offers are paused: new offers stopped by Anne" in listed.out
    (found,) = (await dispatch("escalations", "list", "--json")).json()
    assert (await dispatch("escalations", "ack", found["id"][:6])).code == 0
    assert "Anne Weber" in (await dispatch("escalations", "list")).out
    assert (await dispatch("escalations", "settle", found["id"][:6])).code == 0
    assert (await dispatch("escalations", "list", "--json")).json() == []


async def test_nobody_acts_without_a_key_that_may_act(
    dispatch: Dispatch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await world.ask()
    nameless = await dispatch("incident", "hold", incident)
    assert (nameless.code, "Set DISPATCH_KEY to your own key" in nameless.err) == (2, True)
    reader = await keys.create(
        world.uow, organisation=world.organisation, scopes=["console:read"], holder="Paul"
    )
    monkeypatch.setenv("DISPATCH_KEY", reader)
    refused = await dispatch("incident", "hold", incident)
    assert (refused.code, "lacks the scope console:act" in refused.err) == (1, True)
    monkeypatch.setenv("DISPATCH_KEY", "rk_unknown")
    assert "not known" in (await dispatch("incident", "hold", incident)).err
    assert (await world.read(incident)).status == "open"


@pytest.mark.usefixtures("key")
async def test_a_key_acts_on_nothing_of_another_organisation(
    dispatch: Dispatch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await world.ask()
    other = await organisations.create(world.uow, "SDIS 75")
    key = await keys.create(world.uow, organisation=other, scopes=["console:act"], holder="Paul")
    monkeypatch.setenv("DISPATCH_KEY", key)
    for written in (incident, str(incident)[:8]):
        done = await dispatch("incident", "abort", written)
        assert (done.code, "no such incident" in done.err) == (1, True)
    assert (await world.read(incident)).status == "open"
