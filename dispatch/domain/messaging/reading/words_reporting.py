"""The words by which somebody who is assigned reports, and those that stop and start messages."""

from dispatch.domain.messaging.reading.kinds import Kind

WORDS: dict[Kind, str] = {
    Kind.COMPLY: """
        rentre, fais demi-tour, demi-tour, reste, waiting, i'll wait, stay, staying, on my way
        home, on the way home, omw home, coming home, turning back, turn back, turning around,
        going home, go home, going back, heading home, heading back, n'approche pas, n'approche
        plus, staying away, stay away, keeping away, keep away, m'éloigne, recule, stand by,
        standing by, standby, ne bouge pas, bouge pas, ne bouge plus, en attente, on attend, on
        n'approche pas, j'attends, nous attendons, je patiente, stood down, standing down, am
        stood down, n'approcherai pas, on attend le feu vert, on attend votre feu vert,
        j'attends le feu vert, j'attends votre feu vert, on rentre
    """,
    Kind.HERE: """
        sur place, sur les lieux, sur zone, sur site, on site, onsite, on scene, at scene, at
        the scene, on the scene, arrivé, arrived, suis arrive, bien arrive, am here, y suis, am
        there, suis devant, at the address, à l'adresse, viens d'arriver, viens juste d'arriver,
        sll, présentation sur les lieux, présentation sll, au contact, au contact de la victime,
        on est au contact, on est au contact de la victime, on est sur place, on est sur les
        lieux, on y est, nous y sommes, got here, just got here, am with him, am with her, am
        with the patient, am with the casualty, doing cpr
    """,
    Kind.DONE: """
        fini, finie, finished, done, all done, terminé, terminée, completed, rentré, suis
        rentre, bien rentre, back home, am home, home safe, fin de mission, fin d'intervention,
        fin de l'intervention, mission accomplie, de retour chez moi, de retour à la maison, de
        retour à la caserne, mission terminée, mission finie, intervention terminée,
        intervention finie, inter terminée, mission complete, mission completed, mission over,
        viens de finir, viens de terminer, fin d'inter, retour dispo, retour disponible,
        désengagé, désengagée, désengagés, remisage, remisé
    """,
    Kind.DANGER: """
        danger, dangr, dangé, dangers, dangereux, dangereuse, dangerous, unsafe, armé, armés,
        armée, arme, armes, armed, couteau, couteaux, knife, gun, guns, fusil, pistolet, weapon,
        weapons, machette, agressé, agressée, agression, agresse, agresser, agresseur, agressif,
        agressifs, agressive, aggressive, attacked, attacking, attaqué, ça tire, tire dessus,
        tirs, tireur, coup de feu, coups de feu, shots, shot, shooting, shooter, stabbed,
        explosion, explose, gaz, gas leak, menace, menacé, menacée, menaces, threatened,
        threatening, threats, violent, violents, violente, violence, au secours, à l'aide, help,
        help me, sos, mayday, bombe, bomb, otage, otages, hostage, suis blessé, suis blessée, am
        hurt, am injured, got hurt, piégé, piégée, trapped, effondrement, collapsed, ☠, ⚠, 🆘, 🔫,
        🔪, 💣, bagarre, fight, fighting, menaçant, menaçante, hostile, explosif, émeute, riot,
        m'attaque, attaquent, being attacked, tirent, fil électrique, câble électrique, live
        wire, electrocuted, électrocuté, aidez-moi, aidez-nous, caillasse, caillassent,
        caillassé, caillassés, caillassage, ligne au sol, lignes au sol, ligne électrique,
        lignes électriques, câble au sol, câbles au sol, power line, power lines, toit tombe,
        plafond tombe, mur tombe, s'effondre, s'écroule, effondré, écroulé, effondrée, écroulée,
        coincé dans la cave, coincée dans la cave, coincé sous, coincée sous, roof is falling,
        collapsing, caving in
    """,
    Kind.HALT: """
        stop, stopall, stop all, stop tout, arrêt, arrêter, arrêtez, arrête, stopper, stoppez
    """,
    Kind.STOP: """
        stop sms, unsubscribe, désabonner, désabonnez, désabonne, désabonnement, désinscrire,
        désinscrivez, désinscris, désinscription, résilier, résiliez, résiliation, opt out,
        optout, opt me out, remove me, take me out, take me off, take my number off, stop
        texting, stop messaging, retirez-moi, retirez mon, enlevez-moi, enlevez mon,
        supprimez-moi, supprimez mon, rayez-moi, effacez-moi, effacez mon, oubliez mon, me
        retirer de, me supprimer de, m'enlever de, me rayer de, unsub, me retirer définitivement
        de, retirer de vos fichiers, supprimer de vos fichiers, effacer de vos fichiers, me
        retirer définitivement, supprimer mes données, effacer mes données
    """,
    Kind.LEGAL_STOP: "end, quit, revoke, remove",
    Kind.CANCEL: "cancel",
    Kind.SENDING: """
        appelez, appeler, text me, message me, call me, contact me, envoyez, envoyer, envoie, contactez,
        contacter, sollicitez, solliciter, dérangez, déranger, recevoir, receive, receiving, texting,
        messaging, écrivez, écrire
    """,
    Kind.START: """
        start, restart, unstop, subscribe, resubscribe, opt in, optin, reprendre, reprise, reprenez,
        réabonner, réabonnez, réinscrire, réinscrivez, réinscription, de nouveau recevoir, recevoir de
        nouveau, à nouveau recevoir, recevoir à nouveau, receive again, receive messages again, receive
        alerts again, réabonnement
    """,
}
