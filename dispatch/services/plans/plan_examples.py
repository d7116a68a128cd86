"""An example of each field of a response plan, as it stands in a file: for the reference, and for errors."""

from collections.abc import Sequence

EXAMPLES: dict[str, str] = {
    "name": "cardiac-arrest",
    "title": "{ fr: Chute, en: Fall }",
    "kinds": "[medical.fall]",
    "lane": "planned",
    "professional": "informed",
    "trusted_sources": "[control-room]",
    "engagement": "crew",
    "forbidden_hazards": "[weapon, fire]",
    "seats": "[{ role: helper, skills: [first_aid], count: 2 }]",
    "seats.role": "helper",
    "seats.skills": "[first_aid]",
    "seats.any": "[nurse, doctor]",
    "seats.count": "2",
    "seats.need": "welcome",
    "seats.min_age": "16",
    "ask": "wave",
    "offers": "{ open: 7, window_s: 60 }",
    "offers.open": "7",
    "offers.per_seat": "4",
    "offers.window_s": "60",
    "offers.surplus": "1",
    "offers.most": "100",
    "search": "{ radii_m: [500, 1000, 2000] }",
    "search.radii_m": "[500, 1000, 2000]",
    "search.widen_after_s": "45",
    "search.retry_s": "60",
    "search.min_age": "18",
    "search.rest_s": "3600",
    "search.position_max_age_s": "3600",
    "search.availability": "[on_call, available]",
    "search.choose": "turn",
    "search.order": "[on_station, on_call]",
    "search.only": "creche-parents",
    "search.never": "suspended",
    "steps": "[{ after_s: 120, level: 2, do: page }]",
    "steps.after_s": "120",
    "steps.level": "2",
    "steps.do": "page",
    "steps.missing": "2",
    "steps.more": "3",
    "steps.to": "[CODIS 67, Mairie]",
    "en_route_within_s": "300",
    "acknowledgement_s": "300",
    "stale_after_s": "900",
    "arrive_within_s": "1200",
    "place_when_asked": "true",
    "muster": "station",
    "stations": "[CIS Barr, CIS Andlau]",
    "interruptible": "false",
    "ask_ahead_s": "172800",
    "quiet": '{ from: "21:00", to: "06:30" }',
    "remind_before_s": "[86400, 7200]",
    "ends_after_s": "10800",
    "on_scene_within_s": "900",
    "late_seat": "asked_again",
}


def example_of(path: Sequence[int | str]) -> str:
    """Return the example of a field, or of the one around it; empty where there is none."""
    names = [str(part) for part in path if not isinstance(part, int)]
    while names and ".".join(names) not in EXAMPLES:
        names.pop()
    return EXAMPLES.get(".".join(names), "")
