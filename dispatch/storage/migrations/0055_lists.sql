-- Lists of people whom plans ask alone or never, and people who must not meet. Kept by an organisation, of its members.
CREATE TABLE lists (
    organisation uuid NOT NULL REFERENCES organisations,
    name         text NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (organisation, name)
);

CREATE TABLE list_members (
    organisation uuid NOT NULL,
    name         text NOT NULL,
    volunteer_id uuid NOT NULL,
    PRIMARY KEY (organisation, name, volunteer_id),
    FOREIGN KEY (organisation, name) REFERENCES lists ON DELETE CASCADE,
    FOREIGN KEY (volunteer_id, organisation) REFERENCES memberships ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX list_members_by_volunteer ON list_members (volunteer_id, organisation);

-- Sensitive. Each pair is stored twice, once from either side.
CREATE TABLE apart (
    organisation uuid NOT NULL,
    volunteer_id uuid NOT NULL,
    other        uuid NOT NULL CHECK (other <> volunteer_id),
    PRIMARY KEY (volunteer_id, organisation, other),
    FOREIGN KEY (volunteer_id, organisation) REFERENCES memberships ON UPDATE CASCADE ON DELETE CASCADE,
    FOREIGN KEY (other, organisation) REFERENCES memberships ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX apart_by_other ON apart (other, organisation);

-- In the order in which they were to be asked, where a plan does not simply ask the nearest: who may be asked, with what
-- the order rests on. Null where the nearest were asked.
ALTER TABLE rounds ADD COLUMN ranked bytea;
