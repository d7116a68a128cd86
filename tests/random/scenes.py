"""What kinds of incidents a run has, and who lives near them."""

from dataclasses import dataclass

from dispatch.services.people.muster_points import Point
from dispatch.services.plans.plan_files import PlanBook
from schemas.plans import Plan
from schemas.volunteers import VolunteerBody
from tests.domain.builders import PLACE, plan, watch_plan
from tests.support.scene import a_volunteer, phone
from tests.support.world import DEFAULT, TRUSTED, near

STEPS = ({"after_s": 60, "level": 1}, {"after_s": 120, "level": 3, "do": "page"})
HOLD_OUT_S = 120
"""How long after the last change the last step of every plan is due."""


def _plan(name: str, kind: str, **changes: object) -> Plan:
    known = {"name": name, "kinds": (kind,), "trusted_sources": (TRUSTED,), "steps": STEPS}
    return plan(**known | changes)


PAIR = _plan("pair", "medical.fall", ends_after_s=600, late_seat="asked_again")
CREW = _plan(
    "crew", "fire.house", engagement="crew", professional="informed", forbidden_hazards=("weapon",),
    seats=(
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 2},
    ),
    offers={"open": 4, "per_seat": 2, "window_s": 30, "surplus": 1, "most": 8},
)  # fmt: skip
PUMP = _plan(
    "pump", "fire.pump", engagement="crew", muster="station", stations=("South", "North"), professional="informed",
    forbidden_hazards=("weapon",),
    seats=(
        {"role": "driver", "skills": ("driver",), "count": 1},
        {"role": "helper", "skills": ("first_aid",), "count": 1},
    ),
    offers={"open": 3, "per_seat": 2, "window_s": 30},
)  # fmt: skip
ONE_BY_ONE = _plan(
    "one-by-one", "rescue.lift", seats=({"role": "helper", "skills": ("first_aid",), "count": 1},),
    ask="sequential", offers={"window_s": 30},
)  # fmt: skip
WAVES = _plan("waves", "rescue.search", ask="wave", offers={"open": 3, "window_s": 30, "surplus": 1})
BROADCAST = _plan(
    "broadcast", "event.clean-up", ask="broadcast", lane="planned", quiet="off", professional="none", ends_after_s=300,
    seats=({"role": "helper", "skills": ("first_aid",), "count": 1},), offers={"window_s": 120, "most": 101},
)  # fmt: skip
PLANNED = _plan(
    "planned", "event.run", lane="planned", quiet="off", professional="none", ends_after_s=300,
    seats=({"role": "helper", "skills": ("first_aid",), "count": 2},), offers={"open": 3, "window_s": 120},
)  # fmt: skip
WATCH = watch_plan(
    name="watch",
    lane="planned",
    quiet="off",
    seats=({"role": "watcher", "skills": ("watch",), "count": 2},),
    steps=STEPS,
)
IN_TURN = _plan(
    "in-turn", "creche.watch", search={"radii_m": (1000, 2000), "choose": "turn", "never": "suspended"},
    offers={"open": 2, "per_seat": 1, "window_s": 30, "surplus": 0},
)  # fmt: skip
BY_LOT = _plan(
    "by-lot", "vote.table", search={"radii_m": (2000,), "choose": "lot", "only": "approved"},
    offers={"open": 3, "per_seat": 2, "window_s": 30},
)  # fmt: skip
BOOK = PlanBook((PAIR, CREW, PUMP, ONE_BY_ONE, WAVES, BROADCAST, PLANNED, WATCH, IN_TURN, BY_LOT, DEFAULT))
PHONES = 9_000
"""How many numbers volunteers have; those above belong to others."""
LISTS = {"suspended": {4}, "approved": {0, 1, 2, 5}}
"""Who is on which list, by number."""
APART = (1, 5)
"""Two who must not meet."""


@dataclass(frozen=True)
class Scene:
    """The kinds and modes that reports of a run have."""

    kinds: tuple[str, ...]
    modes: tuple[str, ...] = ("actual",)


SCENES = {
    "rivals": Scene(("medical.fall", "rescue.lift", "medical.fall", "unknown")),
    "crews": Scene(("fire.house", "rescue.lift", "fire.house", "medical.fall")),
    "stations": Scene(("fire.pump", "medical.fall", "fire.pump", "rescue.lift")),
    "lanes": Scene(("event.run", "medical.fall", "rescue.lift"), ("actual", "actual", "exercise", "draft")),
    "ways": Scene(("event.clean-up", "rescue.search", "event.clean-up", "medical.fall")),
    "choices": Scene(("creche.watch", "vote.table", "rescue.lift")),
    "notices": Scene(("watch.odour", "rescue.lift", "watch.odour")),
}


STATIONS = [
    Point(name, "station", place.lat, place.lon)
    for name, place in (
        ("South", near(PLACE, -3000)),
        ("North", near(PLACE, 900)),
        ("Nobody's", near(PLACE, 100)),
    )
]


def people(run: int) -> list[VolunteerBody]:
    """Give six who live near, of whom one drives, one takes part in no drill, and one is in the second ring.

    Two are of the station in the south, the driver and another of the one in the north. Each run has phones of its own:
    what one phone writes in many runs at once would be a flood.
    """
    places = [near(PLACE, 100 * (number + 1)) for number in range(5)] + [near(PLACE, 1500)]
    bodies = [a_volunteer(number, position=place.model_dump()) for number, place in enumerate(places)]
    driver = a_volunteer(
        2, position=places[2].model_dump(), skills=["driver", "first_aid", "watch"], station="North"
    )
    no_drills = a_volunteer(3, position=places[3].model_dump(), consent=["sms"])
    first, second, fifth, sixth = [bodies[number] for number in (0, 1, 4, 5)]
    south = [first.model_copy(update={"station": "South"}), second.model_copy(update={"station": "South"})]
    found = [*south, driver, no_drills, fifth.model_copy(update={"station": "North"}), sixth]
    first_phone = run * len(found) % PHONES
    return [one.model_copy(update={"phone": phone(first_phone + n)}) for n, one in enumerate(found)]
