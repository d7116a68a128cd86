-- name: store_reports
-- Stores reports in the order of their ids and returns the ids of the new ones: a source sends an id once.
INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at)
SELECT id, organisation, mode, source, source_id, channel, content_hash, :received_at
FROM unnest(:id::uuid[], :organisation::uuid[], :mode::text[], :source::text[], :source_id::text[],
            :channel::text[], :content_hash::bytea[])
     AS report (id, organisation, mode, source, source_id, channel, content_hash)
ORDER BY id
ON CONFLICT DO NOTHING
RETURNING id;

-- name: known_reports
-- Returns the reports of an organisation ($1) that are stored, by source ($2) and the source's id ($3).
SELECT r.organisation, r.source, r.source_id, r.id, r.content_hash
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS w (organisation, source, source_id)
JOIN reports r ON r.organisation = w.organisation AND r.source = w.source AND r.source_id = w.source_id;

-- name: store_report_texts
-- Stores the texts of reports in a table of their own, whose rows can be erased.
INSERT INTO report_texts (report_id, description) SELECT * FROM unnest($1::uuid[], $2::text[]);

-- name: read_report
-- Returns a report of an organisation with the incident that it belongs to.
SELECT r.id AS report_id, r.source, r.source_id, r.mode, r.received_at, r.incident_id,
       i.status AS incident_status
FROM reports r LEFT JOIN incidents i ON i.id = r.incident_id
WHERE r.organisation = $1 AND r.id = $2;
