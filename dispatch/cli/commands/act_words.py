"""What the acts of a supervisor answer, in French and English."""

from schemas.volunteers import Language

DONE: dict[str, dict[Language, str]] = {
    "confirm": {"fr": "confirmé par {by}, on peut appeler", "en": "confirmed by {by}, people may be asked"},
    "hold": {"fr": "mis en attente par {by}", "en": "held by {by}"},
    "resume": {"fr": "attente levée par {by}", "en": "resumed by {by}"},
    "abort": {"fr": "arrêté par {by}, personne n'approche", "en": "aborted by {by}, nobody approaches"},
    "takeover": {"fr": "pris en main par {by}", "en": "taken over by {by}"},
    "give-back": {"fr": "rendu à Renfort par {by}", "en": "given back to Renfort by {by}"},
    "close": {"fr": "clos par {by}", "en": "closed by {by}"},
    "cancel": {"fr": "annulé par {by}", "en": "cancelled by {by}"},
    "reinforce": {"fr": "renforcé par {by}", "en": "reinforced by {by}"},
    "escalate": {"fr": "garde alertée par {by}", "en": "duty contacts paged by {by}"},
}
STATUSES: dict[str, dict[Language, str]] = {
    "open": {"fr": "en cours", "en": "running"},
    "held": {"fr": "en attente", "en": "held"},
    "taken_over": {"fr": "pris en main", "en": "taken over"},
    "aborted": {"fr": "arrêté", "en": "aborted"},
    "closed": {"fr": "clos", "en": "closed"},
    "cancelled": {"fr": "annulé", "en": "cancelled"},
}
SENTENCES: dict[str, dict[Language, str]] = {
    "done": {"fr": "{done} : {title} {code}", "en": "{done}: {title} {code}"},
    "refused": {
        "fr": "{act} est impossible : l'incident est {status} ; possible maintenant : {acts}",
        "en": "{act} is not possible: the incident is {status}; possible now: {acts}",
    },
    "none": {"fr": "rien", "en": "nothing"},
    "seen": {
        "fr": "vu par {by} : {why} ({code}) ; signalé de nouveau à {time} si rien ne suit",
        "en": "seen by {by}: {why} ({code}); raised again at {time} if nothing follows",
    },
    "read": {"fr": "lu par {by} : {why} ({code})", "en": "read by {by}: {why} ({code})"},
    "all_seen": {
        "fr": "toutes les alertes de cet incident ont déjà été vues",
        "en": "every alert of this incident has been seen already",
    },
}


def say(key: str, language: Language, **fields: object) -> str:
    """Return a sentence with its fields."""
    return SENTENCES[key][language].format(**fields)
