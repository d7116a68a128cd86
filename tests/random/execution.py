"""The execution of each command, by the services that the product's edges call."""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from dispatch.domain.commands import Act
from dispatch.domain.errors import RefusedError
from dispatch.domain.messaging.codes import code
from dispatch.services.access import organisations
from dispatch.services.incidents import escalations, execution
from dispatch.services.intake import submitting
from dispatch.services.messaging.gateway import InboundText
from dispatch.services.messaging.sending import LEASE
from dispatch.services.replies import inbound_texts, receiving
from dispatch.storage.messages import LeaseRequest, lease
from schemas.ids import derived, named
from schemas.reports import ReportBody
from tests.domain.builders import CALLED, PLACE
from tests.random import commands
from tests.random.model import Model, Offer
from tests.random.town import Town
from tests.support.world import TRUSTED

BY = "Ada"
STRANGER = "neighbour"


async def execute(town: Town, command: commands.Command) -> None:
    """Execute one command and apply its events to the model; a refused command changes nothing."""
    try:
        await _DEEDS[type(command)](town, command)
    except RefusedError:
        assert not await town.apply_new_events(), "a refused command changes nothing"
    if isinstance(command, commands.Edge):
        await town.apply_new_events()


async def _report(town: Town, command: commands.Report) -> None:
    source = TRUSTED if command.trusted else STRANGER
    await _send(town, source, command, kind=command.kind, mode=command.mode)


async def _update(town: Town, command: commands.Update) -> None:
    if town.sent:
        source, first = town.sent[command.report % len(town.sent)]
        await _send(town, source, command, kind=first.kind, mode=first.mode, updates=first.id)


async def _send(town: Town, source: str, command: commands.Report | commands.Update, **more: object) -> None:
    fields: dict[str, object] = {
        "id": _id(town, source), "occurred_at": town.now, "severity": command.severity,
        "hazards": command.hazards, "position": PLACE if command.placed else None,
    }  # fmt: skip
    if command.called:
        fields["professional"] = CALLED
    body = ReportBody.model_validate(fields | more)
    send = partial(
        submitting.accept, town.uow, organisation=town.organisation, source=source, channel="http", body=body
    )
    assert not (await send()).repeated
    assert (await send()).repeated, "a report that is sent again is one report"
    town.sent.append((source, body))


def _id(town: Town, source: str) -> str:
    """Choose a report's id so that its incident comes after the earlier ones: a run repeats to the letter."""
    place = len(town.sent)
    ids = (f"{place}-{n}" for n in count())
    return next(id_ for id_ in ids if _incident(town, source, id_).bytes[0] >> 2 == place)


def _incident(town: Town, source: str, id_: str) -> UUID:
    return derived(named(town.organisation, source, id_), "incident")


async def _reply(town: Town, command: commands.Reply) -> None:
    offer = town.offer(command.offer, command.of)
    if offer is None:
        return
    received_at = max(offer.asked_at, town.ago(command.ago))
    await receiving.receive(
        town.uow, offer_id=offer.id, answer=command.answer, channel="page", received_at=received_at,
        minutes=command.minutes,
    )  # fmt: skip


async def _text(town: Town, command: commands.Text) -> None:
    offer = town.offer(command.offer)
    if offer is None:
        return
    person = town.model.people[offer.volunteer]
    town.texts += 1
    words = f"{command.words} {code(offer.id)}" if command.code else command.words
    several = len(_waiting(town.model, offer)) > 1
    inbound = InboundText(f"{town.organisation} {town.texts}", "sms", person.phone, words)
    outcome = await inbound_texts.receive_text(town.uow, "simulated", inbound, town.now)
    if command.repeated:
        again = await inbound_texts.receive_text(town.uow, "simulated", inbound, town.now)
        assert again == outcome, "a text told twice is one text"
    if outcome in ("stop", "start"):
        person.stopped = outcome == "stop"
    if command.words == "OUI" and not command.code and several:
        assert outcome in ("asked back", "acknowledged"), "what could mean two offers is asked back"


def _waiting(model: Model, offer: Offer) -> list[Offer]:
    """Give the live offers of the same person that they have not answered."""
    answered = {r.offer_id for r in model.replies.values() if r.answer in ("accepted", "declined")}
    mine = (o for o in model.offers.values() if o.volunteer == offer.volunteer and o.id not in answered)
    return [one for one in mine if one.status == "extended"]


async def _act(town: Town, command: commands.Act) -> None:
    incident = town.incident(command.incident)
    if incident is not None:
        act = Act(command.what, BY, role="helper", count=1)  # type: ignore[arg-type]
        await execution.execute_command(town.uow, town.organisation, incident, act)


async def _acknowledge(town: Town, command: commands.Acknowledge) -> None:
    known = {name: e for i in town.model.incidents.values() for name, e in i.escalations.items()}
    found = [name for name, one in (known | town.model.system).items() if one.open]
    if found:
        name = found[command.escalation % len(found)]
        await escalations.acknowledge(town.uow, town.organisation, name, BY)


async def _pause(town: Town, command: commands.Pause) -> None:
    change = organisations.pause if command.on else organisations.resume
    await change(town.uow, town.organisation, BY)
    town.model.paused = command.on


async def _wait(town: Town, command: commands.Wait) -> None:
    town.clock.advance(command.seconds)
    if command.agenda is not None:
        await town.run_agenda(command.agenda)


async def _deliver(town: Town, command: commands.Deliver) -> None:
    if command.reader is None:
        await town.deliver_all(command.turn, command.fate)
        return
    reader = town.readers[command.reader]
    if reader.behind:
        await town.deliver(reader, command.most, command.turn, command.fate)
        await town.apply_new_events()


async def _race(town: Town, command: commands.Race) -> None:
    await town.race(command.turn)


async def _rewind(town: Town, command: commands.Rewind) -> None:
    town.readers[command.reader].rewind(command.back)


async def _send_messages(town: Town, command: commands.Send) -> None:
    await town.send(command.gateway)


async def _die(town: Town, _command: commands.Die) -> None:
    for recall in (True, False):
        request = LeaseRequest("sms", recall, [commands.ALL] * 3, LEASE, [])
        await town.uow.transact(partial(lease, request))


_DEEDS: dict[type, Callable[[Town, Any], Awaitable[None]]] = {
    commands.Report: _report,
    commands.Update: _update,
    commands.Reply: _reply,
    commands.Text: _text,
    commands.Act: _act,
    commands.Acknowledge: _acknowledge,
    commands.Pause: _pause,
    commands.Wait: _wait,
    commands.Deliver: _deliver,
    commands.Race: _race,
    commands.Rewind: _rewind,
    commands.Send: _send_messages,
    commands.Die: _die,
}
