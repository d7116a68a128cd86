-- One row a membership with all that the search asks of a volunteer, so that it reads one row for each person near by.
-- Moments and facts, never verdicts: no clock changes a row. The other tables stay the truth; triggers repeat them here
-- in the transaction that changes them, so that every writer does, processes of the previous release included.
-- This locks the tables for a moment; 0024 fills the new one, and 0026 corrects what changed meanwhile.

LOCK TABLE incidents, volunteers, people, memberships, skills, positions, offers, assignments IN SHARE ROW EXCLUSIVE MODE;

-- Personal.
CREATE TABLE candidates (
    volunteer_id       uuid NOT NULL,
    organisation       uuid NOT NULL,
    -- The place in force without a fresh live position: work while at work, else home, in Web-Mercator metres.
    at                 point,
    -- Whether `positions` has a live position: only then it is read.
    tracked            boolean NOT NULL DEFAULT false,
    birth_date         date,
    -- All skills, `first_aid,driver@1790000000000000`: after @ the end of validity, in microseconds since 1970.
    skills             text NOT NULL DEFAULT '',
    availability       text NOT NULL,
    consent            text[] NOT NULL,
    left_at            timestamptz,
    stopped_at         timestamptz,
    -- The last release after a completed assignment; how long a rest is follows from the plan.
    rested_at          timestamptz,
    -- By lane: the live offer, the active assignment, and when the last six offers were extended, the latest first.
    urgent_offer       uuid,
    planned_offer      uuid,
    drill_offer        uuid,
    urgent_assignment  uuid,
    planned_assignment uuid,
    drill_assignment   uuid,
    urgent_asked       timestamptz[] NOT NULL DEFAULT '{}',
    planned_asked      timestamptz[] NOT NULL DEFAULT '{}',
    drill_asked        timestamptz[] NOT NULL DEFAULT '{}',
    -- Without a source and a writer so far. The search respects the first two.
    suspended_at       timestamptz,
    away_until         timestamptz,
    station            uuid,
    clearances         text[],
    windows            tstzmultirange,
    PRIMARY KEY (volunteer_id, organisation),
    FOREIGN KEY (volunteer_id, organisation) REFERENCES memberships ON UPDATE CASCADE ON DELETE CASCADE
) WITH (fillfactor = 70);

-- What each row must be: the only definition, used to fill the table, to refresh rows and to audit them.
-- LIMIT 1 lets the audit go on in a database whose unique indexes were violated.
CREATE VIEW candidate_facts AS
SELECT m.volunteer_id, m.organisation,
       CASE WHEN m.availability = 'at_work' THEN coalesce(work.at, home.at) ELSE home.at END AS at,
       EXISTS (SELECT FROM positions l WHERE l.volunteer_id = m.volunteer_id AND l.kind = 'live') AS tracked,
       p.birth_date,
       coalesce((SELECT string_agg(
                     s.skill || CASE WHEN s.expires_at < 'infinity' THEN
                         '@' || (extract(epoch FROM greatest(s.expires_at, '0001-01-01Z')) * 1000000)::bigint ELSE '' END,
                     ',' ORDER BY s.skill)
                 FROM skills s WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation), '') AS skills,
       m.availability, m.consent, m.left_at, v.stopped_at,
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
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'urgent'
             ORDER BY o.extended_at DESC LIMIT 6) AS urgent_asked,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'planned'
             ORDER BY o.extended_at DESC LIMIT 6) AS planned_asked,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'drill'
             ORDER BY o.extended_at DESC LIMIT 6) AS drill_asked
FROM memberships m
JOIN volunteers v ON v.id = m.volunteer_id
LEFT JOIN people p ON p.volunteer_id = m.volunteer_id
LEFT JOIN positions home ON home.volunteer_id = m.volunteer_id AND home.kind = 'home'
LEFT JOIN positions work ON work.volunteer_id = m.volunteer_id AND work.kind = 'work';

