-- The candidate rows repeat what each organisation knows of its members, and no longer what was known of the person.
-- This locks the tables for a moment.

LOCK TABLE volunteers, people, memberships, positions, member_positions IN SHARE ROW EXCLUSIVE MODE;

-- As in 0035, with name, places and STOP of the membership.
CREATE OR REPLACE VIEW candidate_facts AS
SELECT m.volunteer_id, m.organisation,
       CASE WHEN m.availability = 'at_work' THEN coalesce(work.at, home.at) ELSE home.at END AS at,
       EXISTS (SELECT FROM member_positions l
               WHERE l.volunteer_id = m.volunteer_id AND l.organisation = m.organisation AND l.kind = 'live') AS tracked,
       m.birth_date,
       coalesce((SELECT string_agg(
                     s.skill || CASE WHEN s.expires_at < 'infinity' THEN
                         '@' || (extract(epoch FROM greatest(s.expires_at, '0001-01-01Z')) * 1000000)::bigint ELSE '' END,
                     ',' ORDER BY s.skill)
                 FROM skills s WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation), '') AS skills,
       m.availability, m.consent, m.left_at, m.stopped_at,
       (SELECT max(a.released_at) FROM assignments a
        WHERE a.volunteer_id = m.volunteer_id AND a.reason = 'done') AS rested_at,
       (SELECT o.id FROM offers o
        WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'urgent' AND o.status = 'extended' LIMIT 1) AS urgent_offer,
       (SELECT o.id FROM offers o
        WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'planned' AND o.status = 'extended' LIMIT 1) AS planned_offer,
       (SELECT o.id FROM offers o
        WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'drill' AND o.status = 'extended' LIMIT 1) AS drill_offer,
       (SELECT a.id FROM assignments a
        WHERE a.volunteer_id = m.volunteer_id AND a.lane = 'urgent' AND a.status <> 'released'
        LIMIT 1) AS urgent_assignment,
       (SELECT a.id FROM assignments a
        WHERE a.volunteer_id = m.volunteer_id AND a.lane = 'planned' AND a.status <> 'released'
        LIMIT 1) AS planned_assignment,
       (SELECT a.id FROM assignments a
        WHERE a.volunteer_id = m.volunteer_id AND a.lane = 'drill' AND a.status <> 'released'
        LIMIT 1) AS drill_assignment,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'urgent' AND o.missed IS NULL
             ORDER BY o.extended_at DESC LIMIT 6) AS urgent_asked,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'planned' AND o.missed IS NULL
             ORDER BY o.extended_at DESC LIMIT 6) AS planned_asked,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'drill' AND o.missed IS NULL
             ORDER BY o.extended_at DESC LIMIT 6) AS drill_asked
FROM memberships m
LEFT JOIN member_positions home
    ON home.volunteer_id = m.volunteer_id AND home.organisation = m.organisation AND home.kind = 'home'
LEFT JOIN member_positions work
    ON work.volunteer_id = m.volunteer_id AND work.organisation = m.organisation AND work.kind = 'work';

DROP TRIGGER candidates_inserted ON people;
DROP TRIGGER candidates_updated ON people;
DROP TRIGGER candidates_deleted ON people;
DROP TRIGGER candidates_stopped ON volunteers;
DROP TRIGGER candidates_moved ON positions;
DROP TRIGGER candidates_inserted ON positions;
DROP TRIGGER candidates_deleted ON positions;
-- Processes of 0.1.0 have no use for it.
DROP INDEX positions_live;

-- As in 0023: a live position that moves changes no candidate, and must cost nothing here.
CREATE TRIGGER candidates_moved AFTER UPDATE ON member_positions
    FOR EACH ROW WHEN ((OLD.kind <> 'live' OR NEW.kind <> 'live')
                       AND (OLD.kind, OLD.at[0], OLD.at[1]) IS DISTINCT FROM (NEW.kind, NEW.at[0], NEW.at[1]))
    EXECUTE FUNCTION refresh_moved();

