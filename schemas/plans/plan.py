"""A response plan and the rules over its sections."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, Self

import orjson
from pydantic import Field, model_validator

from schemas.base import Engagement, Hazard, Lane, MusterName, Operational, Public, Severity, Slug, Strict
from schemas.plans.asking import BROADCAST_ROUND, OfferPolicy, SearchPolicy
from schemas.plans.rules import PlanRuleError, Seconds
from schemas.plans.seats import SeatNeed
from schemas.plans.steps import Step
from schemas.plans.stored import from_stored, to_stored
from schemas.plans.times import Ahead, Quiet, QuietHours

ARRIVE_WITHIN_S: Mapping[Severity, int] = {"life_threatening": 900, "urgent": 1800, "routine": 7200}
"""How long after a yes an arrival still helps, for plans that do not say it in `arrive_within_s`."""

SCENE, STATION = RESERVED = ("scene", "station")
"""The places to go to that are no names of muster points."""
MOST_STATIONS = 50
"""The most stations that one incident may ask, one after the other."""


class Plan(Strict):
    """A response plan. A running incident is handled under the plan that it started with.

    `engagement` is the task of the volunteers: go there (dispatch), crew a vehicle at its station, or read a notice.
    `stale_after_s` is the age at which an actual report asks nobody before a supervisor confirms it; null means 15
    minutes, 2 hours where the report is routine, and never in the lane `planned`.
    A volunteer who says that they need longer than `arrive_within_s` fills no seat of the plan: they come in reserve.
    `ask` is how offers are extended: some always open (rolling), some at once and the next when all of them have ended
    (wave), one at a time (sequential), or to everybody eligible until the seats are filled (broadcast).
    People go to `muster`: the scene, the station of which they are a member, or a named point; `stations` is the order
    in which stations are asked, else it is by their distance to the incident.
    `interruptible` is false where whoever is there is asked for nothing else. People are asked `ask_ahead_s` before a
    window, at once where null, and reminded `remind_before_s`, null meaning a day and two hours before. `quiet` are the
    hours in which a planned mission asks nobody, null meaning 21:00 to 8:00.
    A mission is expected to have ended `ends_after_s` after it was opened; null means three hours, twelve for a crew, a
    day for a notice, and a week in the lane `planned`. The seat of somebody who has not left within
    `en_route_within_s`, or not arrived within `on_scene_within_s` after that, is held or asked again: `late_seat`.
    With `place_when_asked` their page shows the exact place to those who are asked, and not only after a yes.
    """

    name: Public[Slug]
    title: Public[dict[Literal["fr", "en"], str]] = Field(min_length=2)
    kinds: Operational[tuple[str, ...]] = ()
    lane: Public[Lane] = "urgent"
    professional: Public[Literal["required", "informed", "none"]] = "required"
    trusted_sources: Operational[tuple[str, ...]] = ()
    engagement: Public[Engagement] = "dispatch"
    forbidden_hazards: Public[tuple[Hazard, ...]] = ()
    seats: Public[tuple[SeatNeed, ...]] = ()
    ask: Public[Literal["rolling", "wave", "sequential", "broadcast"]] = "rolling"
    offers: Public[OfferPolicy] = OfferPolicy()
    search: Public[SearchPolicy] = SearchPolicy(radii_m=(1000,))
    steps: Public[tuple[Step, ...]] = ()
    en_route_within_s: Public[Seconds] = 300
    acknowledgement_s: Public[Seconds] = 300
    stale_after_s: Public[Seconds | None] = None
    arrive_within_s: Public[Seconds | None] = None
    place_when_asked: Public[bool] = False
    muster: Operational[MusterName] = SCENE
    stations: Operational[tuple[MusterName, ...]] = Field(default=(), max_length=MOST_STATIONS)
    interruptible: Public[bool] = True
    ask_ahead_s: Public[Ahead | None] = None
    quiet: Public[Quiet | None] = None
    remind_before_s: Public[tuple[Ahead, ...] | None] = Field(default=None, max_length=5)
    ends_after_s: Public[Seconds | None] = None
    on_scene_within_s: Public[Seconds | None] = None
    late_seat: Public[Literal["held", "asked_again"]] = "held"

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """Return the fields that differ from the defaults, as JSON values: the form in events and tables."""
        return to_stored(self.model_dump(mode="json", exclude_defaults=True))

    @cached_property
    def hash(self) -> str:
        """Return the hash that names this exact plan; a field that is added later with a default changes no hash."""
        return sha256(orjson.dumps(self.canonical, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    def arrives_within(self, severity: Severity) -> timedelta:
        """Return how long after a yes an arrival still helps in an incident of this severity."""
        return timedelta(seconds=self.arrive_within_s or ARRIVE_WITHIN_S[severity])

    @property
    def asks(self) -> bool:
        """Return whether the plan asks volunteers at all."""
        return bool(self.seats)

    @model_validator(mode="after")
    def steps_follow(self) -> Self:
        """Reject steps that are not in order of time and level, and seats without a step that pages."""
        for earlier, later in zip(self.steps, self.steps[1:], strict=False):
            if later.after_s <= earlier.after_s or later.level < earlier.level:
                msg = "each step must come after the one before it, at the same level or above"
                raise PlanRuleError("steps", msg)
        if self.seats and not any(step.page for step in self.steps):
            msg = "a plan that asks volunteers needs a step that pages somebody"
            raise PlanRuleError("steps", msg)
        return self

    @model_validator(mode="after")
    def asking_fits(self) -> Self:
        """Reject a job for one that has a reserve, and a broadcast that stops after its first round."""
        if self.ask == "sequential" and self.offers.surplus:
            msg = "`ask: sequential` promises each seat to one person: it has no surplus"
            raise PlanRuleError("offers.surplus", msg)
        if self.ask == "broadcast" and self.offers.most <= BROADCAST_ROUND:
            msg = (
                f"`ask: broadcast` asks {BROADCAST_ROUND} at a time: say how many at most, as in `most: 2000`"
            )
            raise PlanRuleError("offers.most", msg)
        return self

    @model_validator(mode="after")
    def people_gather_where_they_may(self) -> Self:
        """Reject stations for those who crew no vehicle, an order of stations that nobody asks, a misspelt word."""
        word = self.muster.casefold()
        if self.muster not in RESERVED and word in RESERVED:
            raise PlanRuleError("muster", f"write `muster: {word}`, in small letters")
        if self.muster != SCENE and self.engagement == "notice":
            raise PlanRuleError("muster", "a notice sends nobody: leave out `muster`")
        if self.muster == STATION and self.engagement != "crew":
            raise PlanRuleError("muster", "people of a station crew its vehicles: set `engagement: crew`")
        if self.stations and self.muster != STATION:
            raise PlanRuleError("stations", "an order of stations needs `muster: station`")
        if len(set(self.stations)) < len(self.stations):
            raise PlanRuleError("stations", "a station is named twice")
        return self

    @model_validator(mode="after")
    def only_what_is_planned_waits(self) -> Self:
        """Reject quiet hours of a plan whose calls cannot wait."""
        if isinstance(self.quiet, QuietHours) and self.lane != "planned":
            raise PlanRuleError("quiet", "only a plan of the lane `planned` keeps quiet hours")
        return self

    @model_validator(mode="after")
    def somebody_is_required(self) -> Self:
        """Reject seats of which none is required: the incident would be covered by nobody."""
        if self.seats and all(seat.need == "welcome" for seat in self.seats):
            raise PlanRuleError("seats", "at least one seat must be required")
        return self

    @model_validator(mode="after")
    def watch_informs(self) -> Self:
        """Reject a neighbourhood-watch plan that sends people."""
        watch = self.name.startswith("watch") or any(kind.startswith("watch.") for kind in self.kinds)
        if watch and self.engagement != "notice":
            msg = "a watch plan informs and never sends: set `engagement: notice`"
            raise PlanRuleError("engagement", msg)
        return self


def read_plan(body: Mapping[str, Any]) -> Plan:
    """Parse a plan from the wire or a table; unlike in a file, unknown fields are retained. Raises ValidationError."""
    return Plan.model_validate(from_stored(body), extra="allow")
