-- name: organisations_of_reports
-- Returns organisations with their service areas and time zones.
SELECT id, south, west, north, east, zone FROM organisations WHERE id = ANY ($1::uuid[]);

-- name: known_muster_points
-- Returns the muster points of organisations, and whether each is a station with members.
SELECT p.organisation, p.name, p.lat, p.lon,
       p.kind = 'station' AND EXISTS (SELECT FROM memberships m
                                      WHERE m.organisation = p.organisation AND m.station = p.id AND m.left_at IS NULL)
           AS station
FROM muster_points p WHERE p.organisation = ANY ($1::uuid[]) ORDER BY p.organisation, p.name;

-- name: store_topic_reports
-- Stores reports that were published straight to the topic; the same report sent twice is one row.
INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at)
SELECT id, organisation, mode, source, source_id, 'topic', content_hash, :received_at
FROM unnest(:id::uuid[], :organisation::uuid[], :mode::text[], :source::text[], :source_id::text[],
            :content_hash::bytea[])
     AS report (id, organisation, mode, source, source_id, content_hash)
ON CONFLICT DO NOTHING;

-- name: lock_reports
-- Locks reports in the order of their ids and returns them with their incidents.
SELECT id, organisation, source, channel, incident_id FROM reports
WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: unlinked_reports
-- Returns those of the reports that were accepted and belong to no incident yet, by source and the source's id.
SELECT r.organisation, r.source, r.source_id, r.id, r.received_at
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS w (organisation, source, source_id)
JOIN reports r ON r.organisation = w.organisation AND r.source = w.source AND r.source_id = w.source_id
WHERE r.incident_id IS NULL ORDER BY r.id;

-- name: incidents_of_reports
-- Returns the incidents of earlier reports by source and the source's id.
SELECT r.organisation, r.source, r.source_id, r.incident_id
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS w (organisation, source, source_id)
JOIN reports r ON r.organisation = w.organisation AND r.source = w.source AND r.source_id = w.source_id
WHERE r.incident_id IS NOT NULL;

-- name: link_reports
-- Records which incident each report opened or updated.
UPDATE reports SET incident_id = l.incident_id
FROM unnest($1::uuid[], $2::uuid[]) AS l (id, incident_id)
WHERE reports.id = l.id;
