-- name: backlog
-- Returns since when the oldest work waits that is due at $1, when the next falls due, and how many incidents are open.
-- Of the journal, only events after $2 count that a consumer ($4) of their topic ($3) lacks; `unread` precedes the first.
WITH lacking AS (
    SELECT j.id, j.recorded_at
    FROM journal j JOIN unnest($3::text[], $4::text[]) AS reader (topic, consumer) ON reader.topic = j.topic
    WHERE j.id > $2
      AND NOT EXISTS (SELECT FROM inbox i WHERE i.consumer = reader.consumer AND i.event_id = j.event_id)
)
SELECT
    least(
        (SELECT min(received_at) FROM reports WHERE incident_id IS NULL),
        (SELECT min(received_at) FROM replies WHERE processed_at IS NULL),
        (SELECT min(due_at) FROM messages WHERE status IN ('queued', 'leased') AND due_at <= $1),
        (SELECT min(due_at) FROM agenda WHERE due_at <= $1),
        (SELECT min(recorded_at) FROM lacking)
    ) AS since,
    least(
        (SELECT min(due_at) FROM messages WHERE status = 'queued' AND due_at > $1),
        (SELECT min(due_at) FROM agenda WHERE due_at > $1)
    ) AS first_due,
    (SELECT count(*) FROM incidents WHERE ended_at IS NULL)::int AS open_incidents,
    (SELECT min(id) - 1 FROM lacking) AS unread,
    (SELECT coalesce(max(id), 0) FROM journal) AS newest;
