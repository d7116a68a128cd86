"""The demo tells one incident in sentences: who is asked and why, what a phone shows, the answers and the end."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatch.cli.demo.story import Story
from dispatch.services.console.history import Moment, Timeline
from tests.conftest import START

ADA, BO, CY = (UUID(int=n) for n in (1, 2, 3))
PEOPLE = {ADA: "Ada Aubrac", BO: "Bo Belcastre", CY: "Cy Calvados"}
INCIDENT = UUID(int=9)
OPENED = {
    "kind": "medical.cardiac_arrest", "severity": "life_threatening", "plan": "cardiac-arrest",
    "professional": {"reference": "call 17"},
    "seats": [{"role": "first_responder", "reserve": reserve} for reserve in (False, False, True)],
}  # fmt: skip
TEXT = "Cardiac arrest, 40 m away. Can you go? Reply YES 3R or NO 3R before 00:10:30. http://127.0.0.1:1/a/x"


def moment(after_s: int, what: str, **detail: object) -> Moment:
    return Moment(START + timedelta(seconds=after_s), what, detail)


def search(after_s: int, *picked: tuple[UUID, int]) -> Moment:
    chosen = [{"volunteer_id": str(who), "distance_m": metres} for who, metres in picked]
    shut = [{"why": ["skill"]}, {"why": ["skill", "asked"]}, {"why": ["availability"]}]
    return moment(after_s, "search.round", radius_m=1000, picked=chosen, passed_over=shut)


def told(*moments: Moment, story: Story | None = None) -> str:
    story = story or begun()
    return "\n".join(story.tell(Timeline(INCIDENT, list(moments), PEOPLE)))


def begun() -> Story:
    story = Story(ZoneInfo("UTC"))
    story.begin(INCIDENT, ADA, TEXT)
    return story


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_story_says_who_is_asked_and_why_these_and_shows_the_text_on_one_phone() -> None:
    text = told(moment(0, "incident.opened", **OPENED), search(0, (ADA, 40), (BO, 90)))
    assert "A call: cardiac arrest, life-threatening." in flat(text)
    assert "looks for volunteers as well: 2 first responders." in flat(text)
    assert "Within 1000 m the 2 nearest who may be asked are Ada Aubrac (40 m), Bo Belcastre (90 m)." in flat(
        text
    )
    assert "Not asked, though near: 2 lack the skill, 1 is not available." in flat(text)
    assert "On the phone of Ada Aubrac:" in text
    assert flat(text.partition("Aubrac:")[2].replace("│", "")) == TEXT


def test_the_story_says_what_people_answer_and_how_it_ends() -> None:
    text = told(
        moment(0, "incident.opened", **OPENED),
        search(0, (ADA, 40), (BO, 90)),
        moment(22, "offer.accepted", volunteer_id=str(ADA)),
        moment(25, "offer.declined", volunteer_id=str(BO)),
        search(25, (CY, 120)),
        moment(60, "offer.withdrawn", volunteer_id=str(CY)),
        moment(160, "assignment.on_scene", volunteer_id=str(ADA)),
        moment(900, "incident.closed", by="renfort", reason="all released"),
    )
    for sentence in (
        "Ada Aubrac says yes, 22 s after the call.",
        "Bo Belcastre says no.",
        "The next nearest is asked: Cy Calvados (120 m).",
        "1 person who was asked is told that they are no longer needed.",
        "Ada Aubrac arrives, 2 min 40 s after the call.",
        "It ends: everybody is released.",
    ):
        assert sentence in flat(text)


def test_the_story_ends_with_its_incident() -> None:
    story = begun()
    told(moment(0, "incident.opened", **OPENED), story=story)
    assert not story.ended
    told(moment(9, "incident.closed", by="renfort", reason="all released"), story=story)
    assert story.ended


def test_each_moment_is_told_once() -> None:
    story, opened = begun(), moment(0, "incident.opened", **OPENED)
    assert told(opened, story=story)
    assert told(opened, story=story) == ""
    assert flat(told(opened, moment(5, "offer.declined", volunteer_id=str(BO)), story=story)).endswith(
        "says no."
    )


def test_the_story_stays_with_its_incident_and_within_80_columns() -> None:
    story = begun()
    story.begin(UUID(int=8), BO, "another")
    assert story.incident_id == INCIDENT
    text = told(moment(0, "incident.opened", **OPENED), search(0, (ADA, 40), (BO, 90), (CY, 95)), story=story)
    assert max(map(len, text.splitlines())) <= 80
