"""The texts of the volunteer's page, in French and English."""

from dispatch.domain.matching.selection import Gate
from schemas.volunteers import Language

DRILL: dict[Language, str] = {"fr": "[EXERCICE]", "en": "[DRILL]"}

BANNERS: dict[str, dict[Language, str]] = {
    "held": {"fr": "ATTENDEZ là où vous êtes.", "en": "WAIT where you are."},
    "aborted": {"fr": "N'APPROCHEZ PAS. Éloignez-vous.", "en": "DO NOT APPROACH. Keep away."},
}

STATES: dict[str, dict[Language, str]] = {
    "asked": {"fr": "Pouvez-vous venir ?", "en": "Can you come?"},
    "expired": {
        "fr": "Le délai est passé. Vous pouvez encore répondre : nous vous dirons si l'on vous attend.",
        "en": "The time to answer has passed. You may still answer: we will tell you whether you are needed.",
    },
    "declined": {"fr": "Vous ne venez pas. Merci.", "en": "You are not coming. Thank you."},
    "withdrawn": {
        "fr": "Nous n'avons plus besoin de vous. Merci.",
        "en": "You are no longer needed. Thank you.",
    },
    "thanked": {
        "fr": "Merci de votre réponse. Nous n'avons pas besoin de vous ici, ne partez pas.",
        "en": "Thank you for your answer. You are not needed here, please do not go.",
    },
    "waitlisted": {
        "fr": "C'est complet. Vous êtes numéro {place} sur la liste d'attente : sans nouvelles de nous, ne venez pas.",
        "en": "It is full. You are number {place} on the waiting list: do not come unless we tell you.",
    },
    "assigned": {
        "fr": "On vous attend. Signalez ici votre départ.",
        "en": "You are expected. Report here when you leave.",
    },
    "en_route": {"fr": "Vous êtes en route. Soyez prudent.", "en": "You are on the way. Take care."},
    "on_scene": {"fr": "Vous êtes sur place.", "en": "You are on scene."},
    "overdue": {
        "fr": "L'heure de fin est passée. Est-ce terminé ?",
        "en": "It should be over by now. Is it?",
    },
    "done": {"fr": "C'est terminé pour vous. Merci.", "en": "You are done. Thank you."},
    "stood_down": {
        "fr": "Nous n'avons plus besoin de vous, ne venez pas. Merci.",
        "en": "You are no longer needed, please do not come. Thank you.",
    },
    "informed": {
        "fr": "C'est noté. Restez chez vous, n'intervenez pas ; danger : 17.",
        "en": "Noted. Stay at home, do not intervene; in danger call 17.",
    },
    "ended": {"fr": "C'est terminé. Merci.", "en": "It is over. Thank you."},
}

STATES_INFORMS: dict[str, dict[Language, str]] = {
    "asked": {
        "fr": "Dans votre secteur. Restez chez vous, n'intervenez pas ; danger : 17.",
        "en": "In your area. Stay at home, do not intervene; in danger call 17.",
    },
}

STATES_CREW: dict[str, dict[Language, str]] = {
    "asked": {"fr": "Pouvez-vous rejoindre le centre ?", "en": "Can you come to the station?"},
    "assigned": {
        "fr": "On vous attend au centre. Signalez ici votre départ.",
        "en": "You are expected at the station. Report here when you leave.",
    },
    "en_route": {
        "fr": "Vous êtes en route vers le centre. Soyez prudent.",
        "en": "You are on the way to the station. Take care.",
    },
    "on_scene": {"fr": "Vous êtes au centre.", "en": "You are at the station."},
}
"""A crew is sent to its station; the vehicle's orders tell it where the fire is."""

BUTTONS: dict[str, dict[Language, str]] = {
    "accepted": {"fr": "Je viens", "en": "I am coming"},
    "declined": {"fr": "Je ne peux pas", "en": "I cannot come"},
    "en_route": {"fr": "Je pars", "en": "I am leaving now"},
    "on_scene": {"fr": "Je suis sur place", "en": "I am on scene"},
    "released": {"fr": "J'ai terminé", "en": "I am done"},
    "not_yet": {"fr": "Pas encore terminé", "en": "Not done yet"},
    "danger": {"fr": "DANGER : tout le monde attend", "en": "DANGER: everybody wait"},
    "acknowledged": {"fr": "J'ai vu ce message", "en": "I have seen this"},
}

BUTTONS_INFORMS: dict[str, dict[Language, str]] = {
    "accepted": {"fr": "J'ai lu", "en": "I have read it"},
    "declined": {"fr": "Cela ne me concerne pas", "en": "This is not for me"},
}

BUTTONS_CREW: dict[str, dict[Language, str]] = {
    "en_route": {"fr": "Je pars pour le centre", "en": "I am leaving for the station"},
    "on_scene": {"fr": "Je suis au centre", "en": "I am at the station"},
}

