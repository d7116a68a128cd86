-- What an organisation knows of a person belongs to the membership: name, birth date, where they live, work and are, and
-- STOP. `people`, `positions` and `volunteers.stopped_at` stay for processes of release 0.1.0, which know one of each for a
-- person: what they write is carried over to all memberships of the person, and 0043 repeats the memberships there. These
-- triggers and tables go when no process of 0.1.0 can run.
-- This locks the tables for a moment; 0042 fills what is new, 0043 lets the search read it.

LOCK TABLE volunteers, people, memberships, positions IN SHARE ROW EXCLUSIVE MODE;

-- Personal: name and birth date. `stopped_at` is the last STOP that is in force in this organisation.
ALTER TABLE memberships ADD COLUMN name text, ADD COLUMN birth_date date, ADD COLUMN stopped_at timestamptz;
-- STOP to a gateway of the whole installation, which new memberships inherit.
ALTER TABLE volunteers ADD COLUMN stopped_everywhere_at timestamptz;

-- Personal. Where a member lives, works, or is; `at` is Web-Mercator metres.
CREATE TABLE member_positions (
    organisation uuid NOT NULL,
    volunteer_id uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('home', 'work', 'live')),
    at           point NOT NULL,
    lat          double precision NOT NULL,
    lon          double precision NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (volunteer_id, organisation, kind),
    FOREIGN KEY (volunteer_id, organisation) REFERENCES memberships ON UPDATE CASCADE ON DELETE CASCADE
) WITH (fillfactor = 70);

-- What processes of 0.1.0 write, in statements of their own: what triggers write is at a depth of one or more.

CREATE FUNCTION carry_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE memberships m SET name = c.name, birth_date = c.birth_date
    FROM changed c
    WHERE m.volunteer_id = c.volunteer_id AND (m.name, m.birth_date) IS DISTINCT FROM (c.name, c.birth_date);
    RETURN NULL;
END $$;
CREATE TRIGGER carried_inserted AFTER INSERT ON people REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION carry_people();
CREATE TRIGGER carried_updated AFTER UPDATE ON people REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION carry_people();

CREATE FUNCTION carry_positions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO member_positions AS known (organisation, volunteer_id, kind, at, lat, lon, recorded_at)
    SELECT m.organisation, c.volunteer_id, c.kind, c.at, c.lat, c.lon, c.recorded_at
    FROM changed c JOIN memberships m ON m.volunteer_id = c.volunteer_id
    ORDER BY c.volunteer_id, m.organisation, c.kind
    ON CONFLICT (volunteer_id, organisation, kind) DO UPDATE
    SET at = excluded.at, lat = excluded.lat, lon = excluded.lon, recorded_at = excluded.recorded_at
    WHERE known.recorded_at <= excluded.recorded_at;
    RETURN NULL;
END $$;
CREATE TRIGGER carried_inserted AFTER INSERT ON positions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION carry_positions();
CREATE TRIGGER carried_updated AFTER UPDATE ON positions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION carry_positions();

CREATE FUNCTION carry_ended_positions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM member_positions p USING changed c
    WHERE p.volunteer_id = c.volunteer_id AND p.kind = 'live' AND c.kind = 'live' AND p.recorded_at <= c.recorded_at;
    RETURN NULL;
END $$;
CREATE TRIGGER carried_deleted AFTER DELETE ON positions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION carry_ended_positions();

CREATE FUNCTION carry_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE volunteers SET stopped_everywhere_at = NEW.stopped_at WHERE id = NEW.id;
    UPDATE memberships SET stopped_at = NEW.stopped_at
    WHERE volunteer_id = NEW.id AND stopped_at IS DISTINCT FROM NEW.stopped_at;
    RETURN NULL;
END $$;
CREATE TRIGGER carried_stop AFTER UPDATE ON volunteers
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND OLD.stopped_at IS DISTINCT FROM NEW.stopped_at)
    EXECUTE FUNCTION carry_stop();

-- 0.1.0 inserts a membership without a name, after the person.
CREATE FUNCTION carry_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO member_positions (organisation, volunteer_id, kind, at, lat, lon, recorded_at)
    SELECT n.organisation, p.volunteer_id, p.kind, p.at, p.lat, p.lon, p.recorded_at
    FROM made n JOIN positions p ON p.volunteer_id = n.volunteer_id
    WHERE n.name IS NULL
    ORDER BY p.volunteer_id, n.organisation, p.kind
    ON CONFLICT DO NOTHING;
    UPDATE memberships m SET name = p.name, birth_date = p.birth_date, stopped_at = v.stopped_everywhere_at
    FROM made n JOIN people p ON p.volunteer_id = n.volunteer_id JOIN volunteers v ON v.id = n.volunteer_id
    WHERE n.name IS NULL AND m.volunteer_id = n.volunteer_id AND m.organisation = n.organisation;
    RETURN NULL;
END $$;
CREATE TRIGGER carried_inserted AFTER INSERT ON memberships REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION carry_person();
