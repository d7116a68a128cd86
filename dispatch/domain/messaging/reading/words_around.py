"""The words around an answer that change nothing: politeness, function words, gear, signatures."""

from dispatch.domain.messaging.reading.kinds import Kind

WORDS: dict[Kind, str] = {
    Kind.COURTESY: """
        merci, merci beaucoup, merci bien, mille mercis, bonjour, bonsoir, salut, coucou, slt,
        bjr, bsr, cc, svp, stp, s'il vous plaît, s'il te plaît, hello, hi, hey, thanks, thanks a
        lot, many thanks, thx, thank you, ty, please, plz, bises, bisous, biz, bisou, cdt, cdlt,
        cordialement, bien à vous, bien à toi, regards, best regards, kind regards, best,
        cheers, à +, à plus, à bientôt, à toute, à tout de suite, à tout à l'heure, see you, see
        you soon, cya, bonne journée, bonne soirée, bon courage, bonne chance, désolé du retard,
        désolée du retard, désolé pour le retard, désolée pour le retard, désolé de répondre
        tard, désolé pour la réponse tardive, sorry for the delay, sorry for the late reply,
        sorry for late reply, sorry i'm late, thanks for asking, thanks for the heads up, merci
        pour l'alerte, merci de demander, good luck, bonne continuation, madame, monsieur,
        mesdames, messieurs, chef, mate, les gars, guys, à tous, all, everyone, tout le monde,
        good morning, good evening, pardon, excusez-moi, 🙂, 😊, 😀, 😃, 😄, 😁, ☺, 😉, 💪, 🏃, 🚗, 🚙, 🚒,
        🚑, 🚲, 🛵, 🏍, ❤, 🙏, 👋, 🚨, 👨, 👩, ⚕, 🧑, veuillez, veuillez agréer, écoutez, écoute, au
        revoir, bye, yo, wsh, wesh, vas-y, vazy, peuchère, boudu, respectueusement, mes
        respects, cher monsieur, chère madame, sorry for my english, sorry for my french, désolé
        pour les fautes, désolé my french is bad, sorry my french is bad, sorry my english is
        bad, vous remercie, vous remercie infiniment, toutes mes excuses, vous présente toutes
        mes excuses, vous prie de m'excuser
    """,
    Kind.SELF: "je, i, j",
    Kind.FILLER: """
        est, is, moi, me, nous, we, we are, am, suis, mon, ma, mes, my, vous, votre, vos, your,
        le, les, un, une, des, du, de, the, a, an, et, and, to, for, pour, avec, with, en, ce,
        c'est, ça, it, it is, this, that, that is, sera, au, aux, sur, from, ai, have, do, did,
        dit, said, tout, tous, bien, very, très, just, juste, bon, ben, bah, alors, so, donc,
        aussi, also, too, toujours, still, encore, again, déjà, already, well, mon côté, de mon
        côté, answer is, réponse est, by, chez, at, finalement, finally, actually, en fait, au
        final, après réflexion, tout compte fait, eu, numéro de, asking, take me, takes me, me
        prendra, me prend, j'en ai pour, ce coup-ci, coup, ci, going to take me, dois, anymore,
        any more, beaucoup, seul, seule, alone, c, leur, cette, ces, these, those, est bon,
        percent, bientôt, soon, all good, plus vite, pas loin, pas très loin, suis pas loin, ne
        suis pas loin, pas trop loin, not far, not far away, am not far, pas longtemps, fait
        mal, get, getting, up, there, then, serai, va, must, fort et clair, loud and clear,
        définitif, définitivement, permettez-moi de, aimable, de plus près, de plus proche, rien
        ne m'empêche, tout effort, pas de calais
    """,
    Kind.NEAR: """
        suis là, chez moi, à la maison, at home, en ville, là, ici, here, ville, town, in town, secteur,
        dans le secteur, coin, dans le coin, in the area, région, nearby, around, à côté, juste à côté,
        next door, close, tout près, près
    """,
    Kind.NOW: """
        maintenant, now, right now, de suite, tout de suite, à l'instant, immédiatement,
        immediately, right away, straight away, at once, vite, rapidement, quickly, au plus
        vite, le plus vite possible, aussi vite que possible, aussi vite que je peux, as fast as
        i can, as quickly as i can, asap, dès que possible, as soon as possible, directement,
        direct, sans tarder, à présent, à c't'heure, dans les meilleurs délais, dans les plus
        brefs délais
    """,
    Kind.THING: """
        message, messages, msg, sms, texto, textos, text, texts, notification, notifications,
        alerte, alertes, alert, alerts, renfort, code, numéro, num, ref, référence, mon oui, my
        yes, mon accord, ma participation, liste, demande, request, mission, intervention,
        inter, réponse, answer, reply, botte, bottes, chaussures, manteau, veste, blouson,
        gilet, casque, tenue, affaires, matériel, matos, sac, trousse, clé, clés, clefs,
        voiture, véhicule, camion, vélo, moto, scooter, défibrillateur, défibrilateur, dae, dea,
        aed, lampe, téléphone, pied, shoes, boots, coat, jacket, keys, bike, van, truck, kit,
        bag, gear, helmet, defibrillator, defib, torch, phone, foot, in the car, in my car, in
        my van, by car, on foot, dans la voiture, dans ma voiture, dans le camion, en voiture, à
        pied, à vélo, en moto, le temps de mettre, le temps de prendre, le temps de m'habiller,
        le temps de me préparer, m'habille, me prépare, mets, enfile, ferme, sors, monte,
        descends, habille, prépare, mettre, finis, finir, quitte, démarre, démarrer, cherche,
        porte, sors de table, manger, route, rue, rues, immeuble, quartier, bâtiment, jardin,
        lunettes, gants, pantalon, pull, chaussettes, baskets, sandales, imperméable, parapluie,
        papiers, portable, gilet jaune, oxygène, walking, running, cycling, driving there,
        walking there, running there, house, door, street, road, jumper, trousers, socks,
        gloves, glasses, wallet, engine, starting, closing, locking, finishing, leaving the
        house, apporte, amène, ramène, grab, grabbing, taking, bringing, dressed, getting
        dressed, leaving home, from home, de la maison, quitte la maison, from the house,
        caserne, station, centre, local, list, address, adresse, rejoindre le centre, premiers
        secours, trousse de secours, first aid kit, putting, shoes on, boots on, coat on, frr,
        frérot, bro, vsav, vsab, vlm, fpt, ccf, vtu, cs, fichier, fichiers, invitation, rgpd,
        sortir la voiture, sortir le véhicule, sortir le vélo, sortir la moto, le temps de
        sortir la voiture
    """,
    Kind.EASY: """
        pas de problème, pas de problèmes, pas de souci, pas de soucis, pas de pb, aucun
        problème, aucun souci, sans problème, sans souci, pas de prob, no problem, no problems,
        no prob, no pb, no worries, no sweat, n'ai rien de prévu, ai rien de prévu, rien de
        prévu, rien prévu, nothing planned, no plans, pas d'empêchement, not a problem,
        n'attendez pas, t'inquiète, t'inquiète pas, ne vous inquiétez pas, vous inquiétez pas,
        tkt, tqt
    """,
    Kind.SIGNATURE: """
        sent from, sent via, sent using, sent with, get outlook for, envoyé de, envoyé depuis, envoyé à
        partir de, envoyé avec, envoyé via, envoyé par, obtenez outlook pour, télécharger outlook,
        téléchargez outlook, provenance courrier pour
    """,
}
