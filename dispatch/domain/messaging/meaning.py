"""The meaning of a volunteer's text: what somebody who is out there writes is an answer or reaches a supervisor.

The rules apply in this order, and the first that fits decides:
- danger counts for every incident in which the person is seated, whatever else the text says;
- while a recall is unseen, a text is about the recall: nothing but a code of another offer makes it an answer to that;
- of somebody who is asked whether their mission is over, a "not yet" or a no moves its end, and a plain yes, which may
  be about anything, reaches a supervisor;
- the status of somebody who is seated does what the buttons of their page do;
- an answer is bound to the one offer that it can mean, else it is asked back;
- of a seated person, thanks are no answer, a time alone is when they arrive, and anything else reaches a supervisor.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatch.domain.messaging import grammar
from dispatch.domain.messaging.binding import Candidate, bind
from dispatch.domain.messaging.codes import code
from dispatch.domain.messaging.grammar import ParsedText
from schemas.replies import Answer

_TAKES_LEAVE = (
    "merci beaucoup bonne bon soiree soirée journee journée nuit courage de rien au revoir a à bientot bientôt "
    "thanks thank you bye good night day evening welcome 👍 👌 🙏 🙂 😊 💪"
)
THANKS = frozenset(_TAKES_LEAVE.split())
"""Words and signs of somebody who only takes leave."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Answers to store, incidents whose supervisors get the words, and whether the volunteer is asked back."""

    answers: tuple[tuple[Candidate, Answer], ...] = ()
    forwards: tuple[Candidate, ...] = ()
    asks: bool = False
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A text as it was parsed, the offers that it may be about, the newest first, and when it was said."""

    words: str
    text: ParsedText
    all: Sequence[Candidate]
    said_at: datetime | None = None

    @property
    def named(self) -> list[Candidate]:
        """Return the offers that the text names by its code; all of them where it has none."""
        return [one for one in self.all if self.text.code in (None, code(one.id))]

    @property
    def waiting(self) -> list[Candidate]:
        """Return those of the named offers that wait for a first answer."""
        return [one for one in self.named if one.waiting]

    @property
    def seats(self) -> list[Candidate]:
        """Return those of the named offers by which the person is seated, without notices, which send nobody."""
        return [one for one in self.named if one.seated and not one.informs]


def understand(heard: Heard) -> Meaning:
    """Return what a text means, given the offers that it may be about, the newest first."""
    for rule in (_danger, _recall, _ending, _status, _answer, _arrival, _words):
        if (meaning := rule(heard)) is not None:
            return meaning
    return Meaning(asks=True)


def _danger(heard: Heard) -> Meaning | None:
    if heard.text.status != "danger" or not heard.all:
        return None
    there = [one for one in heard.all if one.seated and not one.informs]
    there = there or [one for one in heard.all if one.released and one.out and not one.informs]
    answers: list[tuple[Candidate, Answer]] = [(one, "danger") for one in there]
    refused = bind(heard.text, heard.all, heard.said_at) if heard.text.answer == "declined" else None
    if refused is not None:
        answers.append((refused, "declined"))
    return Meaning(tuple(answers), () if there else tuple(heard.all[:1]))


def _recall(heard: Heard) -> Meaning | None:
    unseen = _one_per_incident([one for one in heard.all if one.recalled])
    meant = [one for one in unseen if heard.text.code in (None, code(one.id))]
    if not unseen or (heard.text.code is not None and not meant):
        return None
    told = tuple(one for one in meant if one.seated or one.released)
    if heard.text.status in ("en_route", "on_scene"):
        # Somebody who goes on has not seen that they must wait or stay away.
        return Meaning(forwards=told, asks=True)
    if heard.text.answer in ("accepted", "acknowledged"):
        others = any(one.waiting and not one.recalled for one in heard.all)
        if len(meant) > 1:
            return Meaning(asks=True)
        return Meaning(((meant[0], "acknowledged"),), asks=heard.text.answer == "accepted" and others)
    if heard.text.answer == "declined" or heard.text.status == "released":
        return None
    return Meaning(forwards=() if _thanks(heard.words) else told, asks=True)


def _ending(heard: Heard) -> Meaning | None:
    asked = [one for one in heard.seats if one.overdue]
    if not asked or heard.waiting:
        return None
    if heard.text.status == "not_yet" or heard.text.answer == "declined":
        return Meaning(((asked[0], "not_yet"),)) if len(heard.seats) == 1 else Meaning(asks=True)
    plain = heard.text.answer == "accepted" and heard.text.status is None and heard.text.minutes is None
    return Meaning(forwards=tuple(asked)) if plain else None


def _status(heard: Heard) -> Meaning | None:
    status = heard.text.status
    if status not in ("en_route", "on_scene", "released"):
        return None
    if not heard.seats:
        back = [one for one in heard.named if one.released and not one.informs]
        return (
            Meaning(((back[0], "released"),)) if status == "released" and back and not heard.waiting else None
        )
    if len(heard.seats) > 1 or (status == "en_route" and heard.waiting):
        return Meaning(asks=True)
    if heard.seats[0].held and status != "released":
        return Meaning(forwards=tuple(heard.seats))
    return Meaning(((heard.seats[0], status),), minutes=heard.text.minutes)


def _answer(heard: Heard) -> Meaning | None:
    answer = heard.text.answer
    if answer not in ("accepted", "declined", "acknowledged"):
        return None
    if answer == "acknowledged" and heard.text.code is None:
        # "OK" fills no seat; of somebody who was told that they are expected, it needs no answer.
        known = any(one.seated or one.released for one in heard.all)
        return Meaning() if known and not heard.waiting else Meaning(asks=True)
    offer = (
        _declined(heard)
        if answer == "declined" and heard.text.code is None
        else bind(heard.text, heard.all, heard.said_at)
    )
    return Meaning(asks=True) if offer is None else Meaning(((offer, answer),), minutes=heard.text.minutes)


def _declined(heard: Heard) -> Candidate | None:
    """Return what a no without a code is about: it may free a seat, and is not guessed where it may be two things."""
    meant = [one for one in heard.all if one.waiting or one.recalled or (one.seated and not one.informs)]
    meant = _one_per_incident(meant)
    return meant[0] if len(meant) == 1 else None if meant else bind(heard.text, heard.all, heard.said_at)


def _arrival(heard: Heard) -> Meaning | None:
    alone = heard.text.minutes is not None and grammar.parse(f"oui {heard.words}").answer == "accepted"
    if not alone or len(heard.seats) != 1:
        return None
    return Meaning(((heard.seats[0], "accepted"),), minutes=heard.text.minutes)


def _words(heard: Heard) -> Meaning | None:
    seats = tuple(heard.seats) or tuple(one for one in heard.all if one.seated)
    back = [one for one in heard.all if one.released]
    if not seats and (heard.waiting or not back):
        return None
    if _thanks(heard.words):
        return Meaning()
    return Meaning(forwards=seats or (back[0],))


def _thanks(words: str) -> bool:
    found = re.findall(r"\w+|[^\w\s.,!\ufe0f]", words.casefold())
    return bool(found) and THANKS.issuperset(found)


def _one_per_incident(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return one offer of each incident: the one that holds the seat, else the newest."""
    ordered = sorted(candidates, key=lambda one: not one.seated)
    return list({(one.incident_id or one.id): one for one in reversed(ordered)}.values())
