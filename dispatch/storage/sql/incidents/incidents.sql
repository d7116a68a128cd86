-- name: lock_incidents
-- Locks the incidents in the order of their ids and returns them.
SELECT * FROM incidents WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_free_incidents
-- Locks those of the incidents that nobody holds, in the order of their ids.
SELECT * FROM incidents WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED;

-- name: read_incidents
-- Returns the incidents, without a lock.
SELECT * FROM incidents WHERE id = ANY ($1::uuid[]) ORDER BY id;

-- name: read_plans
-- Returns plans by their hashes.
SELECT hash, body FROM plans WHERE hash = ANY ($1::text[]);

-- name: read_seats
-- Returns the seats of incidents.
SELECT incident_id, number, role, all_skills, any_skills, min_age, reserve, assignment_id
FROM seats WHERE incident_id = ANY ($1::uuid[]) ORDER BY incident_id, number;

-- name: read_offers
-- Returns the offers of incidents, in the order in which they were extended.
SELECT incident_id, id, volunteer_id, role, status, extended_at, expires_at, distance_m, round_id, settled_at, late
FROM offers WHERE incident_id = ANY ($1::uuid[]) ORDER BY incident_id, extended_at, id;

-- name: read_assignments
-- Returns the assignments of incidents.
SELECT incident_id, id, offer_id, volunteer_id, seat, status, assigned_at, en_route_at, on_scene_at, released_at,
       reason
FROM assignments WHERE incident_id = ANY ($1::uuid[]) ORDER BY incident_id, assigned_at, id;

-- name: read_recalls
-- Returns who was recalled from incidents.
SELECT incident_id, volunteer_id, kind, at, acknowledged_at
FROM recalls WHERE incident_id = ANY ($1::uuid[]) ORDER BY incident_id, volunteer_id;

-- name: write_plans
-- Keeps each plan that is used; plans never change.
INSERT INTO plans (hash, name, body, first_used)
SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::timestamptz[])
ON CONFLICT (hash) DO NOTHING;

-- name: write_incidents
-- Writes incidents as they stand now.
INSERT INTO incidents AS i (
    id, organisation, mode, lane, report_id, kind, severity, status, plan_hash, lat, lon, hazards, requested,
    reference, awaiting, seq, opened_at, last_at, armed_at, steps_done, last_step_at, ring, widened_at, retry_at,
    covered_at, ended_at, taken_by, engagement)
SELECT r.id, r.organisation, r.mode, r.lane, r.report_id, r.kind, r.severity, r.status, r.plan_hash, r.lat, r.lon,
       string_to_array(r.hazards, ','), r.requested, r.reference, string_to_array(r.awaiting, ','), r.seq,
       r.opened_at, r.last_at, r.armed_at, r.steps_done, r.last_step_at, r.ring, r.widened_at, r.retry_at,
       r.covered_at, r.ended_at, r.taken_by, r.engagement
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::float8[], $11::float8[], $12::text[], $13::bool[], $14::text[], $15::text[], $16::int[],
    $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::int[], $21::timestamptz[], $22::int[],
    $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::timestamptz[], $27::text[], $28::text[]
) AS r (
    id, organisation, mode, lane, report_id, kind, severity, status, plan_hash, lat, lon, hazards, requested,
    reference, awaiting, seq, opened_at, last_at, armed_at, steps_done, last_step_at, ring, widened_at, retry_at,
    covered_at, ended_at, taken_by, engagement)
ON CONFLICT (id) DO UPDATE SET
    severity = excluded.severity, status = excluded.status, plan_hash = excluded.plan_hash, lat = excluded.lat,
    lon = excluded.lon, hazards = excluded.hazards, requested = excluded.requested,
    reference = excluded.reference, awaiting = excluded.awaiting, seq = excluded.seq, last_at = excluded.last_at,
    armed_at = excluded.armed_at, steps_done = excluded.steps_done, last_step_at = excluded.last_step_at,
    ring = excluded.ring, widened_at = excluded.widened_at, retry_at = excluded.retry_at,
    covered_at = excluded.covered_at, ended_at = excluded.ended_at, taken_by = excluded.taken_by,
    engagement = excluded.engagement;

-- name: write_seats
-- Writes seats; the emptied ones come first, so that one assignment never stands on two.
INSERT INTO seats (incident_id, number, role, skill, all_skills, any_skills, min_age, reserve, assignment_id)
SELECT r.incident_id, r.number, r.role, r.skill, string_to_array(r.all_skills, ','), string_to_array(r.any_skills, ','),
       r.min_age, r.reserve, r.assignment_id
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bool[], $9::uuid[])
     AS r (incident_id, number, role, skill, all_skills, any_skills, min_age, reserve, assignment_id)
ON CONFLICT (incident_id, number) DO UPDATE SET assignment_id = excluded.assignment_id;

-- name: write_offers
-- Writes offers; the settled ones come first, so that a volunteer freed here can be asked there.
INSERT INTO offers (incident_id, lane, id, volunteer_id, role, status, extended_at, expires_at, distance_m, round_id,
                    settled_at, late)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[],
                     $8::timestamptz[], $9::int[], $10::uuid[], $11::timestamptz[], $12::text[])
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, settled_at = excluded.settled_at, late = excluded.late;

-- name: write_assignments
-- Writes assignments; the released ones come first, so that a person freed here can be assigned there.
INSERT INTO assignments (incident_id, lane, id, offer_id, volunteer_id, seat, status, assigned_at, en_route_at,
                         on_scene_at, released_at, reason)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::text[],
                     $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[])
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, en_route_at = excluded.en_route_at, on_scene_at = excluded.on_scene_at,
    released_at = excluded.released_at, reason = excluded.reason;

-- name: write_recalls
-- Writes who was recalled and who has acknowledged.
INSERT INTO recalls (incident_id, volunteer_id, kind, at, acknowledged_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[])
ON CONFLICT (incident_id, volunteer_id) DO UPDATE SET
    kind = excluded.kind, at = excluded.at, acknowledged_at = excluded.acknowledged_at;
