"""The fictitious volunteers of the demo, as rows of the volunteers' CSV."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from dispatch.cli.demo.emergency_calls import Call

SEED = 112
COLUMNS = ("name", "phone", "language", "skills", "lat", "lon", "birth_date", "consent", "availability")
SKILL_SEPARATOR = ";"

FIRST_PHONE, PHONES = 33_639_980_000, 10_000
"""+33 6 39 98 xx xx, which ARCEP reserves for works of fiction: no such phone exists."""

JITTER_M = 700.0
METRES_PER_DEGREE = 111_195.0
HALF_TURN = 180
MINORS = 0.02

GIVEN = """
Adèle Amar Aurore Basile Bintou Camille Cyprien Daria Elio Emna Faustine Gaspard Hanaé Ilyes
Inès Jonas Kenza Léonie Lubin Maïa Malo Nadir Noémie Octave Ombeline Priya Quentin Rosa Sacha
Soline Tarek Thaïs Ulysse Valère Wendy Xavier Yara Youri Zélie Zoran
""".split()  # noqa: SIM905
FAMILY = """
Abelin Aubrac Belcastre Brindeau Calvados Chantefort Darvieux Delombre Escoubet Fauvergne
Fontclair Gravelot Guermeur Hautepierre Isambourg Jolimont Kervadec Larivoire Lestrange
Malbosque Montaury Nivernel Orvanne Peyrolles Pontrieux Quercigny Rochebelle Roumazet Sablonnet
Sauvetierre Tournemire Trévignac Urbaize Valcombe Vertolaye Villemagne Wattrelin Xaintrie
Yvrandes Zimmerwald
""".split()  # noqa: SIM905


@dataclass(frozen=True)
class SkillProfile:
    """A share of the population: the skills that all of it hold, and others with their probability."""

    share: float
    skills: tuple[str, ...]
    chances: tuple[tuple[str, float], ...] = ()


PROFILES = (
    SkillProfile(0.30, ("firefighter", "first_aid", "cpr"), (("driver", 0.35), ("crew_leader", 0.25))),
    SkillProfile(0.40, ("first_aid", "cpr"), (("driver", 0.10), ("watch", 0.10))),
    SkillProfile(0.25, ("watch",), (("first_aid", 0.30),)),
    SkillProfile(0.05, ()),
)
AVAILABILITY = {"available": 0.80, "on_call": 0.08, "unavailable": 0.12}
LANGUAGES = {"fr": 0.6, "en": 0.4}

ASSUMPTIONS = [
    "Volunteers: fictitious, with phone numbers that ARCEP reserves for fiction, consent to SMS, 2 % under 18.",
    "Volunteers: they live around the places that calls came from, 700 m normal scatter (assumption).",
    "Skills: 30 % firefighters (35 % of them drive, 25 % lead a crew), 40 % first-aiders (assumption).",
    "Skills: 25 % neighbourhood watch, 5 % none yet (assumption).",
    "Availability: 80 % available, 8 % on call, 12 % unavailable (assumption).",
]


def population(
    calls: Sequence[Call],
    size: int = 2000,
    seed: int = SEED,
    today: date | None = None,
) -> list[dict[str, str]]:
    """Return volunteers as CSV rows; ages are as of `today` (None: the day of the first call)."""
    if size > PHONES:
        raise ValueError(f"{size} volunteers requested, but only {PHONES} fictitious phone numbers exist")
    rng = Random(seed)  # noqa: S311 - repeatable people, no secret
    day = today or min(call.received_at for call in calls).date()
    return [_volunteer(rng, rng.choice(calls), FIRST_PHONE + index, day) for index in range(size)]


def _volunteer(rng: Random, near: Call, phone: int, today: date) -> dict[str, str]:
    lat, lon = _scatter(rng, near)
    values = (
        f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
        f"+{phone}",
        _pick(rng, LANGUAGES),
        SKILL_SEPARATOR.join(_skills(rng)),
        f"{lat:.6f}",
        f"{lon:.6f}",
        _birth_date(rng, today).isoformat(),
        "sms",
        _pick(rng, AVAILABILITY),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _pick(rng: Random, shares: dict[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def _scatter(rng: Random, near: Call) -> tuple[float, float]:
    north, east = rng.gauss(0, JITTER_M), rng.gauss(0, JITTER_M)
    lat = near.lat + north / METRES_PER_DEGREE
    lon = near.lon + east / (METRES_PER_DEGREE * math.cos(math.radians(near.lat)))
    return lat, lon if abs(lon) <= HALF_TURN else lon - math.copysign(2 * HALF_TURN, lon)


def _skills(rng: Random) -> list[str]:
    profile = rng.choices(PROFILES, [profile.share for profile in PROFILES])[0]
    return [*profile.skills, *(skill for skill, chance in profile.chances if rng.random() < chance)]


def _birth_date(rng: Random, today: date) -> date:
    """Draw an age of 18 to 65, or of 14 to 17 for the few minors, whom the age gate must exclude."""
    youngest, oldest = (14, 18) if rng.random() < MINORS else (18.1, 66)
    return today - timedelta(days=round(rng.uniform(youngest, oldest) * 365.25) - 1)
