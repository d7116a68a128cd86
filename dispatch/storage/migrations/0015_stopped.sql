-- Everybody who ever said STOP is no more gathered for each search than everybody who holds an offer: see OFFSET 0.

CREATE OR REPLACE FUNCTION gates_of(
    who uuid, position_kind text, recorded timestamptz, availability text, consent text[], departed timestamptz,
    asked uuid[], wanted_lane text, born_before date, rested_since timestamptz, fresh_since timestamptz,
    wanted_availability text[], drill boolean
) RETURNS TABLE (gates int) LANGUAGE sql STABLE AS $$
    SELECT
        CASE WHEN availability = ANY (wanted_availability) THEN 0 ELSE 2 END
        + CASE WHEN consent && ARRAY['sms', 'voice', 'push', 'email'] THEN 0 ELSE 4 END
        + CASE WHEN EXISTS (SELECT FROM people h WHERE h.volunteer_id = who AND h.birth_date <= born_before)
               THEN 0 ELSE 8 END
        + CASE WHEN EXISTS (SELECT FROM assignments a
                            WHERE a.volunteer_id = who AND a.released_at > rested_since AND a.reason = 'done')
               THEN 16 ELSE 0 END
        + CASE WHEN position_kind = 'live' AND recorded < fresh_since THEN 32 ELSE 0 END
        + CASE WHEN EXISTS (SELECT FROM offers o
                            WHERE o.volunteer_id = who AND o.lane = wanted_lane AND o.status = 'extended'
                            OFFSET 0)
               THEN 64 ELSE 0 END
        + CASE WHEN EXISTS (SELECT FROM assignments a
                            WHERE a.volunteer_id = who AND a.lane = wanted_lane AND a.status <> 'released'
                            OFFSET 0)
               THEN 128 ELSE 0 END
        + CASE WHEN who = ANY (asked) THEN 256 ELSE 0 END
        + CASE WHEN departed IS NOT NULL
                    OR EXISTS (SELECT FROM volunteers v WHERE v.id = who AND v.stopped_at IS NOT NULL OFFSET 0)
               THEN 512 ELSE 0 END
        + CASE WHEN drill AND NOT 'drills' = ANY (consent) THEN 1024 ELSE 0 END
    WHERE CASE
        WHEN position_kind = 'live' AND recorded >= fresh_since THEN true
        WHEN EXISTS (SELECT FROM positions l
                     WHERE l.volunteer_id = who AND l.kind = 'live' AND l.recorded_at >= fresh_since)
            THEN false
        WHEN position_kind = 'live'
            THEN NOT EXISTS (SELECT FROM positions h WHERE h.volunteer_id = who AND h.kind <> 'live')
        WHEN position_kind = 'work' THEN availability = 'at_work'
        ELSE availability <> 'at_work'
             OR NOT EXISTS (SELECT FROM positions w WHERE w.volunteer_id = who AND w.kind = 'work')
    END
$$;
