"""What the reference says in words of its own; a test holds each list to the code that it describes."""

from dispatch.domain.matching.selection import Gate

INTRODUCTION = """\
# Reference

Made from the code by `python -m tests.documents.reference`, and compared with it by the tests.
What the words mean is in the [glossary](glossary.md); how to run it is in [operating](operating.md).
"""

SETTINGS: dict[str, str] = {
    "kafka": "Bootstrap servers, `host:port[,host:port]`. Empty: `dispatch up` brings an embedded broker; "
    "`dispatch run` refuses.",
    "kafka_username": "Name that we prove to Kafka by SCRAM. Empty: none is asked for.",
    "kafka_password": "Its password.",
    "kafka_mechanism": "How it is proved: `SCRAM-SHA-512` or `SCRAM-SHA-256`.",
    "kafka_tls": "`true` speaks TLS to Kafka and trusts whom this computer trusts; a CA or a certificate implies TLS.",
    "kafka_ca": "File (PEM) of the authority that signed the brokers' certificates. They must name the brokers as "
    "`DISPATCH_KAFKA` does.",
    "kafka_cert": "File (PEM) of our own certificate, where the brokers want one.",
    "kafka_key": "File (PEM) of its key, without a passphrase. Empty: it is in the file of the certificate.",
    "postgres": "URL of the database, PostgreSQL 15 or later. Empty: `dispatch up` brings an embedded one; "
    "`dispatch run` refuses. No pooler in between that shares sessions.",
    "data": "Folder of the embedded services' files, of `addresses.json`, where other commands find them, and of "
    "`token-secret`, which must be the same for all processes of an installation.",
    "plans": "Folder of response plans, read at the start of a process. Empty: the plans that are shipped.",
    "http": "Address and port to listen on.",
    "public_url": "What links in messages begin with. Required with a real gateway; empty: `DISPATCH_HTTP`.",
    "replication": "Copies of each topic that is made: 3 on three brokers.",
    "min_insync": "How many copies must have a message before it counts as published: 2 of 3.",
    "guarded_topic": "`true` says that access control keeps strangers from writing to `incident.reports`; "
    "otherwise what comes from there is untrusted.",
    "backup": "Folder on another disk, to which `dispatch up` copies the embedded database's log as it is "
    "written, and the whole once a day: [backups](operating.md#backups).",
    "keep": "Days that tables are kept, where not as [shipped]"
    "(operating.md#what-is-stored-where-and-for-how-long): `report_texts=90,rounds=730`.",
    "kannel_url": "Kannel's `sendsms` address. Empty: simulated phones; messages are printed and reach nobody.",
    "kannel_username": "Name of Kannel's `sendsms-user`.",
    "kannel_password": "Its password.",
    "kannel_sender": "The sender that phones show, and the number that they answer to.",
    "kannel_key": "A key with the scope `gateway:kannel`, by which Kannel reports what became of a message.",
    "log": "The least that is logged: `debug`, `info`, `warning`, `error`. To stderr, in JSON unless that is a "
    "terminal.",
}

ACTS: dict[str, str] = {
    "confirm": "Volunteers may be asked: the professional response is seen to.",
    "hold": "Everybody asked or assigned is told to wait where they are; nobody new is asked.",
    "resume": "The hold is over.",
    "abort": "Everybody asked or assigned is told not to approach, and let go. It cannot be undone.",
    "takeover": "You have it, by name: offers are withdrawn, nobody more is asked, escalations are yours. Whoever is "
    "assigned stays assigned.",
    "give-back": "Renfort has it again and asks on.",
    "close": "It is over: everybody is released and told.",
    "cancel": "There was nothing to do: everybody is released and told.",
    "escalate": "Page the duty contacts now.",
}

GATES: dict[Gate, str] = {
    Gate.SKILL: "has not the skill that the seat asks for, or it has expired",
    Gate.AVAILABILITY: "has an availability that the plan does not ask",
    Gate.CONSENT: "has consented to no channel",
    Gate.AGE: "is younger than the plan allows, or the age is not known",
    Gate.REST: "ended another assignment less than the plan's `rest_s` ago",
    Gate.POSITION: "was last heard from too long ago, and no home or work place is known",
    Gate.OFFER: "holds a live offer in the same lane",
    Gate.ENGAGED: "is assigned elsewhere in the same lane",
    Gate.ASKED: "was asked for this incident already",
    Gate.LEFT: "said STOP, or left the roster",
    Gate.DRILL: "has not consented to `drills`, and this is none of the real ones",
    Gate.OFTEN: "was asked six times within the hour; a life-threatening incident asks all the same",
    Gate.FARTHER: "would do, but enough others are nearer",
    Gate.ELSEWHERE: "was picked for another incident in the same moment",
    Gate.HELD: "was just being asked or changed by another process; the search looks again within a second",
}

REASONS: dict[str, tuple[str, str]] = {
    "uncovered": (
        "Seats are empty: a step of the plan is due, or nobody is left to ask.",
        "Take over; call others.",
    ),
    "not_en_route": ("Somebody accepted and has not said that they left.", "Call them."),
    "awaiting_confirmation": (
        "The source is not one that the plan trusts, or no professional reference is known. No volunteer is asked.",
        "Call the professionals, then `confirm`.",
    ),
    "professional_not_requested": (
        "The plan wants the professionals informed, and they are not.",
        "Inform them.",
    ),
    "no_plan": ("No plan asks volunteers for this kind.", "Handle it by hand, then close it."),
    "unplaced": (
        "The report has no position, so nobody can be searched.",
        "Send one: a report with `updates`.",
    ),
    "outside_area": (
        "The position lies outside the service area. Volunteers are asked all the same.",
        "Check it.",
    ),
    "hazard": (
        "A hazard keeps volunteers away. Whoever was asked or assigned has been recalled.",
        "Take over.",
    ),
    "danger": (
        "A responder pressed DANGER. Everybody is told to wait.",
        "Find out, then `resume` or `abort`.",
    ),
    "recall_unacknowledged": (
        "After 60 s not everybody has acknowledged a recall.",
        "Call those who have not.",
    ),
    "updated_after_end": (
        "The source said more about an incident that has ended.",
        "Read it; report anew if needed.",
    ),
    "by_hand": ("A supervisor asked for help.", "Ask them."),
    "paused": ("Somebody paused all new offers.", "`dispatch resume` settles it."),
    "gateway": ("A gateway has not taken a message three times.", "Mend the gateway; messages wait."),
    "parked": ("Something could not be understood, and is kept.", "`dispatch parking list`"),
    "stuck": (
        "Working on an incident fails. It is tried again every minute.",
        "Take over by hand; tell us.",
    ),
    "agenda_late": ("What is due is not done.", "Is a process with the role `agenda` running?"),
    "outbox_late": ("Events wait to be published for over a minute.", "Does Kafka answer? Does a relay run?"),
    "reading_late": (
        "Events are published, and a reader has not taken them in for over a minute.",
        "`dispatch doctor` names the readers: restart their processes",
    ),
    "messages_late": ("Messages wait to be sent for over a minute.", "Does the gateway answer?"),
    "overload": (
        "More comes in than is worked: routine reports are told to come again later (`429`), the severe go first.",
        "`dispatch doctor`; start more processes of the roles that it names",
    ),
    "journal_differs": (
        "An incident is not as its journal says.",
        "`dispatch journal rebuild --check`",
    ),
}
