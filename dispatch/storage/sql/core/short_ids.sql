-- name: incidents_between
-- Returns the first incidents of an organisation whose ids lie between two, with what tells them apart.
SELECT id::text, kind || ', ' || severity AS about FROM incidents
WHERE id BETWEEN $2::text::uuid AND $3::text::uuid AND ($1::uuid IS NULL OR organisation = $1) ORDER BY id LIMIT 6;

-- name: escalations_between
-- Returns the first escalations of an organisation whose ids lie between two, with what tells them apart.
SELECT id::text, reason AS about FROM escalations
WHERE id BETWEEN $2::text::uuid AND $3::text::uuid AND organisation = $1 ORDER BY id LIMIT 6;

-- name: volunteers_between
-- Returns the first members of an organisation whose ids lie between two.
SELECT id::text, '' AS about FROM memberships
WHERE id BETWEEN $2::text::uuid AND $3::text::uuid AND organisation = $1 AND left_at IS NULL ORDER BY id LIMIT 6;

-- name: offers_between
-- Returns the first offers of an organisation's incidents whose ids lie between two, with what tells them apart.
SELECT o.id::text, o.role || ', ' || o.status AS about FROM offers o JOIN incidents i ON i.id = o.incident_id
WHERE o.id BETWEEN $2::text::uuid AND $3::text::uuid AND ($1::uuid IS NULL OR i.organisation = $1) ORDER BY o.id LIMIT 6;

-- name: reports_between
-- Returns the first reports to an organisation whose ids lie between two, with what tells them apart.
SELECT id::text, source AS about FROM reports
WHERE id BETWEEN $2::text::uuid AND $3::text::uuid AND organisation = $1 ORDER BY id LIMIT 6;

-- name: keys_between
-- Returns the first keys of an organisation whose ids lie between two, with their holders.
SELECT id, holder AS about FROM api_keys
WHERE id BETWEEN $2 AND $3 AND ($1::uuid IS NULL OR organisation = $1) ORDER BY id LIMIT 6;

-- name: parked_between
-- Returns the first parked messages whose ids lie between two, with what tells them apart.
SELECT id::text, source_topic AS about FROM parking
WHERE id BETWEEN $2::text::uuid AND $3::text::uuid AND ($1::uuid IS NULL OR organisation = $1) ORDER BY id LIMIT 6;

-- name: streams_between
-- Returns the first streams of the journal whose ids lie between two.
SELECT stream::text AS id, min(type) AS about FROM journal
WHERE stream BETWEEN $2::text::uuid AND $3::text::uuid AND ($1::uuid IS NULL OR organisation = $1)
GROUP BY stream ORDER BY stream LIMIT 6;