LABELS: dict[str, dict[Language, str]] = {
    "received": {
        "fr": "Réponse bien reçue. La suite s'affiche ici dans un instant.",
        "en": "Answer received. What comes next appears here in a moment.",
    },
    "when": {"fr": "Quand\u00a0:", "en": "When:"},
    "where": {"fr": "Où\u00a0:", "en": "Where:"},
    "until": {"fr": "Répondre avant\u00a0:", "en": "Answer before:"},
    "station": {"fr": "à votre centre", "en": "your station"},
    "map": {"fr": "Itinéraire\u00a0:", "en": "Directions:"},
    "other_phone": {"fr": "autre téléphone", "en": "other phone"},
    "refresh": {"fr": "Actualiser cette page", "en": "Refresh this page"},
    "danger_means": {
        "fr": "Tous ceux qui viennent recevront l'ordre d'attendre, et un superviseur sera alerté.",
        "en": "Everybody who is coming will be told to wait, and a supervisor will be alerted.",
    },
    "danger_confirm": {"fr": "Oui, je signale un danger", "en": "Yes, I report danger"},
    "away": {"fr": "à {distance}", "en": "{distance} away"},
    "why": {
        "fr": "Vous avez la compétence demandée et vous êtes parmi les premiers à appeler.",
        "en": "You have the skill that is needed and are among the first to be asked.",
    },
    "reasons": {"fr": "Pourquoi vous avez été appelé, ou non", "en": "Why you were asked, or not"},
    "no_reasons": {
        "fr": "Ces sept derniers jours, aucune recherche n'a eu lieu près de vous.",
        "en": "In the last seven days there was no search near you.",
    },
    "colon": {"fr": "\u00a0:", "en": ":"},
    "emergency": {"fr": "Urgence\u00a0: 112", "en": "Emergency: 112"},
    "other": {"fr": "In English", "en": "En français"},
    "all_reasons": {"fr": "Mes derniers appels, et pourquoi", "en": "My recent calls, and why"},
    "bad": {"fr": "Cette réponse n'existe pas.", "en": "There is no such answer."},
}

PICKED: dict[Language, str] = {
    "fr": "vous étiez parmi les premiers à appeler",
    "en": "you were among the first to be asked",
}
NOT_AMONG: dict[Language, str] = {
    "fr": "vous n'étiez pas parmi les personnes à appeler",
    "en": "you were not among those to ask",
}
"""Alike for a list that a plan never asks and for a pair that is kept apart: nobody learns that there is either."""
OWN_GATES: dict[Gate, dict[Language, str]] = {
    Gate.SKILL: {"fr": "une autre compétence était demandée", "en": "another skill was needed"},
    Gate.AVAILABILITY: {"fr": "vous n'étiez pas disponible", "en": "you were not available"},
    Gate.CONSENT: {
        "fr": "vous n'avez accepté aucun moyen de contact",
        "en": "you have agreed to no way of contact",
    },
    Gate.AGE: {
        "fr": "vous n'avez pas l'âge requis, ou votre date de naissance manque",
        "en": "you are below the required age, or your birth date is missing",
    },
    Gate.REST: {
        "fr": "vous étiez au repos après une intervention",
        "en": "you were resting after an assignment",
    },
    Gate.POSITION: {"fr": "votre position était trop ancienne", "en": "your position was too old"},
    Gate.OFFER: {"fr": "un autre appel attendait votre réponse", "en": "another call awaited your answer"},
    Gate.ENGAGED: {"fr": "vous étiez déjà engagé", "en": "you were on another assignment"},
    Gate.ASKED: {"fr": "on vous avait déjà appelé pour cela", "en": "you had been asked for this before"},
    Gate.LEFT: {
        "fr": "vous avez répondu STOP ou quitté la liste",
        "en": "you answered STOP or left the roster",
    },
    Gate.DRILL: {"fr": "c'était un exercice", "en": "it was a drill"},
    Gate.OFTEN: {
        "fr": "on vous avait appelé souvent dans l'heure",
        "en": "you had been asked often within the hour",
    },
    Gate.FARTHER: {"fr": "d'autres étaient plus proches", "en": "others were nearer"},
    Gate.ELSEWHERE: {"fr": "un autre appel avait besoin de vous", "en": "another call needed you"},
    Gate.HELD: {"fr": "un autre appel était en cours", "en": "another call was being prepared"},
    Gate.LIST: {
        "fr": "on n'appelait que les personnes d'une liste",
        "en": "only people on a list were asked",
    },
    Gate.NEVER: NOT_AMONG,
    Gate.APART: NOT_AMONG,
    Gate.WAITED_LESS: {"fr": "c'était le tour de quelqu'un d'autre", "en": "it was somebody else's turn"},
    Gate.NOT_DRAWN: {"fr": "le sort a désigné quelqu'un d'autre", "en": "somebody else was drawn by lot"},
    Gate.LATER_GROUP: {"fr": "d'autres passaient avant", "en": "others came first"},
    Gate.STATION: {
        "fr": "on appelait l'équipage d'un centre auquel vous n'appartenez pas",
        "en": "the crew of a station was asked, and you do not belong to it",
    },
}
"""Why a volunteer was not asked, in words for themselves: here a sensitive gate is named."""


def state(name: str, *, informs: bool, crew: bool) -> dict[Language, str]:
    """Return the sentence for a volunteer's state."""
    special = STATES_INFORMS if informs else STATES_CREW if crew else {}
    return special.get(name) or STATES[name]


def buttons(*, informs: bool, crew: bool) -> dict[str, dict[Language, str]]:
    """Return the labels of the answers."""
    return BUTTONS | (BUTTONS_INFORMS if informs else BUTTONS_CREW if crew else {})
