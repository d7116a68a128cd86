"""What may be commanded in a run; the first alternative of each choice is the plainest, to which failures shrink."""

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from schemas.base import Hazard, Mode, Severity
from schemas.replies import Answer
from tests.random.bus import Fate
from tests.random.phones import Mood

READERS = (
    "replies", "incidents", "reports", "overlaps", "offer-messages", "assignment-messages",
    "incident-messages", "escalation-messages", "unreached",
)  # fmt: skip
ACTS = (
    "hold",
    "resume",
    "abort",
    "takeover",
    "give-back",
    "close",
    "cancel",
    "confirm",
    "escalate",
    "reinforce",
)
ALL = 100


@dataclass(frozen=True)
class Report:
    """A source reports; `placed`, `called` and `trusted` are what a supervisor may have to make up for."""

    kind: str = "medical.fall"
    severity: Severity = "urgent"
    mode: Mode = "actual"
    trusted: bool = True
    placed: bool = True
    called: bool = True
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True)
class Update:
    """The source of one report says more."""

    report: int = 0
    severity: Severity = "urgent"
    placed: bool = True
    called: bool = True
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True)
class Reply:
    """Somebody answers an offer; `of` says which come first, `ago` is the edge's delay, `minutes` the way to go."""

    offer: int = 0
    answer: Answer = "accepted"
    ago: float = 0
    of: Literal["live", "second", "taken", "over"] = "live"
    minutes: int | None = None


@dataclass(frozen=True)
class Text:
    """Somebody who was asked sends a text, which may name the offer; `repeated` by the gateway."""

    offer: int = 0
    words: str = "OUI"
    code: bool = True
    repeated: bool = False


@dataclass(frozen=True)
class Act:
    """A supervisor acts on an incident."""

    incident: int = 0
    what: str = "hold"


@dataclass(frozen=True)
class Acknowledge:
    """A supervisor has seen an escalation."""

    escalation: int = 0


@dataclass(frozen=True)
class Pause:
    """The organisation stops new offers, or lets them out again."""

    on: bool = True


@dataclass(frozen=True)
class Wait:
    """Time passes; the agenda works what is due, or is away, or loses its database."""

    seconds: float = 0
    agenda: Fate | None = "well"


@dataclass(frozen=True)
class Deliver:
    """Kafka delivers to one reader, or to all until nothing is new."""

    reader: str | None = None
    most: int = ALL
    turn: int = 0
    fate: Fate = "well"


@dataclass(frozen=True)
class Race:
    """Two processes ask people for different incidents: one searches, the other does all, the first claims."""

    turn: int = 0


@dataclass(frozen=True)
class Rewind:
    """A reader hears again what it had heard."""

    reader: str
    back: int = 3


@dataclass(frozen=True)
class Send:
    """The sender works; its gateway is well, fails every other call, is away, or takes a text and says nothing."""

    gateway: Mood = "well"


@dataclass(frozen=True)
class Die:
    """A sender dies with messages in its hands."""


Edge = Report | Update | Reply | Text | Act | Acknowledge | Pause
"""What people do."""
Command = Edge | Wait | Deliver | Race | Rewind | Send | Die

SMALL = st.integers(0, 5)
SEVERITIES = st.sampled_from(["urgent", "life_threatening", "routine"])
MOSTLY = st.sampled_from([True] * 7 + [False])
HAZARDS = st.sampled_from([(), (), (), (), (), ("traffic",), ("weapon",)])
FATES = st.sampled_from(["well", "well", "well", "fails", "fails", "forgotten"])
ANSWERS = st.sampled_from(
    ["accepted", "accepted", "accepted", "declined", "declined", "on_scene", "released", "acknowledged"]
)
ON_THE_WAY = st.sampled_from(["on_scene", "on_scene", "released", "en_route", "declined", "accepted"])
BEGINNINGS: tuple[tuple[Command, ...], ...] = (
    (Deliver(),),
    (Race(), Deliver()),
    (Deliver(), Wait(57), Reply(), Wait(3)),
    (Deliver(), Wait(27), Reply(), Wait(3)),
)
WORDS = st.sampled_from(["OUI", "OUI", "NON", "VU", "STOP", "STOP", "START", "euh"])


def reports(kinds: tuple[str, ...], modes: tuple[str, ...]) -> st.SearchStrategy[Report]:
    """Give reports of some kinds."""
    return st.builds(
        Report, st.sampled_from(kinds), SEVERITIES, st.sampled_from(modes), MOSTLY, MOSTLY, MOSTLY, HAZARDS
    )


def scripts(kinds: tuple[str, ...], modes: tuple[str, ...]) -> st.SearchStrategy[list[Command]]:
    """Give some reports that ask people, and up to thirty commands; those that move things on come more often."""
    often = (
        st.builds(Wait, st.sampled_from([0, 1, 3, 27, 57, 61, 121])),
        st.builds(Deliver, turn=SMALL),
        st.builds(Deliver, turn=SMALL, fate=FATES),
        st.builds(Reply, SMALL),
        st.builds(Reply, SMALL, of=st.just("second")),
        st.builds(Reply, SMALL),
        st.builds(Reply, SMALL, ANSWERS, st.sampled_from([0, 0, 3, 8])),
        st.builds(Reply, SMALL, ON_THE_WAY, st.just(0), st.just("taken")),
        st.builds(Deliver, st.sampled_from(READERS), st.sampled_from([ALL, 1, 2]), SMALL, FATES),
    )
    seldom = (
        reports(kinds, modes),
        st.builds(Wait, st.sampled_from([3, 61, 301]), st.sampled_from([None, "fails"])),
        st.builds(Wait, st.sampled_from([301, 601, 3601])),
        st.builds(Reply, SMALL, st.sampled_from(["not_yet", "released"]), st.just(0), st.just("taken")),
        st.builds(Act, SMALL, st.sampled_from(ACTS)),
        st.builds(Act, SMALL, st.sampled_from(ACTS)),
        st.builds(Act, SMALL, st.sampled_from(["resume", "give-back", "confirm"])),
        st.builds(Reply, SMALL, ANSWERS, st.sampled_from([0, 8]), st.just("over")),
        st.builds(Reply, SMALL, st.sampled_from(["danger", "acknowledged"]), st.just(0), st.just("taken")),
        st.builds(Reply, SMALL, minutes=st.sampled_from([60, 4, 32])),
        st.builds(Reply, SMALL, of=st.just("taken"), minutes=st.sampled_from([60, 4, 32])),
        st.builds(Text, SMALL, WORDS, st.booleans(), st.booleans()),
        st.builds(Text, SMALL, WORDS, st.booleans(), st.booleans()),
        st.builds(Update, SMALL, SEVERITIES, MOSTLY, MOSTLY, HAZARDS),
        st.builds(Acknowledge, SMALL),
        st.builds(Pause, st.booleans()),
        st.builds(Race, SMALL),
        st.builds(Rewind, st.sampled_from(READERS), st.integers(1, 5)),
        st.builds(Send, st.sampled_from(["well", "well", "flaky", "away", "mute"])),
        st.just(Die()),
    )
    steps = st.lists(st.one_of(*often, *often, *seldom), min_size=9, max_size=30)
    return st.builds(
        _begin, st.lists(reports(kinds, modes), min_size=1, max_size=3), st.sampled_from(BEGINNINGS), steps
    )


def _begin(first: list[Report], asked: tuple[Command, ...], steps: list[Command]) -> list[Command]:
    """Begin with people asked: without that most commands have nothing to be about."""
    return [*first, *asked, *steps]
