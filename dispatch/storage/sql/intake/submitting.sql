-- name: store_report
-- Stores a report and returns its id; no row if the source sent that id before.
INSERT INTO reports (id, organisation, mode, source, source_id, channel, content_hash, received_at)
VALUES (:id, :organisation, :mode, :source, :source_id, :channel, :content_hash, :received_at)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: report_hash
-- Returns the content hash of the report that is stored under an id.
SELECT content_hash FROM reports WHERE id = $1;

-- name: store_report_text
-- Stores the text of a report in a table of its own, whose rows can be erased.
INSERT INTO report_texts (report_id, description) VALUES ($1, $2);

-- name: read_report
-- Returns a report of an organisation with the incident that it belongs to.
SELECT r.id AS report_id, r.source, r.source_id, r.mode, r.received_at, r.incident_id,
       i.status AS incident_status
FROM reports r LEFT JOIN incidents i ON i.id = r.incident_id
WHERE r.organisation = $1 AND r.id = $2;
