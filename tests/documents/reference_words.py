"""The texts of the reference that are written by hand; a test compares each list with the code."""

from dispatch.domain.matching.selection import Gate

INTRODUCTION = """\
# Reference

Generated from the code by `python -m tests.documents.reference`; the tests compare the two.
The [glossary](glossary.md) defines the terms; [operating](operating.md) describes operation.
"""

SETTINGS: dict[str, str] = {
    "kafka": "Bootstrap servers, `host:port[,host:port]`. Empty: `dispatch up` starts an embedded broker; "
    "`dispatch run` exits with an error.",
    "kafka_username": "User name for Kafka (SCRAM). Empty: no authentication by password.",
    "kafka_password": "Its password.",
    "kafka_mechanism": "SASL mechanism: `SCRAM-SHA-512` or `SCRAM-SHA-256`.",
    "kafka_tls": "`true` uses TLS with the system's authorities; a CA or a certificate implies TLS.",
    "kafka_ca": "File (PEM) of the authority that signed the brokers' certificates, which must contain the host names "
    "in `DISPATCH_KAFKA`.",
    "kafka_cert": "File (PEM) of the client certificate, where the brokers require one.",
    "kafka_key": "File (PEM) of its key, without a passphrase. Empty: the certificate's file contains it.",
    "postgres": "URL of the database, PostgreSQL 15 or later. Empty: `dispatch up` starts an embedded one; "
    "`dispatch run` exits with an error. Do not use a pooler that shares sessions.",
    "data": "Folder of the embedded services' files, of `addresses.json`, which other commands read, and of "
    "`token-secret`, which must be the same for all processes of an installation.",
    "plans": "Folder of response plans, read at the start of a process. Empty: the shipped plans.",
    "http": "Address and port to listen on.",
    "public_url": "The beginning of links in messages. Required with a real gateway; empty: `DISPATCH_HTTP`.",
    "proxies": "Addresses and networks of your reverse proxies, separated by commas: of their requests, the log names "
    "the client in `X-Forwarded-For`. Empty: that header is ignored.",
    "streams": "How many streams (`GET /v1/stream`) a process serves at once. Beyond a limit it answers 429.",
    "streams_per_organisation": "How many of them one organisation reads.",
    "streams_per_key": "How many of them are read with one key.",
    "replication": "Replicas of each topic that is created: 3 on three brokers.",
    "min_insync": "Replicas that must have a message before it counts as published: 2 of 3.",
    "guarded_topic": "`true` declares that access control protects `incident.reports` from other writers; "
    "otherwise reports published there are untrusted.",
    "guarded_positions": "`true` declares that access control protects `volunteer.positions` from other writers than "
    "your trackers; otherwise nothing reads it, and positions come by HTTP alone.",
    "backup": "Folder on another disk, to which `dispatch up` copies the embedded database's write-ahead log "
    "continuously, and a base backup once a day: [backups](operating.md#backups).",
    "write_generation": "The generation of events to write, where it is not to follow the oldest live reader: see "
    "[the upgrade](operating.md#upgrade-and-roll-back-without-stopping).",
    "keep": "Days for which tables are retained, where they differ from the [defaults]"
    "(operating.md#what-is-stored-where-and-for-how-long): `report_texts=90,rounds=730`.",
    "kannel_url": "Kannel's `sendsms` address. Empty: simulated phones, whose messages are only printed.",
    "kannel_username": "Name of Kannel's `sendsms-user`.",
    "kannel_password": "Its password.",
    "kannel_sender": "The sender shown on phones, and the number that answers are sent to.",
    "kannel_key": "A key with the scope `gateway:kannel`, with which Kannel sends delivery reports and texts.",
    "key": "Your own API key with the scope `console:act`: you act on incidents in the name of its holder.",
    "log": "The lowest level that is logged: `debug`, `info`, `warning`, `error`. To stderr, in JSON unless that is a "
    "terminal.",
}

