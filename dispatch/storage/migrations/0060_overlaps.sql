-- Missions of one person exclude each other by time, no longer by lane alone: planned ones by their windows, all others
-- from now on. Rows of the previous release have no times, which is always. This locks the tables while the indexes are built.

-- Comes with PostgreSQL's contributed modules; the owner of a database may create it.
CREATE EXTENSION IF NOT EXISTS btree_gist;

ALTER TABLE assignments ADD COLUMN busy_from timestamptz, ADD COLUMN busy_until timestamptz;

-- One person is active in at most one assignment of a lane, but for planned ones: the constraint below holds them apart.
DROP INDEX assignments_one_per_volunteer;
CREATE UNIQUE INDEX assignments_one_per_volunteer ON assignments
    (volunteer_id, lane, (CASE WHEN lane = 'planned' THEN id END)) NULLS NOT DISTINCT WHERE status <> 'released';
ALTER TABLE assignments ADD CONSTRAINT assignments_apart_in_time
    EXCLUDE USING gist (volunteer_id WITH =, tstzrange(busy_from, busy_until) WITH &&)
    WHERE (status <> 'released' AND lane = 'planned');

-- One person has at most one live offer of a lane; of planned missions, one of each.
DROP INDEX offers_one_live;
CREATE UNIQUE INDEX offers_one_live ON offers
    (volunteer_id, lane, (CASE WHEN lane = 'planned' THEN incident_id END)) NULLS NOT DISTINCT
    WHERE status = 'extended';

-- The time that a mission takes: its window where it is planned, else from now on; a notice takes none.
CREATE FUNCTION time_taken(engagement text, starts_at timestamptz, ends_at timestamptz) RETURNS tstzrange
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN engagement = 'notice' THEN 'empty' ELSE tstzrange(starts_at, ends_at) END
$$;

-- Planned missions stand in nobody's way: a candidate no longer says whether there are any. Else as in 0043.
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
       NULL::uuid AS planned_offer,
       (SELECT o.id FROM offers o
        WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'drill' AND o.status = 'extended' LIMIT 1) AS drill_offer,
       (SELECT a.id FROM assignments a
        WHERE a.volunteer_id = m.volunteer_id AND a.lane = 'urgent' AND a.status <> 'released'
        LIMIT 1) AS urgent_assignment,
       NULL::uuid AS planned_assignment,
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

-- As in 0035.
CREATE OR REPLACE FUNCTION mark_offered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT volunteer_id) < count(*) FROM made) THEN
        PERFORM refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM made));
        RETURN NULL;
    END IF;
    UPDATE candidates c SET
        urgent_offer = CASE WHEN d.status = 'extended' AND d.lane = 'urgent' THEN d.id ELSE c.urgent_offer END,
        drill_offer = CASE WHEN d.status = 'extended' AND d.lane = 'drill' THEN d.id ELSE c.drill_offer END,
        urgent_asked = CASE WHEN d.lane = 'urgent' AND d.missed IS NULL
                            THEN latest_six(c.urgent_asked, d.extended_at) ELSE c.urgent_asked END,
        planned_asked = CASE WHEN d.lane = 'planned' AND d.missed IS NULL
                            THEN latest_six(c.planned_asked, d.extended_at) ELSE c.planned_asked END,
        drill_asked = CASE WHEN d.lane = 'drill' AND d.missed IS NULL
                            THEN latest_six(c.drill_asked, d.extended_at) ELSE c.drill_asked END
    FROM (SELECT id, volunteer_id, lane, status, extended_at, missed FROM made ORDER BY volunteer_id) AS d
    WHERE c.volunteer_id = d.volunteer_id;
    RETURN NULL;
END $$;

-- As in 0023.
CREATE OR REPLACE FUNCTION mark_assigned() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[] := ARRAY(SELECT DISTINCT volunteer_id FROM made);
BEGIN
    IF cardinality(people) < (SELECT count(*) FROM made) OR EXISTS (SELECT FROM made WHERE status = 'released') THEN
        PERFORM refresh_candidates(people);
    ELSIF cardinality(people) > 0 THEN
        PERFORM lock_candidates(people);
        UPDATE candidates c SET
            urgent_assignment = CASE WHEN d.lane = 'urgent' THEN d.id ELSE c.urgent_assignment END,
            drill_assignment = CASE WHEN d.lane = 'drill' THEN d.id ELSE c.drill_assignment END
        FROM made d WHERE c.volunteer_id = d.volunteer_id;
    END IF;
    RETURN NULL;
END $$;

UPDATE candidates SET planned_offer = NULL, planned_assignment = NULL
WHERE planned_offer IS NOT NULL OR planned_assignment IS NOT NULL;
