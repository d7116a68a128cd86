"""Nothing can be sent for a quarter of an hour: nobody is asked in vain, and those who are lacking afterwards."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.embedded import EmbeddedBroker
from dispatch.runtime.embedded_services import Embedded
from dispatch.runtime.roles import Role
from dispatch.services.access import keys, organisations
from dispatch.services.messaging.gateway import GatewayUnavailableError, OutboundText
from dispatch.services.people import volunteers
from schemas.generations import GENERATION
from schemas.volunteers import VolunteerBody
from tests.stories.city import City, north
from tests.stories.conftest import NIGHT
from tests.stories.phones import Handset
from tests.stories.reported import Reported
from tests.stories.waiting import eventually

ARREST = "medical.cardiac_arrest"
OFFER = "Venez-vous"
OPEN = 7
MINUTES = 14


@asynccontextmanager
async def a_city(database: str, folder: Path, absent: Sequence[Role] = ()) -> AsyncIterator[City]:
    async with (
        EmbeddedBroker(folder) as broker,
        City.open(
            database, Embedded(None, broker), MovableClock(NIGHT), absent=absent, write_generation=GENERATION
        ) as city,
    ):
        yield city


@pytest.fixture
async def city(database: str, tmp_path: Path) -> AsyncIterator[City]:
    """Start a city at night with twenty volunteers."""
    async with a_city(database, tmp_path) as city:
        await city.enrol(20)
        yield city


def away(
    city: City, monkeypatch: pytest.MonkeyPatch, numbers: Callable[[str], bool] = lambda _: True
) -> Callable[[], None]:
    """Let the gateway accept nothing for some numbers; return the function that ends it."""
    works, refused = city.gateway.send, True

    async def send(message: OutboundText) -> None:
        if refused and numbers(message.to):
            raise GatewayUnavailableError("the provider cannot be reached")
        await works(message)

    def end() -> None:
        nonlocal refused
        refused = False

    monkeypatch.setattr(city.gateway, "send", send)
    return end


async def minutes_pass(city: City, reported: Reported, minutes: int = MINUTES) -> Incident:
    """Let minutes pass, in steps in which the agenda does what is due; return the incident then."""
    for _ in range(minutes * 4):
        city.clock.advance(15)
        await due_work_done(city)
    return await reported.now()


async def due_work_done(city: City) -> None:
    async def nothing_due() -> bool:
        return not await city.node.pool.fetchval(
            "SELECT count(*) FROM agenda WHERE due_at <= $1", city.clock.now()
        )

    await eventually(nothing_due, "the agenda's work")


async def attempts_over(city: City) -> None:
    """Wait until nothing is sent or to be sent now: the time of the next attempt counts from the end of the last."""

    async def all_wait() -> bool:
        return not await city.node.pool.fetchval(
            "SELECT count(*) FROM messages WHERE status = 'leased' OR (status = 'queued' AND due_at <= $1)",
            city.clock.now(),
        )

    await eventually(all_wait, "the end of the attempts")


async def offers_arrive(city: City) -> bool:
    """Return whether enough phones have an offer; let a second pass where all that was due has been done."""
    await due_work_done(city)
    await attempts_over(city)
    if sum(bool(phone.unread(OFFER)) for phone in city.people) >= OPEN:
        return True
    city.clock.advance(1)
    return False


def says_so(incident: Incident) -> bool:
    return "unsendable" in {escalation.reason for escalation in incident.open_escalations()}


async def test_with_the_gateway_away_for_a_quarter_of_an_hour_only_the_first_are_asked_and_all_afterwards(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    (supervisor,) = await city.put_on_duty(1)
    end = away(city, monkeypatch)
    arrest = await city.report(kind=ARREST)
    during = await minutes_pass(city, arrest)
    assert len(during.offers) == OPEN
    assert during.offers_made == 0
    assert says_so(during)
    assert supervisor.inbox == []
    await attempts_over(city)
    end()
    await eventually(lambda: offers_arrive(city), "an offer on each phone")
    after = await arrest.now()
    assert after.offers_made == OPEN
    await eventually(lambda: _said(supervisor), "a page")


async def _said(supervisor: Handset) -> bool:
    return bool(supervisor.inbox)


async def test_with_kafka_away_for_a_quarter_of_an_hour_a_supervisor_is_paged_and_all_are_asked_afterwards(
    city: City,
) -> None:
    (supervisor,) = await city.put_on_duty(1)
    arrest = await city.report(kind=ARREST)
    await city.expect_sms_on(OPEN, OFFER)
    await city.calm()
    await city.node.kafka.stop()
    during = await minutes_pass(city, arrest)
    assert during.offers_made == OPEN, "those whom the first message reached"
    assert len(during.offers) == 2 * OPEN, "those of the next window got nothing"
    assert says_so(during)
    await supervisor.expects("les messages ne partent pas")
    city.node.kafka.start()
    assert await city.node.until_ready(30)
    await eventually(lambda: _asked_again(city, arrest), "the next are asked")
    await city.expect_sms_on(OPEN, OFFER)
    assert (await arrest.now()).offers_made == 2 * OPEN


async def _asked_again(city: City, arrest: Reported) -> bool:
    city.clock.advance(1)
    return len((await arrest.now()).live) == OPEN


async def test_the_outage_of_one_organisations_gateway_stops_no_other(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    uow = city.node.uow
    theirs = await organisations.create(uow, "SDIS 67")
    numbers = [f"+33639989{n:03d}" for n in range(10)]
    bodies = [
        VolunteerBody(
            name="Ada", phone=number, position=north(300 + n), skills=("first_aid",), consent=("sms",),
            birth_date="1990-01-31",  # type: ignore[arg-type]
        )
        for n, number in enumerate(numbers)
    ]  # fmt: skip
    await volunteers.register_all(uow, theirs, bodies)
    away(city, monkeypatch, lambda number: number not in numbers)
    ours = await city.report(kind=ARREST)
    await city.put_on_duty(1)
    during = await minutes_pass(city, ours, 3)
    assert len(during.offers) == OPEN
    city.keys["control-room"] = await _key(city, theirs)
    elsewhere = await city.report(kind=ARREST)
    phones = [Handset(city, number) for number in numbers]
    await city.expect_sms_on(OPEN, OFFER, among=phones)
    assert (await elsewhere.now()).offers_made == OPEN
    assert len((await ours.now()).offers) == OPEN


async def _key(city: City, organisation: UUID) -> str:
    return await keys.create(
        city.node.uow, organisation=organisation, scopes=["reports:write"], holder="control-room"
    )


async def test_without_a_process_that_sends_only_the_first_are_asked_and_all_once_one_runs(
    database: str, tmp_path: Path
) -> None:
    async with a_city(database, tmp_path, absent=["notifications"]) as city:
        await city.enrol(20)
        arrest = await city.report(kind=ARREST)
        during = await minutes_pass(city, arrest)
        assert len(during.offers) == OPEN
        assert during.offers_made == 0
        assert says_so(during)
        async with city.another_process("notifications"):
            await eventually(lambda: _asked_again(city, arrest), "the first are asked again")
            await city.expect_sms_on(OPEN, OFFER)
            after = await arrest.now()
            assert {o.volunteer_id for o in after.live_offers()} == {
                o.volunteer_id for o in during.offers.values()
            }
