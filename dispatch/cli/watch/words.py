"""The words of `dispatch watch`, in French and English."""

from schemas.volunteers import Language

WORDS: dict[str, dict[Language, str]] = {
    # the first lines
    "running": {"fr": "{total} en cours", "en": "{total} running"},
    "waiting": {"fr": "{count} à traiter", "en": "{count} to handle"},
    "short": {"fr": "{count} sans assez de monde", "en": "{count} short of people"},
    "quiet": {"fr": "aucun incident en cours", "en": "no incident is running"},
    "disconnected": {
        "fr": "PAS DE CONNEXION DEPUIS {at} : la situation a pu changer depuis.",
        "en": "NO CONNECTION SINCE {at}: the situation may have changed since.",
    },
    "lost": {"fr": "PAS DE CONNEXION DEPUIS {at}", "en": "NO CONNECTION SINCE {at}"},
    "found": {"fr": "la connexion est rétablie", "en": "connected again"},
    "over": {"fr": "terminé : {what}", "en": "ended: {what}"},
    "no_duty": {
        "fr": "PERSONNE N'EST DE GARDE : aucun superviseur ne peut être alerté (dispatch duty set)",
        "en": "NOBODY IS ON DUTY: no supervisor can be paged (dispatch duty set)",
    },
    "paused": {
        "fr": "DEMANDES SUSPENDUES depuis {since} : personne d'autre n'est appelé (dispatch resume)",
        "en": "OFFERS PAUSED since {since}: nobody else is asked (dispatch resume)",
    },
    "more": {"fr": "et {count} de plus", "en": "and {count} more"},
    "worst": {"fr": "le plus grave : {worst}", "en": "the worst: {worst}"},
    "more_notices": {"fr": "alertes de plus : {count}", "en": "more alerts: {count}"},
    "apart": {"fr": "Exercices et brouillons : {total}", "en": "Drills and drafts: {total}"},
    "acts": {
        "fr": "Agir : dispatch incident ack|confirm|takeover|hold|resume|abort|close ID",
        "en": "Act: dispatch incident ack|confirm|takeover|hold|resume|abort|close ID",
    },
    # an incident
    "since": {"fr": "depuis {span}", "en": "for {span}"},
    "held": {"fr": "EN ATTENTE : reprendre ou arrêter", "en": "HELD: resume or abort"},
    "aborted": {"fr": "ARRÊTÉ, personne n'approche", "en": "ABORTED, nobody approaches"},
    "closed": {"fr": "clos", "en": "closed"},
    "cancelled": {"fr": "annulé", "en": "cancelled"},
    "taken_over": {"fr": "pris en main par {by}", "en": "taken over by {by}"},
    "awaiting": {
        "fr": "À CONFIRMER OU CLORE, personne n'est appelé",
        "en": "CONFIRM OR CLOSE, nobody is asked",
    },
    "unseen": {"fr": "consigne non confirmée : {names}", "en": "recall not acknowledged: {names}"},
    "lacks": {"fr": "IL MANQUE {roles} (sur {needed})", "en": "LACKS {roles} (of {needed})"},
    "full": {"fr": "complet : {needed}", "en": "all {needed} found"},
    "no_seats": {"fr": "aucun plan ne prévoit de volontaires", "en": "no plan asks volunteers"},
    "waits": {"fr": "en attente : {people}", "en": "told to wait: {people}"},
    "comes": {"fr": "vient : {people}", "en": "coming: {people}"},
    "answered": {"fr": "ont répondu : {people}", "en": "have answered: {people}"},
    "others": {"fr": "+{count}", "en": "+{count}"},
    "asked": {"fr": "demandes en cours : {count}", "en": "{count} asked"},
    # a responder
    "assigned": {"fr": "a accepté", "en": "accepted"},
    "en_route": {"fr": "en route", "en": "on the way"},
    "on_scene": {"fr": "sur place", "en": "on scene"},
    "at_station": {"fr": "au centre", "en": "at the station"},
    "minutes": {"fr": "{minutes} min", "en": "{minutes} min"},
    "due_now": {"fr": "attendu", "en": "due"},
    "late": {"fr": "trop tard, en réserve", "en": "too late, in reserve"},
    "doubtful": {"fr": "réponse pas claire", "en": "answer not clear"},
    # an escalation
    "unacknowledged": {"fr": "niveau {level}, NON VU : {why}", "en": "level {level}, NOT SEEN: {why}"},
    "acknowledged": {"fr": "niveau {level}, vu par {by} : {why}", "en": "level {level}, seen by {by}: {why}"},
    # what is next
    "next": {"fr": "ensuite {when} : {steps}", "en": "next {when}: {steps}"},
    "then": {"fr": " ; ", "en": "; "},
    "overdue": {"fr": "EN RETARD de {span} : {steps}", "en": "OVERDUE by {span}: {steps}"},
    "nothing": {"fr": "rien de prévu", "en": "nothing is planned"},
    "in": {"fr": "dans {span}", "en": "in {span}"},
    "at": {"fr": "à {time}", "en": "at {time}"},
    "asks": {"fr": "en appelle {number} de plus", "en": "asks {number} more"},
    "asks_again": {
        "fr": "en cherche encore {number}, personne d'autre à appeler d'ici là",
        "en": "looks again for {number}, nobody else can be asked before",
    },
    "widens": {"fr": "élargit à {distance}", "en": "widens to {distance}"},
    "next_station": {"fr": "centre suivant : {station}", "en": "next station: {station}"},
    "tells": {"fr": "signale ici, niveau {number} ({why})", "en": "shows level {number} ({why})"},
    "pages": {"fr": "alerte la garde, niveau {number} ({why})", "en": "pages level {number} ({why})"},
    "pages_next": {"fr": "alerte le contact suivant", "en": "pages the next contact"},
    "releases": {
        "fr": "libère la place d'une réponse pas claire",
        "en": "releases the seat of an answer that is not clear",
    },
    "asks_if_over": {"fr": "demande si c'est terminé", "en": "asks whether it is over"},
    "ends": {"fr": "se clôt sans intervention", "en": "ends by itself"},
    "reseats": {"fr": "compte sur une réserve qui arrive", "en": "counts on a reserve who is near"},
    "reserves": {
        "fr": "redemande la place de qui tarde",
        "en": "asks again for the seat of whoever is late",
    },
    "reminds": {"fr": "rappel à ceux qui viennent : {number}", "en": "reminds those who come: {number}"},
    "seats": {
        "fr": "donne les places libres à ceux qui attendent : {number}",
        "en": "seats those who wait: {number}",
    },
    # severities and modes
    "life_threatening": {"fr": "urgence vitale", "en": "life at risk"},
    "urgent": {"fr": "urgent", "en": "urgent"},
    "routine": {"fr": "non urgent", "en": "routine"},
    "exercise": {"fr": "exercice", "en": "drill"},
    "test": {"fr": "essai", "en": "test"},
    "draft": {"fr": "brouillon", "en": "draft"},
}


def say(key: str, language: Language, **fields: object) -> str:
    """Return a phrase with its fields."""
    return WORDS[key][language].format(**fields)
