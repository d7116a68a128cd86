"""The sentences of messages in French and English; none tells a watch member where to go."""

from schemas.volunteers import Language

SENTENCES: dict[str, dict[Language, str]] = {
    "drill": {"fr": "[EXERCICE] ", "en": "[DRILL] "},
    "offer": {
        "fr": "{sender}{title} à {distance}. Venez-vous ? Répondez OUI {code} ou NON {code} avant {until} {link}",
        "en": "{sender}{title}, {distance} away. Can you go? Reply YES {code} or NO {code} before {until}. {link}",
    },
    "offer_crew": {
        "fr": "{sender}{title}. Venez-vous au centre ? Répondez OUI {code} / NON {code} avant {until} {link}",
        "en": "{sender}{title}. Can you come to the station? Reply YES {code} or NO {code} before {until}. {link}",
    },
    "offer_muster": {
        "fr": "{sender}{title}. Présentez-vous : {muster}. Venez-vous ? OUI {code} ou NON {code} avant {until} {link}",
        "en": "{sender}{title}. Report to: {muster}. Can you come? YES {code} or NO {code} before {until}. {link}",
    },
    "offer_informs": {
        "fr": (
            "{sender}{title} dans votre secteur. Restez chez vous, n'intervenez pas ; danger : 17. "
            "Pour confirmer votre lecture : OUI {code} avant {until}, sinon NON {code}. {link}"
        ),
        "en": (
            "{sender}{title} in your area. Stay at home, do not intervene; in danger call 17. "
            "To confirm that you have read this: YES {code} before {until}, else NO {code}. {link}"
        ),
    },
    "assigned": {
        "fr": "Merci, on vous attend : {title}. Signalez ici départ, arrivée ou danger : {link}",
        "en": "Thank you, you are expected: {title}. Report leaving, arrival, danger here: {link}",
    },
    "assigned_crew": {
        "fr": "Merci, vous êtes de l'équipage : {title}. Rejoignez le centre ; signalez ici votre départ : {link}",
        "en": "Thank you, you are on the crew: {title}. Come to the station; report here when you leave: {link}",
    },
    "assigned_muster": {
        "fr": "Merci, on vous attend : {title}. Présentez-vous : {muster}. Signalez ici votre départ : {link}",
        "en": "Thank you, you are expected: {title}. Report to: {muster}. Report here when you leave: {link}",
    },
    "assigned_reserve": {
        "fr": "Merci, venez aussi, en réserve : {title}. Signalez ici départ, arrivée ou danger : {link}",
        "en": "Thank you, please come too, as a reserve: {title}. Report leaving, arrival, danger here: {link}",
    },
    "assigned_late": {
        "fr": (
            "Merci, vous êtes en réserve : {title}. Nous cherchons aussi plus près. "
            "Signalez départ, arrivée, danger : {link}"
        ),
        "en": (
            "Thank you, you are a reserve: {title}. We also ask people nearer. "
            "Report leaving, arrival, danger: {link}"
        ),
    },
    "assigned_held": {
        "fr": "Merci. ATTENDEZ : {title}. Ne partez pas encore, nous vous dirons quand. {link}",
        "en": "Thank you. WAIT: {title}. Do not leave yet, we will tell you when. {link}",
    },
    "assigned_informs": {
        "fr": "Merci, c'est noté : {title}. Restez chez vous, n'intervenez pas ; danger : 17.",
        "en": "Thank you, noted: {title}. Stay at home, do not intervene; in danger call 17.",
    },
    "late_taken": {"fr": "Réponse tardive bien reçue.", "en": "Your late yes still counts."},
    "late": {
        "fr": "Merci pour votre réponse {code} : {title}. Nous avons assez de monde, ne partez pas.",
        "en": "Thank you for your answer {code}: {title}. We have enough people, please do not go.",
    },
    "late_clash": {
        "fr": (
            "Merci ({code}) : {title}. À ces heures-là, on vous attend déjà : {clash}. "
            "Ne changez rien, un superviseur est prévenu."
        ),
        "en": (
            "Thank you ({code}): {title}. You are already expected at that time: {clash}. "
            "Keep to that one; a supervisor is told."
        ),
    },
    "late_informs": {
        "fr": "Merci pour votre réponse {code} : {title}. Restez chez vous.",
        "en": "Thank you for your answer {code}: {title}. Stay at home.",
    },
    "waitlisted": {
        "fr": (
            "Merci ({code}) : {title}, c'est complet. Vous êtes numéro {place} sur la liste d'attente : "
            "sans nouvelles de nous, ne venez pas. Pour renoncer : NON {code}."
        ),
        "en": (
            "Thank you ({code}): {title} is full. You are number {place} on the waiting list: "
            "do not come unless we tell you. To leave it: NO {code}."
        ),
    },
    "stand_down": {
        "fr": "Nous n'avons plus besoin de vous pour {title} ({code}) : ne partez pas, ou faites demi-tour. Merci.",
        "en": "You are no longer needed for {title} ({code}): do not go, or turn back. Thank you.",
    },
    "stand_down_false_alarm": {
        "fr": "Fausse alerte : {title} ({code}). Ne partez pas, ou faites demi-tour. Merci.",
        "en": "False alarm: {title} ({code}). Do not go, or turn back. Thank you.",
    },
    "stand_down_cancelled": {
        "fr": "C'est annulé : {title} ({code}). Ne partez pas, ou faites demi-tour. Merci.",
        "en": "Called off: {title} ({code}). Do not go, or turn back. Thank you.",
    },
    "stand_down_unreported": {
        "fr": "L'heure de fin est passée, votre mission est close : {title} ({code}). Merci. En danger : 112.",
        "en": "It should be over by now, your mission is closed: {title} ({code}). Thank you. In danger: 112.",
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
        "en": "The wait is over: {title}. You may go now. {link}",
    },
    "resumed_offer": {
        "fr": "Fin de l'attente : {title}. Pouvez-vous y aller ? Répondez OUI {code} ou NON {code}. {link}",
        "en": "The wait is over: {title}. Can you go? Reply YES {code} or NO {code}. {link}",
    },
    "resumed_informs": {
        "fr": "Fin de l'attente : {title}. Restez chez vous, n'intervenez pas.",
        "en": "The wait is over: {title}. Stay at home, do not intervene.",
    },
    "ask_back_0": {
        "fr": "Nous n'avons pas compris. Aucune demande n'attend votre réponse. Urgence : 112.",
        "en": "We did not understand. No request is waiting for your answer. Emergency: 112.",
    },
    "ask_back_1": {
        "fr": "Nous n'avons pas compris. Répondez OUI {one} ou NON {one}, sans rien d'autre. ({pending})",
        "en": "We did not understand. Reply YES {one} or NO {one} and nothing else. ({pending})",
    },
    "ask_back_2": {
        "fr": "À quelle demande répondez-vous ? Répondez OUI ou NON avec le code : {pending}",
        "en": "Which request are you answering? Reply YES or NO with its code: {pending}",
    },
    "ask_which": {
        "fr": "De quelle demande parlez-vous ? Renvoyez votre réponse avec le code : {pending}",
        "en": "Which request do you mean? Send your answer again with its code: {pending}",
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
        "en": "Your message was passed to a supervisor. In danger: reply DANGER. Emergency: 112.",
    },
    "forwarded_informs": {
        "fr": "Votre message est transmis à un superviseur. Restez chez vous ; danger : 17.",
        "en": "Your message was passed to a supervisor. Stay at home; in danger call 17.",
    },
    "stopped": {
        "fr": (
            "Vous ne recevrez plus de demandes. Les messages de sécurité d'une mission en cours continuent "
            "jusqu'à sa fin."
        ),
        "en": (
            "You will receive no more requests. Safety messages about a current assignment continue until you are "
            "released from it."
        ),
    },
    "started": {
        "fr": "Vous recevrez de nouveau les demandes de renfort. Pour les arrêter : STOP.",
        "en": "You will receive requests again. To stop them, reply STOP.",
    },
    "reseated": {
        "fr": (
            "{title} : toujours pas parti ou arrivé ? Nous cherchons un remplaçant. "
            "Répondez EN ROUTE {code} ou NON {code}. {link}"
        ),
        "en": (
            "{title}: not left or not there yet? Your seat is offered to others. "
            "Reply ON MY WAY {code} or NO {code}. {link}"
        ),
    },
    "overdue": {
        "fr": "Est-ce terminé : {title} ? Répondez FINI {code} ou PAS FINI {code}. En difficulté : DANGER. {link}",
        "en": "Is it over: {title}? Reply DONE {code} or NOT DONE {code}. In trouble: reply DANGER. {link}",
    },
    "reminder": {
        "fr": "Rappel : on vous attend, {title}. Un empêchement ? Répondez NON {code}. {link}",
        "en": "Reminder: you are expected, {title}. If you cannot come, reply NO {code}. {link}",
    },
    "moved": {
        "fr": "Nouvel horaire : {title}. Venez-vous toujours ? Répondez OUI {code} ou NON {code}. {link}",
        "en": "New time: {title}. Are you still coming? Reply YES {code} or NO {code}. {link}",
    },
    "doubted": {
        "fr": "Votre réponse n'est pas claire ({title}). Venez-vous ? OUI {code} ou NON {code} dans la minute. {link}",
        "en": "Your answer is not clear ({title}). Are you coming? YES {code} or NO {code} within a minute. {link}",
    },
}

