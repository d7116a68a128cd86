-- Incidents and what hangs on them. Seats, offers, assignments, recalls, escalations and agenda are a projection of the journal.

CREATE TABLE plans (
    hash       text PRIMARY KEY,
    name       text NOT NULL,
    body       jsonb NOT NULL,
    first_used timestamptz NOT NULL
);

CREATE TABLE reports (
    id           uuid PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisations,
    mode         text NOT NULL CHECK (mode IN ('actual', 'exercise', 'test', 'draft')),
    source       text NOT NULL,
    source_id    text NOT NULL,
    -- Reports published straight to the topic are untrusted: only a key can fix a source.
    channel      text NOT NULL,
    content_hash bytea NOT NULL,
    received_at  timestamptz NOT NULL,
    incident_id  uuid,
    -- The same report sent twice is one report.
    UNIQUE (organisation, source, source_id)
);

-- Sensitive.
CREATE TABLE report_texts (
    report_id   uuid PRIMARY KEY REFERENCES reports ON DELETE CASCADE,
    description text NOT NULL
);

CREATE TABLE incidents (
    id              uuid PRIMARY KEY,
    organisation    uuid NOT NULL REFERENCES organisations,
    mode            text NOT NULL CHECK (mode IN ('actual', 'exercise', 'test', 'draft')),
    lane            text NOT NULL CHECK (lane IN ('urgent', 'planned', 'drill')),
    report_id       uuid NOT NULL,
    kind            text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('life_threatening', 'urgent', 'routine')),
    status          text NOT NULL
        CHECK (status IN ('open', 'held', 'taken_over', 'aborted', 'closed', 'cancelled')),
    plan_hash       text NOT NULL REFERENCES plans,
    lat             double precision,
    lon             double precision,
    hazards         text[] NOT NULL,
    requested       boolean NOT NULL,
    reference       text,
    awaiting        text[] NOT NULL,
    seq             int NOT NULL,
    opened_at       timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    armed_at        timestamptz NOT NULL,
    steps_done      int NOT NULL,
    last_step_at    timestamptz,
    ring            int NOT NULL,
    widened_at      timestamptz NOT NULL,
    retry_at        timestamptz,
    covered_at      timestamptz,
    ended_at        timestamptz,
    taken_by        text
) WITH (fillfactor = 80);
CREATE INDEX incidents_by_organisation ON incidents (organisation, opened_at DESC);

CREATE TABLE seats (
    incident_id   uuid NOT NULL REFERENCES incidents,
    number        int NOT NULL,
    role          text NOT NULL,
    skill         text NOT NULL,
    reserve       boolean NOT NULL,
    assignment_id uuid,
    PRIMARY KEY (incident_id, number)
) WITH (fillfactor = 80);
-- One assignment fills one seat.
CREATE UNIQUE INDEX seats_one_per_assignment ON seats (assignment_id) WHERE assignment_id IS NOT NULL;

CREATE TABLE offers (
    id           uuid PRIMARY KEY,
    incident_id  uuid NOT NULL REFERENCES incidents,
    volunteer_id uuid NOT NULL,
    lane         text NOT NULL,
    role         text NOT NULL,
    status       text NOT NULL
        CHECK (status IN ('extended', 'accepted', 'declined', 'expired', 'withdrawn')),
    late         text,
    extended_at  timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    settled_at   timestamptz,
    distance_m   int NOT NULL,
    round_id     uuid NOT NULL
) WITH (fillfactor = 70);
-- One live offer per volunteer and lane.
CREATE UNIQUE INDEX offers_one_live ON offers (volunteer_id, lane) WHERE status = 'extended';
CREATE INDEX offers_by_incident ON offers (incident_id);
CREATE INDEX offers_by_volunteer ON offers (volunteer_id, extended_at DESC);

CREATE TABLE assignments (
    id           uuid PRIMARY KEY,
    incident_id  uuid NOT NULL REFERENCES incidents,
    -- An offer is accepted once.
    offer_id     uuid NOT NULL UNIQUE,
    volunteer_id uuid NOT NULL,
    lane         text NOT NULL,
    seat         int NOT NULL,
    status       text NOT NULL CHECK (status IN ('assigned', 'en_route', 'on_scene', 'released')),
    assigned_at  timestamptz NOT NULL,
    en_route_at  timestamptz,
    on_scene_at  timestamptz,
    released_at  timestamptz,
    reason       text
) WITH (fillfactor = 70);
-- A seat holds at most one person.
CREATE UNIQUE INDEX assignments_one_per_seat ON assignments (incident_id, seat) WHERE status <> 'released';
-- A person is in one place: overlap excludes within a lane.
CREATE UNIQUE INDEX assignments_one_per_volunteer ON assignments (volunteer_id, lane) WHERE status <> 'released';
CREATE INDEX assignments_by_volunteer ON assignments (volunteer_id, released_at DESC);

CREATE TABLE recalls (
    incident_id     uuid NOT NULL REFERENCES incidents,
    volunteer_id    uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('held', 'aborted')),
    at              timestamptz NOT NULL,
    acknowledged_at timestamptz,
    PRIMARY KEY (incident_id, volunteer_id)
);

CREATE TABLE escalations (
    id              uuid PRIMARY KEY,
    organisation    uuid NOT NULL REFERENCES organisations,
    mode            text NOT NULL,
    subject_kind    text NOT NULL CHECK (subject_kind IN ('incident', 'report', 'system')),
    subject_id      uuid NOT NULL,
    reason          text NOT NULL,
    detail          text NOT NULL,
    level           int NOT NULL,
    page            boolean NOT NULL,
    turn            int NOT NULL,
    status          text NOT NULL CHECK (status IN ('raised', 'acknowledged', 'resolved', 'handed_over')),
    raised_at       timestamptz NOT NULL,
    told_at         timestamptz NOT NULL,
    acknowledged_by text,
    lapses_at       timestamptz
) WITH (fillfactor = 80);
-- One open escalation per subject and reason: the rest are collapsed into it.
CREATE UNIQUE INDEX escalations_one_open ON escalations (subject_id, reason)
    WHERE status IN ('raised', 'acknowledged');
CREATE INDEX escalations_by_organisation ON escalations (organisation, raised_at DESC);

-- Why each was picked, and why those near by were not: one compact row per incident and round.
CREATE TABLE rounds (
    id          uuid PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incidents,
    at          timestamptz NOT NULL,
    radius_m    int NOT NULL,
    wanted      int NOT NULL,
    picked      jsonb NOT NULL,
    passed_over jsonb NOT NULL
);
CREATE INDEX rounds_by_incident ON rounds (incident_id, at);
