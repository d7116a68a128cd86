-- Why an offer reached nobody: `unsent` or `unreached`. Such an offer counts neither as made nor as one of the last six that
-- its volunteer had. Processes of the previous release neither write nor change the column; the trigger counts for them.
ALTER TABLE offers ADD COLUMN missed text;

CREATE OR REPLACE FUNCTION count_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE incidents i
    SET counted_seq = i.seq,
        offers_made = (SELECT count(*) FROM offers o WHERE o.incident_id = i.id AND o.missed IS NULL)
    WHERE i.id = NEW.id AND i.counted_seq IS DISTINCT FROM i.seq;
    RETURN NULL;
END $$;

-- As in 0023, without the offers that reached nobody.
CREATE OR REPLACE VIEW candidate_facts AS
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
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'urgent' AND o.missed IS NULL
             ORDER BY o.extended_at DESC LIMIT 6) AS urgent_asked,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'planned' AND o.missed IS NULL
             ORDER BY o.extended_at DESC LIMIT 6) AS planned_asked,
       ARRAY(SELECT o.extended_at FROM offers o WHERE o.volunteer_id = m.volunteer_id AND o.lane = 'drill' AND o.missed IS NULL
             ORDER BY o.extended_at DESC LIMIT 6) AS drill_asked
FROM memberships m
JOIN volunteers v ON v.id = m.volunteer_id
LEFT JOIN people p ON p.volunteer_id = m.volunteer_id
LEFT JOIN positions home ON home.volunteer_id = m.volunteer_id AND home.kind = 'home'
LEFT JOIN positions work ON work.volunteer_id = m.volunteer_id AND work.kind = 'work';

-- As in 0023, without the offers that reached nobody.
CREATE OR REPLACE FUNCTION mark_offered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT volunteer_id) < count(*) FROM made) THEN
        PERFORM refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM made));
        RETURN NULL;
    END IF;
    UPDATE candidates c SET
        urgent_offer = CASE WHEN d.status = 'extended' AND d.lane = 'urgent' THEN d.id ELSE c.urgent_offer END,
        planned_offer = CASE WHEN d.status = 'extended' AND d.lane = 'planned' THEN d.id ELSE c.planned_offer END,
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

-- As in 0023; an offer that turns out to have reached nobody, or somebody after all, changes the last six.
CREATE OR REPLACE FUNCTION mark_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    people uuid[];
    settled uuid[];
    others uuid[];
BEGIN
    SELECT array_agg(n.volunteer_id) FILTER (WHERE settles), array_agg(n.id) FILTER (WHERE settles),
           array_agg(n.volunteer_id) FILTER (WHERE NOT settles) || array_agg(o.volunteer_id) FILTER (WHERE NOT settles)
    INTO people, settled, others
    FROM was o JOIN offers n ON n.id = o.id
    CROSS JOIN LATERAL (SELECT n.status <> 'extended' AND (o.volunteer_id, o.lane, o.extended_at, o.missed)
                                        IS NOT DISTINCT FROM (n.volunteer_id, n.lane, n.extended_at, n.missed)) AS s (settles)
    WHERE (o.volunteer_id, o.lane, o.extended_at, o.status = 'extended', o.missed)
        IS DISTINCT FROM (n.volunteer_id, n.lane, n.extended_at, n.status = 'extended', n.missed);
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