-- As in 0023, for the members of one organisation.
CREATE OR REPLACE FUNCTION refresh_placed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM changed WHERE kind <> 'live'));
    IF EXISTS (SELECT FROM changed WHERE kind = 'live') THEN
        PERFORM lock_candidates(ARRAY(SELECT volunteer_id FROM changed WHERE kind = 'live'));
        UPDATE candidates c SET tracked = (TG_OP = 'INSERT')
        FROM changed d
        WHERE d.kind = 'live' AND c.volunteer_id = d.volunteer_id AND c.organisation = d.organisation
          AND c.tracked <> (TG_OP = 'INSERT');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_inserted AFTER INSERT ON member_positions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_placed();
CREATE TRIGGER candidates_deleted AFTER DELETE ON member_positions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_placed();

-- For processes of 0.1.0: a person has the name, birth date, home and work place of the earliest membership, and has said
-- STOP where any organisation may not ask. Live positions are not repeated: they ask where somebody lives meanwhile.

CREATE FUNCTION repeat_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who uuid[] := ARRAY(SELECT DISTINCT volunteer_id FROM changed);
BEGIN
    INSERT INTO people AS known (volunteer_id, name, birth_date)
    SELECT DISTINCT ON (volunteer_id) volunteer_id, name, birth_date
    FROM memberships
    WHERE volunteer_id = ANY (who) AND name IS NOT NULL AND birth_date IS NOT NULL
    ORDER BY volunteer_id, joined_at, organisation
    ON CONFLICT (volunteer_id) DO UPDATE SET name = excluded.name, birth_date = excluded.birth_date
    WHERE (known.name, known.birth_date) <> (excluded.name, excluded.birth_date);
    UPDATE volunteers v SET stopped_at = m.stopped_at
    FROM (SELECT volunteer_id, min(stopped_at) AS stopped_at FROM memberships
          WHERE volunteer_id = ANY (who) GROUP BY volunteer_id) AS m
    WHERE v.id = m.volunteer_id AND v.stopped_at IS DISTINCT FROM m.stopped_at;
    RETURN NULL;
END $$;
CREATE TRIGGER repeated_inserted AFTER INSERT ON memberships REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION repeat_people();
CREATE TRIGGER repeated_updated AFTER UPDATE ON memberships REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION repeat_people();
CREATE TRIGGER repeated_deleted AFTER DELETE ON memberships REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION repeat_people();

CREATE FUNCTION repeat_places(who uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO positions AS known (volunteer_id, kind, at, lat, lon, recorded_at)
    SELECT DISTINCT ON (p.volunteer_id, p.kind) p.volunteer_id, p.kind, p.at, p.lat, p.lon, p.recorded_at
    FROM member_positions p
    JOIN memberships m ON m.volunteer_id = p.volunteer_id AND m.organisation = p.organisation
    WHERE p.volunteer_id = ANY (who) AND p.kind <> 'live'
    ORDER BY p.volunteer_id, p.kind, m.joined_at, m.organisation
    ON CONFLICT (volunteer_id, kind) DO UPDATE
    SET at = excluded.at, lat = excluded.lat, lon = excluded.lon, recorded_at = excluded.recorded_at
    WHERE (known.at[0], known.at[1]) <> (excluded.at[0], excluded.at[1]);
END $$;

CREATE FUNCTION repeat_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM repeat_places(ARRAY[NEW.volunteer_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER repeated_moved AFTER UPDATE ON member_positions
    FOR EACH ROW WHEN (NEW.kind <> 'live' AND (OLD.at[0], OLD.at[1]) <> (NEW.at[0], NEW.at[1]))
    EXECUTE FUNCTION repeat_moved();

CREATE FUNCTION repeat_placed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who uuid[] := ARRAY(SELECT DISTINCT volunteer_id FROM changed WHERE kind <> 'live');
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM positions p
        WHERE p.volunteer_id = ANY (who) AND p.kind <> 'live'
          AND NOT EXISTS (SELECT FROM member_positions q WHERE q.volunteer_id = p.volunteer_id AND q.kind = p.kind);
    END IF;
    IF cardinality(who) > 0 THEN
        PERFORM repeat_places(who);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER repeated_inserted AFTER INSERT ON member_positions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION repeat_placed();
CREATE TRIGGER repeated_deleted AFTER DELETE ON member_positions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION repeat_placed();
