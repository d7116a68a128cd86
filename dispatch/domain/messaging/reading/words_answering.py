"""The words of a yes, a no and "I have read it", in French and English."""

from dispatch.domain.messaging.reading.kinds import Kind

WORDS: dict[Kind, str] = {
    Kind.YES: """
        oui, ouais, ouaip, ouep, oué, wi, ui, yes, yep, yeah, yea, yup, aye, affirm, affirmatif,
        affirmative, absolument, absolutely, definitely, certainly, certainement, évidemment,
        carrément, tout à fait, bien sûr, bien entendu, of course, sure, sure thing, volontiers,
        avec plaisir, with pleasure, sans hésiter, count me in, bon pour moi, ok pour moi, good
        for me, i'm in, banco, yes pls, yes sir, oui chef, ça marche pour moi, ça roule pour
        moi, parfait pour moi, d'accord pour moi, très bien pour moi, works for me, ouais grave,
        oui grave, oui da, avec grand plaisir, avec joie, ye, yh, ne manquerai pas de venir, ne
        manquerai pas d'être là
    """,
    Kind.ABLE: """
        peux, je peut, je peu, pourrai, can, can do, able, capable, en mesure de, dispo,
        disponible, avail, available, libre, free, partant, partante, volontaire, présent,
        présente, prêt, prête, ready, good to go, viens, viendrai, irai, y irai, prends,
        accepte, accept, accepted, je marche, me porte volontaire, veux bien, m'en occupe, m'en
        charge, m'y rends, me rends, m'y colle, me déplace, rejoins, serai là, serai présent,
        serai présente, serai sur place, going, i go, let's go, willing, on it, take it, can
        help, will help, happy to help, glad to help, i'll help, i come, comptez sur moi, compte
        sur moi, compter sur moi, vous pouvez compter sur moi, tu peux compter sur moi, count on
        me, y serai, serai des vôtres, will be there, can be there, ill come, ill go, ill be
        there, ill be right there, ill take it, ill make it, be right there, be there soon, nous
        venons, allons-y, responding, je confirme, i confirm, confirmed, on vient, on peut, on
        prend, je vins, me rends sur place, me rends sur les lieux
    """,
    Kind.COME: """
        arrive, arrivons, y vais, j'y go, fonce, accours, coming, saute dans la voiture, suis
        dans la voiture, je cours, y cours, je file, y file, on arrive, on fonce, on y va,
        rallie, j'y monte, on y monte
    """,
    Kind.LEAVING: """
        pars, je part, partons, leaving, me mets en route, on part, heading out, heading over,
        heading there, heading in, c'est parti, je décale, on décale, décalons, je démarre,
        quitte à l'instant, quitte chez moi, quitte de chez moi, quitte à l'instant de chez moi
    """,
    Kind.LEFT: "en route, en chemin, on my way, on the way, omw, otw",
    Kind.GONE: """
        parti, partie, partis, departed, just left, have left, i left, set off, rolling, viens de
        partir, viens juste de partir
    """,
    Kind.AUXILIARY: "vais, will, going to, gonna, suis prêt à, suis prête à, ready to",
    Kind.INFINITIVE: """
        venir, aller, y aller, intervenir, aider, vous aider, secourir, participer, rejoindre, vous
        rejoindre, me déplacer, m'y rendre, me rendre, y être, être là, être présent, être présente,
        être sur place, être dispo, être disponible, me libérer, prendre, partir, arriver, pouvoir,
        assurer, come, go, make it, get there, get away, be there, to help, attend, respond, join,
        assist, do it, do this, le faire, be able, be available, be free, répondre présent, venue,
        présence, participation, disponibilité, disponibilités, availability, happen, faire
    """,
    Kind.NO: """
        non, no, nan, nope, nah, nein, négatif, negative, no way, no can do, no go, no chance,
        not a chance, certainement pas, bien sûr que non, évidemment que non, que non, afraid
        not, commencez sans moi, faites sans moi, faites-le sans moi, partez sans moi, allez-y
        sans moi, start without me, go without me, go ahead without me, surtout pas, absolument
        pas, pas du tout, pas question, jamais de la vie, hors de question, out of the question,
        not at all, certainly not, of course not, absolutely not, definitely not, pas moi, not
        me, pas pour moi, not for me, count me out, sans moi, without me, i'm out, 👎, ❌, 🚫, 🙅,
        ⛔, ❎, ✖, unfortunately not, sadly not, regrettably not, malheureusement pas, hélas pas,
        say no, nenni, que nenni, pas moyen, aucun moyen
    """,
    Kind.SORRY: """
        désolé, désolée, dsl, désolés, navré, navrée, sorry, my apologies, soz, je regrette, je
        regrette vivement, regrette
    """,
    Kind.REASON: """
        indisponible, indispo, impossible, unavailable, unable, busy, occupé, occupée, absent,
        absente, travail, travaille, boulot, taf, taff, bosse, work, working, malade, sick, ill,
        unwell, souffrant, souffrante, vacances, congé, congés, holiday, holidays, on leave,
        vacation, réunion, meeting, à l'étranger, abroad, déplacement, out of town, trop loin,
        too far, bu, trop bu, drunk, been drinking, empêché, empêchée, fatigué, fatiguée,
        épuisé, épuisée, tired, exhausted, décline, décliner, decline, refuse, refuser, annulez,
        renoncer, passe mon tour, annule, annuler, annulé, abandonne, renonce, désiste, me
        retire, withdraw, dors, asleep, hors secteur, hors zone, une autre fois, another time,
        next time, prochaine fois, hospitalisé, hospitalisée, enceinte, pregnant, covid, grippe,
        flu, opéré, opérée, arrêt maladie, en arrêt, en arrêt maladie, arrêt de travail, en
        arrêt de travail, no time, de repos, already engaged, déjà engagé, déjà engagée, déjà en
        intervention, non plus, j'ai piscine, have to work, dois travailler, empêchement,
        empêchements, contretemps, imprévu, on holiday, on vacation, on est occupés, c'est mort,
        c mort, o taf, o boulot, o travail, tout à fait impossible, il m'est impossible, il
        m'est tout à fait impossible, m'interdit tout effort, médecin m'interdit, pas d'effort,
        ne conduis plus, indispo opérationnelle, indispo opérationnel, indisponibilité, cloué au
        lit, clouée au lit, alité, alitée, bedridden, trop tard pour moi, too late for me, sit
        this one out, sit it out, have to sit this one out, have to sit it out, have to pass,
        i'll pass, rain check, prenez quelqu'un, prenez quelqu'un d'autre, trouvez quelqu'un
        d'autre, appelez quelqu'un d'autre, find someone else, ask someone else, retirez mon
        oui, enlevez mon oui, supprimez mon oui, oubliez mon oui, effacez mon oui, avec plaisir
        une autre fois, une autre fois avec plaisir, une prochaine fois avec plaisir, une
        prochaine fois avec joie, pass on this one, i'll pass on this one, have to pass on this
        one
    """,
    Kind.NOT: """
        pas, plus, jamais, plus jamais, jamais plus, ni, neither, nor, pas non plus, not, never, aucun,
        aucune, rien, sans, without, no longer, no more, nothing, nullement, guère
    """,
    Kind.HALF_NOT: "ne, on ne",
    Kind.OK: """
        ok, okay, okey, oki, okok, o k, d'accord, dac, dacc, entendu, c'est entendu, ça marche, ça
        roule, parfait, très bien, roger, roger that, rgr, wilco, will do, alright, all right, 👍, 👌, 🆗,
        ✅, ✔, ☑, d'acc, tenfour
    """,
    Kind.SEEN: """
        vu, bien vu, lu, reçu, bien reçu, message reçu, noté, bien noté, c'est noté, pris note,
        compris, bien compris, copié, seen, read, received, noted, understood, copy, copy that,
        copied, got it, got the message, got your message, got your text, est noté, j'ai noté,
        note merci, bien note, reçu fort et clair, bien reçu fort et clair, pris connaissance,
        bien pris connaissance
    """,
    Kind.UNREAD: """
        did not receive, did not get, have not received, have not got, never got, never received,
        incompris, illisible, unreadable, unread
    """,
    Kind.SIGHT: """
        lire, voir le message, ouvrir, open, get it, get that, get the message, get your message, get
        this, see it, see the message, see your message, read it, comprendre, comprends, understand, eu
        le message, eu votre message, eu de message, eu les messages, eu l'info, make out, entendre,
        hear, ouvre
    """,
    Kind.LETTER_YES: "o, y",
    Kind.LETTER_NO: "n",
}

FORGIVEN = frozenset({
    "arrive", "accepte", "disponible", "volontiers", "available", "coming", "affirmatif", "affirmative", "absolument",
    "absolutely", "definitely", "certainly", "responding",
})  # fmt: skip
"""The yes words of which a typo is understood; others lie too near to a word of another meaning."""

SWAPPED = frozenset({"oui", "non", "yes", "dispo", "viens", "peux", "libre"})
"""Short words of which two letters that changed places are understood."""
