"""The sentences of messages in French and English; none tells a watch member where to go."""

from schemas.volunteers import Language

SENTENCES: dict[str, dict[Language, str]] = {
    "drill": {"fr": "[EXERCICE] ", "en": "[DRILL] "},
    "offer": {
        "fr": "{title} à {distance}. Venez-vous ? Répondez OUI {code} ou NON {code} avant {until} {link}",
        "en": "{title}, {distance} away. Can you go? Reply YES {code} or NO {code} before {until}. {link}",
    },
    "offer_crew": {
        "fr": "{title}. Rejoignez-vous le centre ? Répondez OUI {code} / NON {code} avant {until} {link}",
        "en": "{title}. Can you come to the station? Reply YES {code} or NO {code} before {until}. {link}",
    },
    "offer_informs": {
        "fr": (
            "{title} dans votre secteur. Restez chez vous, n'intervenez pas ; danger : 17. "
            "Pour dire que vous l'avez lu : OUI {code} avant {until}, sinon NON {code}. {link}"
        ),
        "en": (
            "{title} in your area. Stay at home, do not step in; danger: call 17. "
            "To say that you have read it: YES {code} before {until}, else NO {code}. {link}"
        ),
    },
    "assigned": {
        "fr": "Merci, on vous attend : {title}. Départ, arrivée ou danger : dites-le ici {link}",
        "en": "Thank you, you are expected: {title}. Leaving, there, danger: say so here {link}",
    },
    "assigned_crew": {
        "fr": "Merci, vous êtes de l'équipage : {title}. Rejoignez le centre, départ à dire ici {link}",
        "en": "Thank you, you are in the crew: {title}. Come to the station, say here when you leave {link}",
    },
    "assigned_reserve": {
        "fr": "Merci, venez aussi, en réserve : {title}. Départ, arrivée ou danger : dites-le ici {link}",
        "en": "Thank you, please come too, in reserve: {title}. Leaving, there, danger: say so here {link}",
    },
    "assigned_late": {
        "fr": "Merci, vous êtes en réserve : {title}. Nous cherchons aussi plus près. Départ, arrivée, danger : {link}",
        "en": "Thank you, you are in reserve: {title}. We also ask people nearer. Leaving, there, danger: {link}",
    },
    "assigned_held": {
        "fr": "Merci. ATTENDEZ : {title}. Ne partez pas encore, nous vous dirons quand. {link}",
        "en": "Thank you. WAIT: {title}. Do not leave yet, we will tell you when. {link}",
    },
    "assigned_informs": {
        "fr": "Merci, c'est noté : {title}. Restez chez vous, n'intervenez pas ; danger : 17.",
        "en": "Thank you, noted: {title}. Stay at home, do not step in; danger: call 17.",
    },
    "late_taken": {"fr": "Réponse tardive bien reçue.", "en": "Your late answer still counts."},
    "late": {
        "fr": "Merci de votre réponse {code} : {title}. Nous avons assez de monde, ne partez pas.",
        "en": "Thank you for your answer {code}: {title}. We have enough people, please do not go.",
    },
    "late_informs": {
        "fr": "Merci de votre réponse {code} : {title}. Restez chez vous.",
        "en": "Thank you for your answer {code}: {title}. Stay at home.",
    },
    "stand_down": {
        "fr": "On n'a plus besoin de vous pour {title} ({code}) : ne partez pas, ou revenez. Merci.",
        "en": "You are no longer needed for {title} ({code}): do not go, or turn back. Thank you.",
    },
    "stand_down_informs": {
        "fr": "{title} ({code}) : c'est terminé, merci. Il n'y a plus rien à faire.",
        "en": "{title} ({code}): it is over, thank you. There is nothing more to do.",
    },
    "held": {
        "fr": "ATTENDEZ : {title}. N'approchez pas pour l'instant, restez où vous êtes.",
        "en": "WAIT: {title}. Do not approach for now, stay where you are.",
    },
    "aborted": {
        "fr": "N'APPROCHEZ PAS : {title}. Intervention annulée. N'y allez pas, éloignez-vous.",
        "en": "DO NOT APPROACH: {title}. It is called off. Do not go there, move away.",
    },
    "seen": {"fr": "Répondez VU {code}. {link}", "en": "Reply SEEN {code}. {link}"},
    "resumed": {
        "fr": "Fin de l'attente : {title}. Vous pouvez de nouveau y aller. {link}",
        "en": "The wait is over: {title}. You may go again. {link}",
    },
    "resumed_offer": {
        "fr": "Fin de l'attente : {title}. Pouvez-vous y aller ? Répondez OUI {code} ou NON {code}. {link}",
        "en": "The wait is over: {title}. Can you go? Reply YES {code} or NO {code}. {link}",
    },
    "resumed_informs": {
        "fr": "Fin de l'attente : {title}. Restez chez vous, n'intervenez pas.",
        "en": "The wait is over: {title}. Stay at home, do not step in.",
    },
    "ask_back_0": {
        "fr": "Nous n'avons pas compris. Aucune demande n'attend de réponse de vous. Urgence : 112.",
        "en": "We did not understand. Nothing waits for an answer from you. Emergency: 112.",
    },
    "ask_back_1": {
        "fr": "Nous n'avons pas compris. Répondez OUI {one} ou NON {one}, sans rien d'autre. ({pending})",
        "en": "We did not understand. Reply YES {one} or NO {one} and nothing else. ({pending})",
    },
    "ask_back_2": {
        "fr": "À quelle demande répondez-vous ? Répondez OUI ou NON avec le code : {pending}",
        "en": "Which one do you answer? Reply YES or NO with its code: {pending}",
    },
    "ask_which": {
        "fr": "De laquelle parlez-vous ? Renvoyez votre réponse avec le code : {pending}",
        "en": "Which one do you mean? Send your answer again with its code: {pending}",
    },
    "ask_seen_1": {
        "fr": "Avez-vous lu notre message de sécurité ? Répondez VU {unseen_one}, sans rien d'autre. ({unseen})",
        "en": "Have you read our safety message? Reply SEEN {unseen_one} and nothing else. ({unseen})",
    },
    "ask_seen_2": {
        "fr": "Avez-vous lu nos messages de sécurité ? Répondez VU avec le code de chacun : {unseen}",
        "en": "Have you read our safety messages? Reply SEEN with the code of each: {unseen}",
    },
    "forwarded": {
        "fr": "Votre message est transmis à un superviseur. En danger : répondez DANGER. Urgence : 112.",
        "en": "A supervisor has been told of your message. In danger: reply DANGER. Emergency: 112.",
    },
    "forwarded_informs": {
        "fr": "Votre message est transmis à un superviseur. Restez chez vous ; danger : 17.",
        "en": "A supervisor has been told of your message. Stay at home; danger: call 17.",
    },
    "stopped": {
        "fr": (
            "Vous ne recevrez plus de demandes. Les messages de sécurité d'une mission en cours continuent "
            "jusqu'à sa fin."
        ),
        "en": (
            "You will not be asked any more. Safety messages of a running assignment go on until you are "
            "released from it."
        ),
    },
    "started": {
        "fr": "Vous recevrez de nouveau les demandes de renfort. Pour les arrêter : STOP.",
        "en": "You will be asked again from now on. To end this, reply STOP.",
    },
    "doubted": {
        "fr": "Nous avons un doute, {title} : venez-vous ? OUI {code} ou NON {code} dans la minute. {link}",
        "en": "We are in doubt, {title}: are you coming? YES {code} or NO {code} within a minute. {link}",
    },
}

