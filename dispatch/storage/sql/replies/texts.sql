-- name: link_text
-- Records who sent a text, and the incidents that it is about.
UPDATE inbound_texts SET volunteer_id = $2, incident_ids = $3 WHERE id = $1;

-- name: offers_to_answer
-- Returns the offers of an organisation ($4; null: of all) that a person's text may be about: those that are live, ended after
-- $2, hold a seat or did until $2, or were recalled after $3; newest first. `out` is whether the person may be on the way, on
-- scene, or back from there, `overdue` whether they are asked if the mission is over.
-- OFFSET 0 limits each subquery to one offer: in a free join Postgres may read every answer.
SELECT o.id, i.id AS incident_id, i.organisation, i.mode, o.extended_at, coalesce(i.engagement = 'notice', false) AS informs,
       i.status = 'held' AS held,
       o.status IN ('extended', 'expired', 'withdrawn') AND i.status <> 'aborted' AND NOT EXISTS (
           SELECT FROM replies r
           WHERE r.offer_id = o.id AND r.answer IN ('accepted', 'declined') OFFSET 0) AS waiting,
       coalesce(a.status <> 'released', false) AS seated,
       coalesce(a.released_at > $2, false) AS released,
       coalesce(a.status <> 'released' OR a.en_route_at IS NOT NULL OR a.on_scene_at IS NOT NULL, false) AS out,
       i.status = 'open' AND i.overdue_at IS NOT NULL AND coalesce(a.status <> 'released', false) AS overdue,
       c.at IS NOT NULL AS recalled
FROM offers o JOIN incidents i ON i.id = o.incident_id
LEFT JOIN assignments a ON a.offer_id = o.id
LEFT JOIN LATERAL (
    SELECT c.at FROM recalls c
    WHERE c.incident_id = o.incident_id AND c.volunteer_id = $1 AND c.acknowledged_at IS NULL
      AND CASE WHEN c.kind = 'aborted' THEN c.at > $3
               ELSE i.status IN ('held', 'taken_over') AND (o.status = 'extended' OR a.status <> 'released') END
      AND NOT EXISTS (SELECT FROM replies r
                      WHERE r.offer_id = o.id AND coalesce(r.sent_at, r.received_at) > c.at
                        AND r.answer IN ('acknowledged', 'declined', 'released') OFFSET 0)
    OFFSET 0) AS c ON true
WHERE o.volunteer_id = $1 AND ($4::uuid IS NULL OR i.organisation = $4) AND (
    o.status IN ('extended', 'waitlisted') OR o.expires_at > $2 OR a.status <> 'released' OR a.released_at > $2 OR c.at IS NOT NULL)
ORDER BY o.extended_at DESC, o.id;
