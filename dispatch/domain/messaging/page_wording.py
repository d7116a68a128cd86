"""The sentences of pages and of what follows a duty contact's text, in French and English."""

from schemas.volunteers import Language

PAGE_SENTENCES: dict[str, dict[Language, str]] = {
    "page_alone": {
        "fr": "{organisation}, niveau {level} : {why}{about}.",
        "en": "{organisation}, level {level}: {why}{about}.",
    },
    "page_incidents": {
        "fr": "{organisation} : {count} interventions vous attendent. La plus grave, niveau {level} : {why}{about}.",
        "en": "{organisation}: {count} incidents need you. The worst, level {level}: {why}{about}.",
    },
    "page_alerts": {
        "fr": "{organisation} : {count} alertes vous attendent. La plus grave, niveau {level} : {why}{about}.",
        "en": "{organisation}: {count} alerts need you. The worst, level {level}: {why}{about}.",
    },
    "page_see": {
        "fr": "Répondez OK {code} (vu). À traiter : dispatch watch",
        "en": "Reply OK {code} (seen). Please see to it: dispatch watch",
    },
    "page_take": {
        "fr": "OK {code} (vu) ou JE PRENDS {code}. Réf. {number}, dispatch watch",
        "en": "OK {code} (seen) or TAKING IT {code}. Ref. {number}, dispatch watch",
    },
    "page_see_worst": {
        "fr": "OK {code} (vu) ne répond qu'à celle-ci. Les autres attendent : dispatch watch",
        "en": "OK {code} (seen) answers this one only. The others still wait: dispatch watch",
    },
    "page_take_worst": {
        "fr": (
            "OK {code} (vu) ou JE PRENDS {code} ne répond qu'à celle-ci, réf. {number}. "
            "Les autres attendent : dispatch watch"
        ),
        "en": (
            "OK {code} (seen) or TAKING IT {code} answers this one only, ref. {number}. "
            "The others still wait: dispatch watch"
        ),
    },
    "lacking": {"fr": "il manque : {lacks}", "en": "lacking: {lacks}"},
    "acknowledged_by_you": {
        "fr": "C'est noté : {why}{about}. Si rien ne change, l'alerte repart à {until}.",
        "en": "Noted: {why}{about}. The page is repeated at {until} unless this is resolved.",
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
            "Vous avez la main : {title}. Renfort n'appelle plus personne ; ceux qui viennent continuent. "
            "À suivre : dispatch watch"
        ),
        "en": (
            "You have taken over: {title}. Renfort asks nobody else; those who are coming continue. "
            "Follow it with dispatch watch"
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
        "fr": "Nous n'avons pas compris. Aucune alerte n'attend votre réponse. Situation : dispatch watch",
        "en": "We did not understand. No page is waiting for your answer. The situation: dispatch watch",
    },
    "page_ask_back_1": {
        "fr": "Nous n'avons pas compris. Répondez OK {one} (vu) ou JE PRENDS {one}, sans rien d'autre. ({pages})",
        "en": "We did not understand. Reply OK {one} (seen) or TAKING IT {one} and nothing else. ({pages})",
    },
    "page_ask_back_2": {
        "fr": "À quelle alerte répondez-vous ? Répondez OK ou JE PRENDS avec le code : {pages}",
        "en": "Which page are you answering? Reply OK or TAKING IT with its code: {pages}",
    },
    "which": {"fr": "À quoi répondez-vous ?", "en": "What are you answering?"},
    "or_page": {
        "fr": "Alerte de garde, OK ou JE PRENDS : {pages}.",
        "en": "Duty page, OK or TAKING IT: {pages}.",
    },
    "or_recall": {"fr": "Consigne de sécurité, VU : {recalls}.", "en": "Safety recall, SEEN: {recalls}."},
    "or_offer": {"fr": "Demande, OUI ou NON : {offers}.", "en": "Offer, YES or NO: {offers}."},
    "page_stopped": {
        "fr": (
            "STOP n'arrête pas les alertes de garde : vous êtes de garde pour {organisation}, "
            "elles continuent. Un autre superviseur est prévenu."
        ),
        "en": (
            "STOP does not end duty pages: you are on duty for {organisation}, and they continue. "
            "Another supervisor has been told."
        ),
    },
    "page_stopped_alone": {
        "fr": (
            "STOP n'arrête pas les alertes de garde : vous êtes de garde pour {organisation}, "
            "elles continuent. Personne d'autre n'est de garde."
        ),
        "en": (
            "STOP does not end duty pages: you are on duty for {organisation}, and they continue. "
            "Nobody else is on duty."
        ),
    },
    "page_started": {
        "fr": "Vous êtes de garde pour {organisation} et recevez les alertes.",
        "en": "You are on duty for {organisation} and receive its pages.",
    },
}

ROLES: dict[str, dict[Language, tuple[str, str]]] = {
    "first_responder": {
        "fr": ("premier répondant", "premiers répondants"),
        "en": ("first responder", "first responders"),
    },
    "helper": {"fr": ("aide", "aides"), "en": ("helper", "helpers")},
    "driver": {"fr": ("conducteur", "conducteurs"), "en": ("driver", "drivers")},
    "crew_leader": {"fr": ("chef d'agrès", "chefs d'agrès"), "en": ("crew leader", "crew leaders")},
    "firefighter": {"fr": ("sapeur-pompier", "sapeurs-pompiers"), "en": ("firefighter", "firefighters")},
    "watcher": {"fr": ("voisin vigilant", "voisins vigilants"), "en": ("watch member", "watch members")},
}
"""The roles of the shipped plans in words, one and many; a plan's own roles are written as it names them."""