WITH_DETAIL = {"ambiguous_sender", "text_flood", "by_hand", "parked", "stuck", "paused", "gateway"}
"""Reasons that tell little without what was written to them."""

REASONS: dict[str, dict[Language, str]] = {
    "uncovered": {"fr": "pas assez de monde", "en": "not enough people"},
    "not_en_route": {"fr": "quelqu'un n'est pas parti", "en": "somebody has not left"},
    "recall_unacknowledged": {
        "fr": "un rappel de sécurité n'est pas confirmé par tous",
        "en": "not everybody has acknowledged a safety recall",
    },
    "answer_doubtful": {
        "fr": "une réponse est douteuse, confirmation demandée",
        "en": "an answer is doubtful, confirmation is asked for",
    },
    "ambiguous_sender": {
        "fr": "un texte vient d'un numéro que deux personnes peuvent avoir",
        "en": "a text came from a number that two people may have",
    },
    "text_flood": {
        "fr": "un téléphone envoie le même texte sans arrêt",
        "en": "a phone keeps sending the same text",
    },
    "late_arrival": {
        "fr": "quelqu'un accepte, mais arrivera tard",
        "en": "somebody accepts, but will arrive late",
    },
    "responder_text": {
        "fr": "un intervenant a écrit un message, à lire",
        "en": "a responder has sent a text to be read",
    },
    "danger": {"fr": "un intervenant signale un danger", "en": "a responder reports danger"},
    "hazard": {"fr": "danger signalé, les volontaires sont écartés", "en": "a hazard keeps volunteers away"},
    "unplaced": {"fr": "signalement sans position", "en": "a report has no position"},
    "outside_area": {"fr": "signalement hors du secteur", "en": "a report lies outside the area"},
    "doubtful_position": {
        "fr": "position douteuse dans un signalement",
        "en": "a report's position is doubtful",
    },
    "no_plan": {"fr": "aucun plan n'appelle de volontaires", "en": "no plan asks volunteers"},
    "stale_report": {
        "fr": "un signalement ancien attend votre confirmation",
        "en": "an old report awaits your confirmation",
    },
    "report_incomplete": {
        "fr": "un signalement n'a pas pu être lu en entier, peut-être un danger",
        "en": "a report could not be read as a whole: it may name a danger",
    },
    "opened_late": {
        "fr": "un signalement a été traité en retard",
        "en": "a report was handled late",
    },
    "awaiting_confirmation": {"fr": "votre confirmation est attendue", "en": "your confirmation is awaited"},
    "professional_not_requested": {
        "fr": "les secours professionnels ne sont pas demandés",
        "en": "the professional response is not requested",
    },
    "parked": {"fr": "un message reçu est incompréhensible", "en": "something received makes no sense"},
    "stuck": {"fr": "un incident est bloqué", "en": "an incident is stuck"},
    "paused": {"fr": "les demandes sont suspendues", "en": "new offers are paused"},
    "gateway": {"fr": "les messages ne partent pas", "en": "messages do not go out"},
    "unsendable": {
        "fr": "les messages ne partent pas ; personne n'est appelé en attendant",
        "en": "messages do not go out; nobody is asked meanwhile",
    },
    "unreached": {
        "fr": "la plupart des messages n'arrivent pas",
        "en": "most messages do not arrive",
    },
    "by_hand": {"fr": "demande d'un superviseur", "en": "a supervisor asks"},
    "duty_stop": {
        "fr": "un contact de garde a répondu STOP, appelez-le ; il reste alerté",
        "en": "a duty contact replied STOP, call them; they are still paged",
    },
    "updated_after_end": {
        "fr": "des nouvelles d'un incident déjà terminé",
        "en": "there is news of an incident that has ended",
    },
    "agenda_late": {"fr": "ce qui est dû ne se fait pas", "en": "what is due is not done"},
    "outbox_late": {
        "fr": "les événements ne sont pas publiés (Kafka ?)",
        "en": "events are not published (Kafka?)",
    },
    "messages_late": {
        "fr": "des messages attendent depuis plus d'une minute",
        "en": "messages have waited for over a minute",
    },
    "reading_late": {
        "fr": "des événements publiés ne sont traités par personne",
        "en": "events are published and nobody works them",
    },
    "overload": {
        "fr": "il arrive plus de signalements que Renfort n'en traite ; les plus graves passent d'abord",
        "en": "more reports come in than Renfort works; the most severe come first",
    },
    "journal_differs": {
        "fr": "un incident diffère de son journal",
        "en": "an incident is not as its journal says",
    },
    "candidates_differ": {
        "fr": "la fiche d'un volontaire ne correspondait plus au registre ; elle est corrigée",
        "en": "a volunteer's row differed from the roster; it is corrected",
    },
}
