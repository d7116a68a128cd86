"""One incident of the demo, told in sentences: who is asked and why, what a phone shows, the answers and the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from textwrap import wrap
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatch.cli.demo.sentences import COUNTED, SENTENCES, passed_over
from dispatch.domain.counting import counted
from dispatch.services.console.history import Moment, Timeline

WIDTH = 78
INDENT = " " * 10
END = "incident.closed"
NAMED = 3
"""How many of those who are asked at once are named."""
Names = Mapping[str, str]


@dataclass(slots=True)
class Story:
    """Follows the first incident that sends somebody, and tells each of its moments once."""

    zone: ZoneInfo
    incident_id: UUID | None = None
    ended: bool = False
    _receiver: str = ""
    _text: str = ""
    _told: set[str] = field(default_factory=set)
    _began: datetime | None = None

    def begin(self, incident_id: UUID, receiver: UUID, text: str) -> None:
        """Follow an incident from its first text on, unless another one is followed."""
        if self.incident_id is None:
            self.incident_id, self._receiver, self._text = incident_id, str(receiver), text

    def tell(self, timeline: Timeline) -> Iterator[str]:
        """Yield the paragraphs about what happened since the last call."""
        names = {str(who): name for who, name in timeline.people.items()}
        fresh = [moment for moment in timeline.moments if str(moment) not in self._told]
        self._told.update(map(str, fresh))
        for (at, what), together in groupby(fresh, lambda moment: (moment.at, moment.what)):
            self._began = self._began or at
            self.ended = self.ended or what == END
            for sentence in self._sentences(what, list(together), names):
                yield self._paragraph(at, sentence)
            if what == "search.round" and self._text:
                yield self._phone(names.get(self._receiver, "somebody"))

    def _sentences(self, what: str, moments: Sequence[Moment], names: Names) -> Iterator[str]:
        if what in COUNTED:
            yield f"{counted(len(moments), *COUNTED[what])}."
        for moment in moments:
            if what == "search.round" and moment.detail["picked"]:
                yield self._search(moment.detail, names)
            elif tell := SENTENCES.get(what):
                yield tell(
                    moment.detail,
                    names.get(moment.detail.get("volunteer_id", ""), "somebody"),
                    self._since(moment),
                )

    def _search(self, detail: dict[str, Any], names: Names) -> str:
        picked = detail["picked"]
        named = ", ".join(f"{names[one['volunteer_id']]} ({one['distance_m']} m)" for one in picked[:NAMED])
        more = f" and {len(picked) - NAMED} more" if len(picked) > NAMED else ""
        if not self._text:
            return f"The next nearest {'is' if len(picked) == 1 else 'are'} asked: {named}{more}."
        nearest = (
            f"Within {detail['radius_m']} m the {len(picked)} nearest who may be asked are {named}{more}."
        )
        return f"{nearest} {passed_over(detail['passed_over'])}"

    def _since(self, moment: Moment) -> str:
        minutes, seconds = divmod(round((moment.at - (self._began or moment.at)).total_seconds()), 60)
        return f"{minutes} min {seconds:02} s after the call" if minutes else f"{seconds} s after the call"

    def _paragraph(self, at: datetime, sentence: str) -> str:
        lines = wrap(sentence, WIDTH - len(INDENT))
        return f"{at.astimezone(self.zone):%H:%M:%S}  " + f"\n{INDENT}".join(lines)

    def _phone(self, name: str) -> str:
        lines = [line for part in self._text.splitlines() for line in wrap(part, WIDTH - len(INDENT) - 2)]
        self._text = ""
        return "\n".join([f"{INDENT}On the phone of {name}:", *(f"{INDENT}│ {line}" for line in lines)])
