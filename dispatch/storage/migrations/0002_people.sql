-- People: pseudonyms and memberships here; names, births, addresses and texts in tables of their own, erasable.

CREATE TABLE volunteers (
    id         uuid PRIMARY KEY,
    -- STOP ends new offers at once and everywhere, so it is the person's, not a membership's.
    stopped_at timestamptz,
    created_at timestamptz NOT NULL
);

-- Personal.
CREATE TABLE people (
    volunteer_id uuid PRIMARY KEY REFERENCES volunteers ON DELETE CASCADE,
    name         text NOT NULL,
    birth_date   date NOT NULL
);

-- Personal.
CREATE TABLE addresses (
    volunteer_id uuid NOT NULL REFERENCES volunteers ON DELETE CASCADE,
    channel      text NOT NULL,
    address      text NOT NULL,
    PRIMARY KEY (volunteer_id, channel),
    -- A person is one contact: nobody is called twice because two organisations know them.
    UNIQUE (channel, address)
);

CREATE TABLE memberships (
    organisation uuid NOT NULL REFERENCES organisations,
    volunteer_id uuid NOT NULL REFERENCES volunteers ON DELETE CASCADE,
    availability text NOT NULL
        CHECK (availability IN ('on_station', 'on_call', 'available', 'at_work', 'unavailable')),
    language     text NOT NULL CHECK (language IN ('fr', 'en')),
    consent      text[] NOT NULL DEFAULT '{}',
    joined_at    timestamptz NOT NULL,
    left_at      timestamptz,
    PRIMARY KEY (volunteer_id, organisation)
);
CREATE INDEX memberships_by_organisation ON memberships (organisation, volunteer_id);

CREATE TABLE skills (
    organisation uuid NOT NULL,
    volunteer_id uuid NOT NULL,
    skill        text NOT NULL,
    expires_at   timestamptz,
    PRIMARY KEY (volunteer_id, organisation, skill),
    FOREIGN KEY (volunteer_id, organisation) REFERENCES memberships ON DELETE CASCADE
);

-- Personal. Where somebody lives, works, or is; `at` is Web-Mercator metres (1 km on the ground is 1 km / cos(lat) here).
CREATE TABLE positions (
    volunteer_id uuid NOT NULL REFERENCES volunteers ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('home', 'work', 'live')),
    at           point NOT NULL,
    lat          double precision NOT NULL,
    lon          double precision NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (volunteer_id, kind)
) WITH (fillfactor = 70);
CREATE INDEX positions_near ON positions USING gist (at);

-- Personal. Supervisors in duty order.
CREATE TABLE duty_contacts (
    id           uuid PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisations,
    turn         int NOT NULL,
    name         text NOT NULL,
    channel      text NOT NULL DEFAULT 'sms',
    address      text NOT NULL,
    language     text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    -- A drill never reaches a real person who did not opt in, supervisors included.
    drills       boolean NOT NULL DEFAULT false,
    UNIQUE (organisation, turn)
);

CREATE TABLE api_keys (
    id           text PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisations,
    hash         bytea NOT NULL,
    scopes       text[] NOT NULL,
    -- The person who acts with the key, and the source that its reports come from: fixed by the key, never by a body.
    holder       text NOT NULL,
    created_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);

CREATE TABLE idempotency_keys (
    api_key      text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       smallint NOT NULL,
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (api_key, key)
);