WITH_DETAIL = {
    "no_muster_point",
    "ambiguous_sender",
    "text_flood",
    "by_hand",
    "referred",
    "parked",
    "stuck",
    "paused",
    "gateway",
}
"""Reasons that tell little without what was written to them."""

REASONS: dict[str, dict[Language, str]] = {
    "uncovered": {"fr": "pas assez de monde", "en": "not enough people"},
    "not_en_route": {
        "fr": "un volontaire n'a pas signalé son départ",
        "en": "a volunteer has not reported leaving",
    },
    "not_ended": {
        "fr": "l'heure de fin est passée, sans compte rendu",
        "en": "it should have ended, and nobody reported",
    },
    "not_on_scene": {
        "fr": "un volontaire en route n'est pas arrivé à temps",
        "en": "a volunteer on the way has not arrived in time",
    },
    "alone_overdue": {
        "fr": "un intervenant seul ne donne pas de nouvelles : appelez-le, sinon le 17 ou le 18",
        "en": "a responder who is alone is overdue: call them, else 17 or 18",
    },
    "recall_unacknowledged": {
        "fr": "tous n'ont pas confirmé la consigne de sécurité",
        "en": "not everybody has acknowledged a safety recall",
    },
    "answer_doubtful": {
        "fr": "une réponse n'est pas claire, confirmation demandée au volontaire",
        "en": "an answer is not clear; the volunteer is asked to confirm",
    },
    "ambiguous_sender": {
        "fr": "un message vient d'un numéro que deux personnes partagent peut-être",
        "en": "a text came from a number that two people may share",
    },
    "text_flood": {
        "fr": "un téléphone envoie sans arrêt le même message",
        "en": "a phone keeps sending the same text",
    },
    "late_arrival": {
        "fr": "un volontaire vient, mais arrivera tard",
        "en": "a volunteer is coming, but will arrive late",
    },
    "apart": {
        "fr": "deux volontaires à ne pas réunir ont dit oui ; le second ne vient pas",
        "en": "two volunteers who must not meet said yes; the second is not coming",
    },
    "called_away": {
        "fr": "un volontaire est parti pour une urgence, sa place est à pourvoir",
        "en": "a volunteer left for an emergency; their seat is free again",
    },
    "overlapping_yes": {
        "fr": "un volontaire a dit oui, mais il est déjà pris à ces heures",
        "en": "a volunteer said yes, but is already expected elsewhere at that time",
    },
    "window_moved": {
        "fr": "l'horaire a changé, confirmation demandée à ceux qui viennent",
        "en": "the time has changed; those who are coming are asked to confirm",
    },
    "responder_text": {
        "fr": "un intervenant a écrit un message, à lire",
        "en": "a responder sent a text: please read it",
    },
    "danger": {"fr": "un intervenant signale un danger", "en": "a responder reports danger"},
    "hazard": {
        "fr": "danger signalé : les volontaires sont tenus à l'écart",
        "en": "a hazard: volunteers are kept away",
    },
    "unplaced": {"fr": "signalement sans position", "en": "a report has no position"},
    "outside_area": {"fr": "signalement hors du secteur", "en": "a report is outside the service area"},
    "doubtful_position": {
        "fr": "position douteuse dans un signalement",
        "en": "a report's position is doubtful",
    },
    "no_plan": {
        "fr": "aucun plan ne prévoit de volontaires ici",
        "en": "no plan asks volunteers for this kind",
    },
    "stale_report": {
        "fr": "un signalement ancien attend votre confirmation",
        "en": "an old report awaits your confirmation",
    },
    "report_incomplete": {
        "fr": "un signalement n'a été lu qu'en partie ; il peut citer un danger",
        "en": "a report was read only in part; it may mention a hazard",
    },
    "no_muster_point": {
        "fr": "lieu de rassemblement inconnu",
        "en": "the muster point is unknown",
    },
    "opened_late": {
        "fr": "un signalement a été traité en retard",
        "en": "a report was processed late",
    },
    "awaiting_confirmation": {"fr": "votre confirmation est attendue", "en": "your confirmation is awaited"},
    "professional_not_requested": {
        "fr": "les secours professionnels n'ont pas été demandés",
        "en": "the professional response was not requested",
    },
    "forged": {
        "fr": "quelqu'un envoie de faux messages à Renfort, sans effet ; prévenez l'informatique",
        "en": "somebody sends Renfort false messages, without effect; tell whoever runs its computers",
    },
    "parked": {"fr": "un message reçu n'a pas pu être traité", "en": "a message could not be processed"},
    "stuck": {"fr": "un incident est bloqué", "en": "an incident is stuck"},
    "paused": {"fr": "les demandes sont suspendues", "en": "new offers are paused"},
    "gateway": {"fr": "les messages ne partent pas", "en": "messages are not being sent"},
    "unsendable": {
        "fr": "les messages ne partent pas ; personne n'est appelé en attendant",
        "en": "messages are not being sent; nobody is asked meanwhile",
    },
    "unreached": {
        "fr": "la plupart des messages n'arrivent pas",
        "en": "most messages are not delivered",
    },
    "referred": {"fr": "à transmettre", "en": "to be referred"},
    "by_hand": {"fr": "demande d'un superviseur", "en": "request from a supervisor"},
    "duty_stop": {
        "fr": "un contact de garde a répondu STOP : appelez-le ; il reste alerté",
        "en": "a duty contact replied STOP: call them; they are still paged",
    },
    "updated_after_end": {
        "fr": "nouvelle information sur un incident terminé",
        "en": "new information about an incident that has ended",
    },
    "agenda_late": {"fr": "des tâches sont en retard", "en": "scheduled actions are overdue"},
    "outbox_late": {
        "fr": "les événements ne sont pas publiés (Kafka ?)",
        "en": "events are not published (Kafka?)",
    },
    "messages_late": {
        "fr": "des messages attendent depuis plus d'une minute",
        "en": "messages have been waiting for over a minute",
    },
    "reading_late": {
        "fr": "des événements publiés ne sont pas traités",
        "en": "published events are not being processed",
    },
    "overload": {
        "fr": "il arrive plus de signalements que Renfort ne peut en traiter ; les plus graves d'abord",
        "en": "more reports arrive than Renfort can process; the most severe come first",
    },
    "journal_differs": {
        "fr": "un incident diffère de son journal",
        "en": "an incident differs from its journal",
    },
    "candidates_differ": {
        "fr": "la fiche d'un volontaire ne correspondait plus au registre ; elle a été corrigée",
        "en": "a volunteer's row differed from the roster; it was corrected",
    },
}