PLAN: dict[str, str] = {
    "name": "The plan's name; `default` is for kinds that no plan names.",
    "title": "What people read of it, in French and English.",
    "kinds": "The kinds of reports that it is for: `medical.fall`, or `medical.*` for all that begin so.",
    "lane": "`urgent`, `planned` or `drill`: whether its offers stand in the way of others.",
    "professional": "`required`: nobody is asked before the professionals are called; `informed`: a supervisor is told "
    "if they are not; `none`.",
    "trusted_sources": "With `professional: required`: the sources whose reports need no confirmation by a supervisor.",
    "engagement": "What volunteers do: `dispatch`, they go to the place; `crew`, they crew a vehicle at its station; "
    "`notice`, they read a notice and stay.",
    "forbidden_hazards": "Hazards that keep volunteers away.",
    "seats.role": "A role to fill.",
    "seats.skills": "The skills that it needs, all of them.",
    "seats.any": "Skills of which one is enough, besides.",
    "seats.count": "How many people.",
    "seats.need": "`welcome`: people are asked for it and come in reserve, but nothing escalates while it is empty.",
    "seats.min_age": "The least age for the seat, instead of `search.min_age`.",
    "ask": "How people are asked. `rolling`: `open` offers stay open, each that ends is replaced; `wave`: `open` "
    "people at once, the next ones when all have answered or their offers have expired; `sequential`: one at a time, "
    "for a job that must not be promised twice; `broadcast`: all eligible, 100 at a time, until the seats are full.",
    "offers.open": "The most offers open at once; under `ask: wave`, the people of a wave. `sequential` and "
    "`broadcast` do not use it.",
    "offers.per_seat": "The most open offers for each missing seat, under `ask: rolling`.",
    "offers.window_s": "How long an offer stays open.",
    "offers.surplus": "Seats filled beyond need.",
    "offers.most": "The most offers that one incident extends; `broadcast` must say it.",
    "search.radii_m": "The radii of the search, one after the other.",
    "search.widen_after_s": "How long each radius is used before the next.",
    "search.retry_s": "How long until the next search where too few were found.",
    "search.min_age": "The least age.",
    "search.rest_s": "How long people rest after an assignment.",
    "search.position_max_age_s": "How old a live position may be.",
    "search.availability": "Which availabilities are asked.",
    "search.choose": "Who is asked first within the radius: the `nearest`; by `turn`, those who have waited longest "
    "since their last assignment to an incident of the organisation and mode, first those who had none; or those drawn "
    "by `lot`, anew in each search. An assignment from which somebody withdrew does not count. Equals in turn are "
    "ordered by lot. Where more than 5,000 people live within the radius, the nearest 5,000 are considered.",
    "search.order": "Groups by availability: everybody of an earlier one is asked before anybody of a later one, "
    "within the radius. Those of no group come last.",
    "search.only": "A list of people (`dispatch lists set`): nobody else is asked. Without such a list, nobody is.",
    "search.never": "A list of people who are not asked.",
    "steps.after_s": "When a step of the escalation is due, in seconds after a seat became empty.",
    "steps.level": "Its level, 1 to 5.",
    "steps.do": "The one thing that it does. `notify` shows the escalation to supervisors; `page` also pages the duty "
    "contacts, again until one acknowledges it; `repeat` pages them though one has; `widen` searches the next radius "
    "or station; `ask_more` keeps `more` additional offers open; `refer` pages the duty contacts to pass the "
    "incident on to those named in `to`. One that would change nothing is skipped.",
    "steps.missing": "The step is skipped while fewer seats are empty.",
    "steps.more": "How many more offers stay open; only with `do: ask_more`, which needs it.",
    "steps.to": "The names of those to whom the incident is passed on; only with `do: refer`, which needs them.",
    "en_route_within_s": "How long somebody who accepted may stay before a supervisor is told.",
    "acknowledgement_s": "How long an acknowledgement of an escalation holds.",
    "stale_after_s": "The age on acceptance at which an `actual` report asks nobody before a supervisor confirms it. "
    "Default: 15 minutes; 2 hours where the report is routine; never in the lane `planned`.",
    "arrive_within_s": "How long after a yes an arrival still helps; whoever needs longer is in reserve. "
    "Default: 900 for `life_threatening`, 1800 for `urgent`, 7200 for `routine` incidents.",
    "place_when_asked": "Whether the page shows the exact place before a yes, too; else from a yes until the release.",
    "muster": "Where people go: `scene`, to the incident; `station`, only the members of a station are asked, and "
    "come to it; or the name of a muster point, around which people are searched, and where they gather.",
    "stations": "The order in which stations are asked, with `muster: station`; else all, by their distance to the "
    "incident.",
    "interruptible": "`false` for whoever holds babies, a patient or a passenger: while the mission runs, they are "
    "asked for nothing else, however severe.",
    "ask_ahead_s": "How long before the window people are asked. Default: at once.",
    "quiet": "The hours, on the organisation's clock, in which a planned mission sends nothing that can wait: "
    "`{ from, to }` or `off`. Default: 21:00 to 8:00 in the lane `planned`, none in others.",
    "remind_before_s": "How long before the window those who said yes are reminded. "
    "Default: a day and two hours before.",
    "ends_after_s": "How long after it was opened a mission should have ended: then its responders are asked, and a "
    "supervisor is told. Default: 3 hours; 12 for a crew, a day for a notice, a week in the lane `planned`.",
    "on_scene_within_s": "How long after leaving somebody may need to arrive, with `late_seat`. Default: for ever.",
    "late_seat": "The seat of somebody who does not leave or arrive in time: `held`, or `asked_again`; then they are "
    "told, kept in reserve, and have it again where they come and it is free.",
}

