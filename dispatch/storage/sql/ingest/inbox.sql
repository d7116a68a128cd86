-- name: record_inbox
-- Records events as consumed by a consumer and returns those that were new to it; a repeated event is no error.
INSERT INTO inbox (consumer, event_id, received_at)
SELECT $1, event_id, $3 FROM unnest($2::uuid[]) AS consumed (event_id) ORDER BY event_id
ON CONFLICT DO NOTHING
RETURNING event_id;