-- Locks the rows of people in the order of all writers. A statement after it sees what the earlier holders committed.
CREATE FUNCTION lock_candidates(people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM candidates WHERE volunteer_id = ANY (people) ORDER BY volunteer_id, organisation FOR NO KEY UPDATE;
END $$;

-- Computes the rows of people anew and writes those that differ.
CREATE FUNCTION refresh_candidates(people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(cardinality(people), 0) = 0 THEN
        RETURN;
    END IF;
    PERFORM lock_candidates(people);
    INSERT INTO candidates AS c (
        volunteer_id, organisation, at, tracked, birth_date, skills, availability, consent, left_at, stopped_at,
        rested_at, urgent_offer, planned_offer, drill_offer, urgent_assignment, planned_assignment, drill_assignment,
        urgent_asked, planned_asked, drill_asked
    )
    SELECT * FROM candidate_facts WHERE volunteer_id = ANY (people) ORDER BY volunteer_id, organisation
    ON CONFLICT (volunteer_id, organisation) DO UPDATE SET
        at = excluded.at, tracked = excluded.tracked, birth_date = excluded.birth_date, skills = excluded.skills,
        availability = excluded.availability, consent = excluded.consent, left_at = excluded.left_at,
        stopped_at = excluded.stopped_at, rested_at = excluded.rested_at, urgent_offer = excluded.urgent_offer,
        planned_offer = excluded.planned_offer, drill_offer = excluded.drill_offer,
        urgent_assignment = excluded.urgent_assignment, planned_assignment = excluded.planned_assignment,
        drill_assignment = excluded.drill_assignment, urgent_asked = excluded.urgent_asked,
        planned_asked = excluded.planned_asked, drill_asked = excluded.drill_asked
    WHERE (c.at[0], c.at[1], c.tracked, c.birth_date, c.skills, c.availability, c.consent, c.left_at, c.stopped_at,
           c.rested_at, c.urgent_offer, c.planned_offer, c.drill_offer, c.urgent_assignment, c.planned_assignment,
           c.drill_assignment, c.urgent_asked, c.planned_asked, c.drill_asked)
        IS DISTINCT FROM
          (excluded.at[0], excluded.at[1], excluded.tracked, excluded.birth_date, excluded.skills,
           excluded.availability, excluded.consent, excluded.left_at, excluded.stopped_at, excluded.rested_at,
           excluded.urgent_offer, excluded.planned_offer, excluded.drill_offer, excluded.urgent_assignment,
           excluded.planned_assignment, excluded.drill_assignment, excluded.urgent_asked, excluded.planned_asked,
           excluded.drill_asked);
END $$;

-- Sources that change seldom: the rows of the people in the changed rows are computed anew.

CREATE FUNCTION refresh_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_inserted AFTER INSERT ON memberships REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_updated AFTER UPDATE ON memberships REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_inserted AFTER INSERT ON skills REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_updated AFTER UPDATE ON skills REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_deleted AFTER DELETE ON skills REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_inserted AFTER INSERT ON people REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_updated AFTER UPDATE ON people REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_deleted AFTER DELETE ON people REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
-- Deleted by a swap of seats and by a rebuild only.
CREATE TRIGGER candidates_deleted AFTER DELETE ON offers REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();
CREATE TRIGGER candidates_deleted AFTER DELETE ON assignments REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed();

CREATE FUNCTION refresh_stopped() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_candidates(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_stopped AFTER UPDATE ON volunteers
    FOR EACH ROW WHEN (OLD.stopped_at IS DISTINCT FROM NEW.stopped_at) EXECUTE FUNCTION refresh_stopped();

-- Positions: a live one that moves changes no candidate, and must cost nothing here.

CREATE FUNCTION refresh_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_candidates(ARRAY[NEW.volunteer_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_moved AFTER UPDATE ON positions
    FOR EACH ROW WHEN ((OLD.kind <> 'live' OR NEW.kind <> 'live')
                       AND (OLD.kind, OLD.at[0], OLD.at[1]) IS DISTINCT FROM (NEW.kind, NEW.at[0], NEW.at[1]))
    EXECUTE FUNCTION refresh_moved();

CREATE FUNCTION refresh_placed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[] := ARRAY(SELECT volunteer_id FROM changed WHERE kind = 'live');
BEGIN
    PERFORM refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM changed WHERE kind <> 'live'));
    IF cardinality(people) > 0 THEN
        PERFORM lock_candidates(people);
        UPDATE candidates SET tracked = (TG_OP = 'INSERT')
        WHERE volunteer_id = ANY (people) AND tracked <> (TG_OP = 'INSERT');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_inserted AFTER INSERT ON positions REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_placed();
CREATE TRIGGER candidates_deleted AFTER DELETE ON positions REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refresh_placed();

-- Offers and assignments change with every incident: only the difference is written, from one row a person. Where a
-- statement writes several rows of one person, which is rare, the rows are computed anew.
-- Both triggers fire for INSERT ... ON CONFLICT DO UPDATE, each with the rows that it did insert or update. What was
-- updated is joined with the table by its key: a join of two transition tables is planned while they are empty.

CREATE FUNCTION sorted_six(moments timestamptz[]) RETURNS timestamptz[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY(SELECT t FROM unnest(moments) AS t ORDER BY t DESC LIMIT 6)
$$;
-- A single expression, which Postgres writes into the query.
CREATE FUNCTION latest_six(earlier timestamptz[], added timestamptz) RETURNS timestamptz[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN added < earlier[1] THEN sorted_six(earlier || added) ELSE (added || earlier)[:6] END
$$;

-- Who is offered a seat is locked by the claim: the order of the update is enough here.
CREATE FUNCTION mark_offered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT volunteer_id) < count(*) FROM made) THEN
        PERFORM refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM made));
        RETURN NULL;
    END IF;
    UPDATE candidates c SET
        urgent_offer = CASE WHEN d.status = 'extended' AND d.lane = 'urgent' THEN d.id ELSE c.urgent_offer END,
        planned_offer = CASE WHEN d.status = 'extended' AND d.lane = 'planned' THEN d.id ELSE c.planned_offer END,
        drill_offer = CASE WHEN d.status = 'extended' AND d.lane = 'drill' THEN d.id ELSE c.drill_offer END,
        urgent_asked = CASE WHEN d.lane = 'urgent' THEN latest_six(c.urgent_asked, d.extended_at) ELSE c.urgent_asked END,
        planned_asked = CASE WHEN d.lane = 'planned' THEN latest_six(c.planned_asked, d.extended_at) ELSE c.planned_asked END,
        drill_asked = CASE WHEN d.lane = 'drill' THEN latest_six(c.drill_asked, d.extended_at) ELSE c.drill_asked END
    FROM (SELECT id, volunteer_id, lane, status, extended_at FROM made ORDER BY volunteer_id) AS d
    WHERE c.volunteer_id = d.volunteer_id;
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_inserted AFTER INSERT ON offers REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION mark_offered();

-- A live offer is cleared by its id: a late answer to an earlier one leaves it.
CREATE FUNCTION mark_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[];
    settled uuid[];
    others uuid[];
BEGIN
    SELECT array_agg(n.volunteer_id) FILTER (WHERE settles), array_agg(n.id) FILTER (WHERE settles),
           array_agg(n.volunteer_id) FILTER (WHERE NOT settles) || array_agg(o.volunteer_id) FILTER (WHERE NOT settles)
    INTO people, settled, others
    FROM was o JOIN offers n ON n.id = o.id
    CROSS JOIN LATERAL (SELECT n.status <> 'extended' AND (o.volunteer_id, o.lane, o.extended_at)
                                                        = (n.volunteer_id, n.lane, n.extended_at)) AS s (settles)
    WHERE (o.volunteer_id, o.lane, o.extended_at, o.status = 'extended')
       <> (n.volunteer_id, n.lane, n.extended_at, n.status = 'extended');
    IF people IS NOT NULL THEN
        PERFORM lock_candidates(people);
        UPDATE candidates c SET
            urgent_offer = CASE WHEN c.urgent_offer = ANY (d.settled) THEN NULL ELSE c.urgent_offer END,
            planned_offer = CASE WHEN c.planned_offer = ANY (d.settled) THEN NULL ELSE c.planned_offer END,
            drill_offer = CASE WHEN c.drill_offer = ANY (d.settled) THEN NULL ELSE c.drill_offer END
        FROM (SELECT volunteer_id, array_agg(id) AS settled FROM unnest(people, settled) AS s (volunteer_id, id)
              GROUP BY volunteer_id) AS d
        WHERE c.volunteer_id = d.volunteer_id
          AND (c.urgent_offer = ANY (d.settled) OR c.planned_offer = ANY (d.settled) OR c.drill_offer = ANY (d.settled));
    END IF;
    PERFORM refresh_candidates(others);
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_updated AFTER UPDATE ON offers REFERENCING OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION mark_settled();

CREATE FUNCTION mark_assigned() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[] := ARRAY(SELECT DISTINCT volunteer_id FROM made);
BEGIN
    IF cardinality(people) < (SELECT count(*) FROM made) OR EXISTS (SELECT FROM made WHERE status = 'released') THEN
        PERFORM refresh_candidates(people);
    ELSIF cardinality(people) > 0 THEN
        PERFORM lock_candidates(people);
        UPDATE candidates c SET
            urgent_assignment = CASE WHEN d.lane = 'urgent' THEN d.id ELSE c.urgent_assignment END,
            planned_assignment = CASE WHEN d.lane = 'planned' THEN d.id ELSE c.planned_assignment END,
            drill_assignment = CASE WHEN d.lane = 'drill' THEN d.id ELSE c.drill_assignment END
        FROM made d WHERE c.volunteer_id = d.volunteer_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_inserted AFTER INSERT ON assignments REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION mark_assigned();

-- Most updates are on the way: they neither release nor change what was recorded of a release.
CREATE FUNCTION mark_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_candidates(ARRAY(
        SELECT DISTINCT unnest(ARRAY[o.volunteer_id, n.volunteer_id]) FROM was o JOIN assignments n ON n.id = o.id
        WHERE (o.volunteer_id, o.lane, o.status = 'released', o.released_at, o.reason)
            IS DISTINCT FROM (n.volunteer_id, n.lane, n.status = 'released', n.released_at, n.reason)
    ));
    RETURN NULL;
END $$;
CREATE TRIGGER candidates_updated AFTER UPDATE ON assignments REFERENCING OLD TABLE AS was
    FOR EACH STATEMENT EXECUTE FUNCTION mark_released();

-- The gates of a candidate at a place, but for skill and age, which differ by seat; the bits are those of `Gate`.
-- `placed_at` is when a live place was recorded. A single expression, which Postgres writes into the query.
CREATE FUNCTION candidate_gates(
    c candidates, placed_at timestamptz, lane text, wanted_availability text[], rested_since timestamptz,
    fresh_since timestamptz, asked_since timestamptz, asked uuid[], drill boolean, at timestamptz
) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT
        CASE WHEN c.availability = ANY (wanted_availability) AND NOT coalesce(c.away_until > at, false)
             THEN 0 ELSE 2 END
        + CASE WHEN c.consent && ARRAY['sms', 'voice', 'push', 'email'] THEN 0 ELSE 4 END
        + CASE WHEN c.rested_at > rested_since THEN 16 ELSE 0 END
        + CASE WHEN placed_at < fresh_since THEN 32 ELSE 0 END
        + CASE WHEN CASE lane WHEN 'urgent' THEN c.urgent_offer WHEN 'planned' THEN c.planned_offer
                              ELSE c.drill_offer END IS NULL
               THEN 0 ELSE 64 END
        + CASE WHEN CASE lane WHEN 'urgent' THEN c.urgent_assignment WHEN 'planned' THEN c.planned_assignment
                              ELSE c.drill_assignment END IS NULL
               THEN 0 ELSE 128 END
        + CASE WHEN c.volunteer_id = ANY (asked) THEN 256 ELSE 0 END
        + CASE WHEN c.left_at IS NULL AND c.stopped_at IS NULL AND c.suspended_at IS NULL THEN 0 ELSE 512 END
        + CASE WHEN drill AND NOT 'drills' = ANY (c.consent) THEN 1024 ELSE 0 END
        + CASE WHEN CASE lane WHEN 'urgent' THEN c.urgent_asked[6] WHEN 'planned' THEN c.planned_asked[6]
                              ELSE c.drill_asked[6] END > asked_since
               THEN 2048 ELSE 0 END
$$;

-- The skills of a candidate that are valid at a time. It returns a set so that Postgres writes it into the query.
CREATE FUNCTION valid_skills(skills text, at timestamptz) RETURNS TABLE (valid text[]) LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT split_part(held, '@', 1) FROM unnest(string_to_array(skills, ',')) AS held
                 WHERE split_part(held, '@', 2) = ''
                    OR split_part(held, '@', 2)::bigint > extract(epoch FROM at) * 1000000)
    OFFSET 0
$$;