ACTS: dict[str, str] = {
    "confirm": "Allow offers to volunteers: the professional response has been requested.",
    "hold": "Tell everybody with an offer or assignment to wait where they are; send no new offers.",
    "resume": "End the hold.",
    "abort": "Tell everybody with an offer or assignment not to approach, and release them. It cannot be undone.",
    "takeover": "Take responsibility by name: open offers are withdrawn, no new ones are sent, escalations are yours. "
    "Assignments remain.",
    "give-back": "Return the responsibility to Renfort, which continues with offers.",
    "close": "End the incident: everybody is released and notified.",
    "cancel": "End it as unfounded: everybody is released and notified.",
    "escalate": "Page the duty contacts now.",
    "reinforce": "Add `count` seats of a `role` that the incident has; people are asked for them at once. "
    "An incident that is taken over has to be given back first. The plan's `offers.most` still holds.",
}

GATES: dict[Gate, str] = {
    Gate.SKILL: "lacks the skill that the seat requires, or it has expired",
    Gate.AVAILABILITY: "has an availability that the plan excludes, or is asked, engaged or resting elsewhere",
    Gate.CONSENT: "has consented to no channel",
    Gate.AGE: "is younger than the plan allows, or the age is unknown",
    Gate.REST: "ended another assignment less than the plan's `rest_s` ago",
    Gate.POSITION: "has no recent position, and no home or work place is known",
    Gate.OFFER: "holds a live offer in the same lane",
    Gate.ENGAGED: "is assigned elsewhere in the same lane",
    Gate.ASKED: "already had an offer for this incident",
    Gate.LEFT: "answered STOP, or left the roster",
    Gate.DRILL: "has not consented to `drills`, and this incident is not `actual`",
    Gate.OFTEN: "had six offers within the hour; not applied to life-threatening incidents",
    Gate.FARTHER: "is eligible, but enough others are nearer",
    Gate.ELSEWHERE: "was selected for another incident in the same batch",
    Gate.HELD: "was locked by another process; the search is repeated within a second",
    Gate.UNSENDABLE: "has consented only to channels on which nothing can be sent now",
    Gate.LIST: "is not on the list that the plan names in `only`",
    Gate.NEVER: "is on the list that the plan names in `never`",
    Gate.APART: "must not meet somebody who is asked or assigned here",
    Gate.WAITED_LESS: "is eligible, but it is the turn of others, who have waited longer",
    Gate.NOT_DRAWN: "is eligible, and was not drawn by lot",
    Gate.LATER_GROUP: "is eligible, but others are in an earlier group of the plan's `order`",
    Gate.STATION: "is no member of a station that is asked so far",
}

