-- Which gates shut a volunteer out of one role of one incident; no row where another position of the person is in
-- force: a fresh live one is where somebody is; else work while at work, else home; a stale one only where nothing
-- else is known. It returns a set so that Postgres writes its text into the query: called row by row it would take
-- a hundred times as long.

CREATE FUNCTION gates_of(
    p positions, m memberships, incident uuid, wanted_lane text, wanted_skill text, born_before date,
    rested_since timestamptz, fresh_since timestamptz, wanted_availability text, drill boolean, at timestamptz
) RETURNS TABLE (gates int) LANGUAGE sql STABLE AS $$
    SELECT
        CASE WHEN EXISTS (SELECT FROM skills s
                          WHERE s.volunteer_id = m.volunteer_id AND s.organisation = m.organisation
                            AND s.skill = wanted_skill AND (s.expires_at IS NULL OR s.expires_at > at))
             THEN 0 ELSE 1 END
        + CASE WHEN m.availability = ANY (string_to_array(wanted_availability, ',')) THEN 0 ELSE 2 END
        + CASE WHEN m.consent && ARRAY['sms', 'voice', 'push', 'email'] THEN 0 ELSE 4 END
        + CASE WHEN EXISTS (SELECT FROM people h
                            WHERE h.volunteer_id = m.volunteer_id AND h.birth_date <= born_before)
               THEN 0 ELSE 8 END
        + CASE WHEN EXISTS (SELECT FROM assignments a
                            WHERE a.volunteer_id = m.volunteer_id AND a.released_at > rested_since
                              AND a.reason = 'done')
               THEN 16 ELSE 0 END
        + CASE WHEN p.kind = 'live' AND p.recorded_at < fresh_since THEN 32 ELSE 0 END
        + CASE WHEN EXISTS (SELECT FROM offers o
                            WHERE o.volunteer_id = m.volunteer_id AND o.lane = wanted_lane
                              AND o.status = 'extended')
               THEN 64 ELSE 0 END
        + CASE WHEN EXISTS (SELECT FROM assignments a
                            WHERE a.volunteer_id = m.volunteer_id AND a.lane = wanted_lane
                              AND a.status <> 'released')
               THEN 128 ELSE 0 END
        + CASE WHEN EXISTS (SELECT FROM offers o
                            WHERE o.incident_id = incident AND o.volunteer_id = m.volunteer_id)
               THEN 256 ELSE 0 END
        + CASE WHEN m.left_at IS NOT NULL
                    OR EXISTS (SELECT FROM volunteers v
                               WHERE v.id = m.volunteer_id AND v.stopped_at IS NOT NULL)
               THEN 512 ELSE 0 END
        + CASE WHEN drill AND NOT 'drills' = ANY (m.consent) THEN 1024 ELSE 0 END
    WHERE CASE
        WHEN p.kind = 'live' AND p.recorded_at >= fresh_since THEN true
        WHEN EXISTS (SELECT FROM positions l
                     WHERE l.volunteer_id = p.volunteer_id AND l.kind = 'live' AND l.recorded_at >= fresh_since)
            THEN false
        WHEN p.kind = 'live' THEN NOT EXISTS (SELECT FROM positions h
                                              WHERE h.volunteer_id = p.volunteer_id AND h.kind <> 'live')
        WHEN p.kind = 'work' THEN m.availability = 'at_work'
        ELSE m.availability <> 'at_work'
             OR NOT EXISTS (SELECT FROM positions w
                            WHERE w.volunteer_id = p.volunteer_id AND w.kind = 'work')
    END
$$;
