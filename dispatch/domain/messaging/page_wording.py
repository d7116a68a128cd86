"""The sentences of pages and of what follows a duty contact's text, in French and English."""

from schemas.volunteers import Language

PAGE_SENTENCES: dict[str, dict[Language, str]] = {
    "escalation": {
        "fr": "Renfort, niveau {level} : {why}{about}. Répondez OK {code} (vu). À traiter : dispatch watch",
        "en": "Renfort, level {level}: {why}{about}. Reply OK {code} (seen). Please see to it: dispatch watch",
    },
    "escalation_incident": {
        "fr": (
            "Renfort, niveau {level} : {why}{about}. OK {code} (vu) ou JE PRENDS {code}. Voir dispatch watch"
        ),
        "en": (
            "Renfort, level {level}: {why}{about}. OK {code} (seen) or TAKING IT {code}. See dispatch watch"
        ),
    },
    "acknowledged_by_you": {
        "fr": "C'est noté : {why}{about}. Sans suite, l'alerte repart à {until}.",
        "en": "Noted: {why}{about}. It is paged again at {until} unless it is resolved.",
    },
    "acknowledged": {
        "fr": "{who} a déjà vu cette alerte : {why}{about}.",
        "en": "Already acknowledged by {who}: {why}{about}.",
    },
    "may_take_over": {
        "fr": "Pour prendre la main : JE PRENDS {code}",
        "en": "To take over: TAKING IT {code}",
    },
    "taken_by_you": {
        "fr": (
            "Vous avez la main : {title}. Renfort ne demande plus personne ; ceux qui viennent continuent. "
            "La suite : dispatch watch"
        ),
        "en": (
            "You have taken over: {title}. Renfort asks nobody else; those who are coming go on. "
            "The rest is yours: dispatch watch"
        ),
    },
    "taken": {
        "fr": "Déjà pris par {who} : {title}. Vous n'avez rien à faire.",
        "en": "Already taken over by {who}: {title}. There is nothing for you to do.",
    },
    "resolved": {
        "fr": "C'est réglé : {why}{about}. Vous n'avez plus rien à faire.",
        "en": "This is resolved: {why}{about}. There is nothing more to do.",
    },
    "ended": {
        "fr": "L'intervention est terminée : {title}. Vous n'avez plus rien à faire.",
        "en": "The incident has ended: {title}. There is nothing more to do.",
    },
    "page_ask_back_0": {
        "fr": "Nous n'avons pas compris. Aucune alerte n'attend de réponse de vous. Situation : dispatch watch",
        "en": "We did not understand. No page waits for an answer from you. The situation: dispatch watch",
    },
    "page_ask_back_1": {
        "fr": "Nous n'avons pas compris. Répondez OK {one} (vu) ou JE PRENDS {one}, sans rien d'autre. ({pages})",
        "en": "We did not understand. Reply OK {one} (seen) or TAKING IT {one} and nothing else. ({pages})",
    },
    "page_ask_back_2": {
        "fr": "À quelle alerte répondez-vous ? Répondez OK ou JE PRENDS avec le code : {pages}",
        "en": "Which page do you answer? Reply OK or TAKING IT with its code: {pages}",
    },
    "which": {"fr": "À quoi répondez-vous ?", "en": "Which one do you answer?"},
    "or_page": {
        "fr": "Alerte de garde, OK ou JE PRENDS : {pages}.",
        "en": "Duty page, OK or TAKING IT: {pages}.",
    },
    "or_recall": {"fr": "Consigne de sécurité, VU : {recalls}.", "en": "Safety recall, SEEN: {recalls}."},
    "or_offer": {"fr": "Demande, OUI ou NON : {offers}.", "en": "Offer, YES or NO: {offers}."},
    "page_stopped": {
        "fr": (
            "Les alertes de garde ne s'arrêtent pas par STOP : vous êtes de garde pour {organisation}, "
            "elles continuent. Un autre superviseur est prévenu."
        ),
        "en": (
            "Duty pages do not end with STOP: you are on duty for {organisation}, and they go on. "
            "Another supervisor has been told."
        ),
    },
    "page_stopped_alone": {
        "fr": (
            "Les alertes de garde ne s'arrêtent pas par STOP : vous êtes de garde pour {organisation}, "
            "elles continuent. Personne d'autre n'est de garde."
        ),
        "en": (
            "Duty pages do not end with STOP: you are on duty for {organisation}, and they go on. "
            "Nobody else is on duty."
        ),
    },
    "page_started": {
        "fr": "Vous êtes de garde pour {organisation} et recevez les alertes.",
        "en": "You are on duty for {organisation} and are paged.",
    },
}
