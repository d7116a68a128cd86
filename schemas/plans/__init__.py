"""Response plans: the seats that a kind of incident needs, whom to ask, when to escalate. Immutable, named by hash."""

from schemas.plans.asking import BROADCAST_ROUND, OfferPolicy, SearchPolicy
from schemas.plans.plan import ARRIVE_WITHIN_S, MOST_STATIONS, RESERVED, SCENE, STATION, Plan, read_plan
from schemas.plans.rules import PlanRuleError, Seconds
from schemas.plans.seats import SeatNeed
from schemas.plans.steps import Step
from schemas.plans.times import Quiet, QuietHours

__all__ = [
    "ARRIVE_WITHIN_S",
    "BROADCAST_ROUND",
    "MOST_STATIONS",
    "RESERVED",
    "SCENE",
    "STATION",
    "OfferPolicy",
    "Plan",
    "PlanRuleError",
    "Quiet",
    "QuietHours",
    "SearchPolicy",
    "SeatNeed",
    "Seconds",
    "Step",
    "read_plan",
]
