-- name: store_tokens
-- Stores tokens by their hashes.
INSERT INTO tokens (hash, offer_id, generation, created_at)
SELECT hash, offer_id, generation, $4 FROM unnest($1::bytea[], $2::uuid[], $3::int[]) AS t (hash, offer_id, generation)
ORDER BY hash
ON CONFLICT DO NOTHING;

-- name: revoke_tokens
-- Revokes all tokens of an offer.
UPDATE tokens SET revoked_at = $2 WHERE offer_id = $1 AND revoked_at IS NULL;

-- name: open_token
-- Returns the offer of a token; no row if the token is unknown or revoked, or its incident ended before $2. To somebody who
-- opens the page, an offer that was thought to have reached nobody has expired: a yes still counts. Release 0.1.0 writes no
-- engagement: the plan has it too.
SELECT t.generation, o.id AS offer_id, o.volunteer_id,
       CASE WHEN o.missed IS NULL THEN o.status ELSE 'expired' END AS offer_status, o.expires_at, o.distance_m, o.late,
       waiting_place(o) AS place,
       i.id AS incident_id, i.organisation, i.mode, i.status AS incident_status, i.lat, i.lon,
       p.body -> 'title' AS title, coalesce(i.engagement = 'notice', (p.body -> 'informs')::boolean, false) AS informs,
       coalesce(i.engagement = 'crew', (p.body -> 'crew')::boolean, false) AS crew,
       coalesce((p.body -> 'place_when_asked')::boolean, false) AS place_when_asked,
       g.name AS organisation_name, g.zone, coalesce(m.language, 'fr') AS language,
       a.status AS assignment_status, a.reason AS released_reason,
       i.status = 'open' AND i.overdue_at IS NOT NULL AS overdue,
       c.kind AS recall, c.acknowledged_at IS NOT NULL AS recall_seen,
       (SELECT r.answer FROM replies r WHERE r.offer_id = o.id AND r.processed_at IS NULL
        ORDER BY r.received_at DESC, r.id DESC LIMIT 1) AS pending,
       i.starts_at, i.ends_at, o.muster,
       (SELECT e -> 'position' FROM jsonb_array_elements(i.musters -> 'points') AS e WHERE e ->> 'name' = o.muster LIMIT 1) AS muster_at
FROM tokens t
JOIN offers o ON o.id = t.offer_id
JOIN incidents i ON i.id = o.incident_id
JOIN plans p ON p.hash = i.plan_hash
JOIN organisations g ON g.id = i.organisation
LEFT JOIN memberships m ON m.volunteer_id = o.volunteer_id AND m.organisation = i.organisation
LEFT JOIN assignments a ON a.offer_id = o.id
LEFT JOIN recalls c ON c.incident_id = i.id AND c.volunteer_id = o.volunteer_id
WHERE t.hash = $1 AND t.revoked_at IS NULL AND (i.ended_at IS NULL OR i.ended_at > $2);