REASONS: dict[str, tuple[str, str]] = {
    "uncovered": (
        "Seats are empty: a step of the plan is due, or nobody is left to ask.",
        "Take over; call others.",
    ),
    "referred": (
        "A step of the plan refers the incident to those named in `to`, since seats are empty.",
        "Call them; take the incident over, or `close` it as `referred`. It is resolved once the seats are filled.",
    ),
    "not_ended": (
        "The mission should have ended; its responders, if any, were asked. It pages, unless it ends by itself soon.",
        "Call the responders; `close` it, or take it over.",
    ),
    "alone_overdue": (
        "The only responder is on the way or on scene, and the mission should have ended.",
        "Call them at once; if they do not answer, 17 or 18.",
    ),
    "not_on_scene": (
        "A volunteer is on the way, and not on scene within the plan's `on_scene_within_s`. Their seat is asked again.",
        "Call the volunteer. It is resolved once they arrive, say when, or are released.",
    ),
    "not_en_route": ("A volunteer accepted but has not reported leaving.", "Call the volunteer."),
    "apart": (
        "Two volunteers who must not meet said yes. The second is told that nobody is needed, and is not coming.",
        "Nothing; an acknowledgement resolves it.",
    ),
    "awaiting_confirmation": (
        "The source is not trusted, no professional reference is known, or the mode is unreadable. Nobody is asked.",
        "Call the professionals, then `confirm`.",
    ),
    "stale_report": (
        "The report was older than the plan's `stale_after_s` when it was accepted. No volunteer is asked.",
        "If people are still needed, `confirm`; else `close`.",
    ),
    "report_incomplete": (
        "Invalid fields of a life-threatening report were cut or left out: see the detail. Pages for `hazards`.",
        "Ask the source; send a report with `updates`. Correct what the source sends.",
    ),
    "no_muster_point": (
        "The plan names an unknown muster point, or no station has members. People are searched around the scene.",
        "Correct the plan, the points or the roster: `dispatch plans check --roster`.",
    ),
    "opened_late": (
        "The report was accepted in time and opened long after, after an outage. Volunteers are asked all the same.",
        "Check whether they are still needed.",
    ),
    "professional_not_requested": (
        "The plan requires that the professionals are informed, and they are not.",
        "Inform them.",
    ),
    "no_plan": ("No plan asks volunteers for this kind.", "Handle it by hand, then close it."),
    "unplaced": (
        "The report has no position, so no volunteers can be searched.",
        "Send one: a report with `updates`.",
    ),
    "outside_area": (
        "The position lies outside the service area. Volunteers are asked nevertheless.",
        "Check it.",
    ),
    "doubtful_position": (
        "A report's position is 0,0, which is left out, or was exchanged so that it lies in the service area.",
        "Check it; send the right one: a report with `updates`.",
    ),
    "hazard": (
        "A hazard forbids offers. Everybody with an offer or assignment was recalled.",
        "Take over.",
    ),
    "answer_doubtful": (
        "The halves of a volunteer's text may mean no. The seat is held for a minute, and one more is asked.",
        "Call the volunteer where time is short.",
    ),
    "ambiguous_sender": (
        "A text came from a number that two volunteers may have. It counts for neither.",
        "Call those who were asked; correct the roster.",
    ),
    "text_flood": (
        "A phone keeps sending the same text. It is read once.",
        "Call its owner.",
    ),
    "danger": (
        "A responder pressed DANGER. Everybody is told to wait.",
        "Find out, then `resume` or `abort`.",
    ),
    "window_moved": (
        "The source moved the window after people had said yes: they are told, and asked again.",
        "Nothing, unless seats stay empty. It is resolved when all have answered.",
    ),
    "called_away": (
        "Somebody with a seat of a planned mission went to an urgent incident; the seat is asked again.",
        "Nothing, unless nobody takes the seat. An acknowledgement resolves it.",
    ),
    "overlapping_yes": (
        "Somebody said yes to a planned mission, and has a seat of another one at that time: the yes fills no seat.",
        "Decide with them which one it is. An acknowledgement resolves it.",
    ),
    "late_arrival": (
        "Somebody accepted who arrives later than the plan can use: in reserve, and others are asked.",
        "`dispatch incident show` states when they arrive. An acknowledgement resolves it.",
    ),
    "responder_text": (
        "Somebody who is assigned, or was a moment ago, sent a text that is no answer.",
        "Read the texts in `dispatch incident show`; call them. An acknowledgement resolves it.",
    ),
    "recall_unacknowledged": (
        "After 60 s not everybody has acknowledged a recall.",
        "Call those who have not.",
    ),
    "updated_after_end": (
        "The source sent an update about an incident that has ended.",
        "Read it; submit a new report if needed.",
    ),
    "unsendable": (
        "Nothing can be sent to those near by, so nobody is asked. Asking goes on by itself once messages leave.",
        "`dispatch doctor` names the cause. Call people as you used to.",
    ),
    "unreached": (
        "More than 20 messages of the incident were not delivered within a minute.",
        "Does the gateway deliver? Call people as you used to.",
    ),
    "by_hand": ("A supervisor asked for help.", "Ask them."),
    "duty_stop": (
        "A duty contact answered STOP. They are still paged.",
        "Call them; `dispatch duty set` changes the duty order.",
    ),
    "paused": ("All new offers were paused.", "`dispatch resume` resolves it."),
    "gateway": ("A gateway has rejected a message three times.", "Repair the gateway; messages wait."),
    "forged": (
        "Others write to Kafka in Renfort's place. Nothing of it had an effect.",
        "Find out who can write there: `dispatch parking list`. Discard what is parked.",
    ),
    "parked": ("A message could not be processed, and is stored.", "`dispatch parking list`"),
    "stuck": (
        "Processing of an incident fails. It is tried again every minute.",
        "Take over by hand; report the defect.",
    ),
    "agenda_late": ("Agenda entries are overdue.", "Is a process with the role `agenda` running?"),
    "outbox_late": (
        "Events have waited for publication for over a minute.",
        "Does Kafka answer? Does a relay run?",
    ),
    "reading_late": (
        "A consumer has not processed published events for over a minute.",
        "`dispatch doctor` names the consumers: restart their processes",
    ),
    "messages_late": ("Messages have waited to be sent for over a minute.", "Does the gateway answer?"),
    "overload": (
        "More reports arrive than can be processed: routine ones are rejected with `429`, severe ones go first.",
        "`dispatch doctor`; start more processes of the roles that it names",
    ),
    "journal_differs": (
        "The tables of an incident differ from its journal.",
        "`dispatch journal rebuild --check`",
    ),
    "candidates_differ": (
        "Rows that the search for volunteers reads differed from the roster, the offers or the assignments.",
        "They are corrected; the log of the auditor names the columns. Report the defect.",
    ),
}
