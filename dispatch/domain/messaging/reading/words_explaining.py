"""The words that explain a no, or make an answer uncertain."""

from dispatch.domain.messaging.reading.kinds import Kind

WORDS: dict[Kind, str] = {
    Kind.BECAUSE: """
        loin, far, accident, panne, crevé, bouchon, bouchons, embouteillage, embouteillages,
        traffic, trafic, enfant, enfants, gosses, kids, kid, children, bébé, baby, garde,
        garder, famille, family, mari, femme, wife, husband, mère, père, mother, father,
        parents, médecin, doctor, dentiste, dentist, hôpital, hospital, conduis, driving, train,
        avion, plane, retard, late, malheureusement, unfortunately, hélas, retenu, retenue,
        bloqué, bloquée, coincé, coincée, stuck, trop tard, too late, afraid, petit, petite,
        petits, petites, depuis, since, vu que, car, parce que, because, puisque, cause, à cause
        de, école, school, classe, class, examen, exam, rdv, rendez-vous, appointment, mariage,
        wedding, enterrement, funeral, anniversaire, birthday, repas, dinner, lunch, sport,
        match, gym, lit, bed, in bed, douche, shower, campagne, montagne, mer, plage, beach,
        fièvre, fever, dos, jambe, leg, cheville, in the middle of, en train de, out, away,
        duty, on duty, on call, hors, too much, trop, too young, too old, alcool, alcohol,
        bière, beer, beers, verre, verres, drink, drinks, service, poste, shift, home, maison,
        domicile, pris, prise, taken, sous, in a, in the, dans le, dans la, dans un, dans une,
        en cours, à l'arrêt, quel dommage, dommage, pity, fils, fille, my son, daughter,
        petits-enfants, grandkids, cassé, cassée, plâtre, béquilles, entorse, positif, broken,
        crutches, formation, training, transport, on shift, bureau, table, office, en
        intervention, en inter, sur une intervention, sur une inter, sur intervention, sur
        inter, en mission, sur une mission, autre intervention, on a job, on another job, on
        another call, astreinte finie, astreinte terminée, fin d'astreinte, garde finie, garde
        terminée, fin de garde, service fini, service terminé, au stop, bus stop, a stop
    """,
    Kind.POSSIBLE: """
        possible, temps, le temps, time, think, think so, pense, crois, veux, want, envie, souhaite,
        wish, peut, drive, conduire, bouger, move, sortir, quitter, leave, travel, marcher, walk,
        comptez, compter, compte, count, en état, en état de, do that, in a position to, feasible,
        faisable, être possible
    """,
    Kind.UNREAL: """
        pourrais, pourrait, could, would, would love to, viendrais, aurais, serais, voudrais, aimerais,
        aurais aimé, aurais voulu, aurais pu, would have, devrais
    """,
    Kind.PAST: "étais, était, was, were, viens de, viens juste de, venais de, avais",
    Kind.HEDGE: """
        si, if, unless, sauf, except, à moins, peut-être, ptet, ptetre, peutetre, maybe,
        perhaps, might, may, probablement, probably, sûrement, normalement, éventuellement,
        essaie, essaye, essaierai, essayer, vais voir, try, trying, dépend, depends, espère,
        hope, avant, before, ou, or, either, sinon, otherwise, quand, when, dès que, après,
        after, seulement, doute, doubt, hésite, condition, réserve, rigole, rigolais, plaisante,
        plaisantais, blague, kidding, joke, joking, erreur, error, mistake, oups, oops, trompé,
        trompée, wrong, plutôt, rather, instead, idk, dunno, peu, presque, almost, nearly, voir,
        verrai, only, en peux, en viens, put être, peu être, attends, attendez, attendez-moi,
        wait, wait for me, hold on, un instant, une seconde, patientez, pas moyen de ne pas
    """,
    Kind.LAUGH: "lol, mdr, ptdr, haha, hihi",
    Kind.BUT: "mais, but, cependant, par contre, however",
    Kind.LATER: """
        demain, tomorrow, soir, ce soir, tonight, aujourd'hui, today, matin, ce matin, morning, aprem,
        cet aprem, après-midi, cet après-midi, afternoon, evening, nuit, cette nuit, night, weekend,
        week-end, semaine, week, jour, jours, day, days, mois, month, lundi, mardi, mercredi, jeudi,
        vendredi, samedi, dimanche, monday, tuesday, wednesday, thursday, friday, saturday, sunday,
        moment, en ce moment, at the moment, pour le moment, pour l'instant, instant, for now,
        actuellement, currently, jusque, until, till, plus tard, later, midi, minuit, heure, heures,
        fois, cette fois, this time, all day, toute la journée, la journée, journée, soirée, prochain,
        prochaine, next, tout à l'heure, tantôt
    """,
    Kind.QUESTION: """
        ?, ؟, ❓, ❔, 🤔, 🤷, pourquoi, why, combien, est-ce que, qui, who, quoi, what, comment, how, where,
        can i, can we, may i, should i, shall i, do i, am i, are we, dois-je, puis-je, peux-je, quel,
        quelle, which
    """,
    Kind.SAD: "😢, 😞, 😔, 😟, 🙁, ☹, 😭, 😥, 😓, 😩, 😣, 😕, 😪, 🤒, 🤕, 🤧, 😷",
    Kind.STRUCK: "⊘",
}
