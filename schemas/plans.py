"""Response plans: the seats that a kind of incident needs, whom to ask, when to escalate. Immutable, named by hash."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import Field, model_validator

from schemas.base import Engagement, Hazard, Lane, Operational, Public, Severity, Skill, Slug, Strict

Seconds = Annotated[int, Field(gt=0, le=7 * 86_400)]
Metres = Annotated[int, Field(gt=0, le=200_000)]
ARRIVE_WITHIN_S: Mapping[Severity, int] = {"life_threatening": 900, "urgent": 1800, "routine": 7200}
"""How long after a yes an arrival still helps, for plans that do not say it in `arrive_within_s`."""


class PlanRuleError(ValueError):
    """A rule over several fields is broken; `field` is the one to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class SeatNeed(Strict):
    """`count` seats of one role, each filled by a volunteer who has the skill."""

    role: Public[Slug]
    skill: Public[Skill]
    count: Public[int] = Field(ge=1, le=100)


class OfferPolicy(Strict):
    """The rolling window: how many offers stay open, for how long, and when to stop.

    `open` is the most live offers at once, `per_seat` the most for each missing seat, `surplus` the seats
    filled beyond need, `most` the most offers one incident may ever extend.
    """

    open: Public[int] = Field(default=7, ge=1, le=100)
    per_seat: Public[int] = Field(default=4, ge=1, le=20)
    window_s: Public[Seconds] = 60
    surplus: Public[int] = Field(default=0, ge=0, le=20)
    most: Public[int] = Field(default=100, ge=1, le=2000)


class SearchPolicy(Strict):
    """The search: its radii in turn, how long each is used before the next, and the gates of this plan."""

    radii_m: Public[tuple[Metres, ...]] = Field(min_length=1, max_length=10)
    widen_after_s: Public[Seconds] = 45
    retry_s: Public[Seconds] = 60
    min_age: Public[int] = Field(default=18, ge=0, le=99)
    rest_s: Public[int] = Field(default=0, ge=0, le=7 * 86_400)
    position_max_age_s: Public[Seconds] = 3600
    availability: Public[tuple[Literal["on_station", "on_call", "available", "at_work"], ...]] = (
        "on_station",
        "on_call",
        "available",
        "at_work",
    )

    @model_validator(mode="after")
    def radii_grow(self) -> Self:
        """Reject radii that do not grow."""
        if list(self.radii_m) != sorted(set(self.radii_m)):
            msg = "radii_m must grow from one to the next"
            raise PlanRuleError("radii_m", msg)
        return self


class Step(Strict):
    """One escalation step, `after_s` seconds after a seat of the incident became empty."""

    after_s: Public[Seconds]
    level: Public[int] = Field(ge=1, le=5)
    page: Public[bool] = False


class Plan(Strict):
    """A response plan. A running incident is handled under the plan that it started with.

    `stale_after_s` is the age at which an actual report asks nobody before a supervisor confirms it; null means 15
    minutes, 2 hours where the report is routine, and never in the lane `planned`.
    A volunteer who says that they need longer than `arrive_within_s` fills no seat of the plan: they come in reserve.
    With `place_when_asked` their page shows the exact place to those who are asked, and not only after a yes.
    """

    name: Public[Slug]
    title: Public[dict[Literal["fr", "en"], str]] = Field(min_length=2)
    kinds: Operational[tuple[str, ...]] = ()
    lane: Public[Lane] = "urgent"
    professional: Public[Literal["required", "informed", "none"]] = "required"
    trusted_sources: Operational[tuple[str, ...]] = ()
    crew: Public[bool] = False
    informs: Public[bool] = False
    forbidden_hazards: Public[tuple[Hazard, ...]] = ()
    seats: Public[tuple[SeatNeed, ...]] = ()
    offers: Public[OfferPolicy] = OfferPolicy()
    search: Public[SearchPolicy] = SearchPolicy(radii_m=(1000,))
    steps: Public[tuple[Step, ...]] = ()
    en_route_within_s: Public[Seconds] = 300
    acknowledgement_s: Public[Seconds] = 300
    stale_after_s: Public[Seconds | None] = None
    arrive_within_s: Public[Seconds | None] = None
    place_when_asked: Public[bool] = False

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """Return the fields that differ from the defaults, as JSON values: the form in events and tables."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @cached_property
    def hash(self) -> str:
        """Return the hash that names this exact plan; a field that is added later with a default changes no hash."""
        return sha256(orjson.dumps(self.canonical, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    @property
    def engagement(self) -> Engagement:
        """Return the task of the volunteers."""
        return "notice" if self.informs else "crew" if self.crew else "dispatch"

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
    def watch_informs(self) -> Self:
        """Reject a neighbourhood-watch plan that sends people."""
        watch = self.name.startswith("watch") or any(kind.startswith("watch.") for kind in self.kinds)
        if watch and not self.informs:
            msg = "a watch plan informs and never sends: set `informs: true`"
            raise PlanRuleError("informs", msg)
        return self


def read_plan(body: Mapping[str, Any]) -> Plan:
    """Parse a plan from the wire or a table; unlike in a file, unknown fields are retained. Raises ValidationError."""
    return Plan.model_validate(body, extra="allow")
