-- name: unserved_messages
-- Counts, for each channel outside $1, the waiting messages and those skipped after $2 because no gateway serves it.
SELECT channel, count(*) FILTER (WHERE status <> 'skipped') AS waiting,
       count(*) FILTER (WHERE status = 'skipped') AS skipped
FROM messages
WHERE channel <> ALL ($1::text[])
  AND (status IN ('queued', 'leased') OR (status = 'skipped' AND reason = 'no gateway' AND created_at > $2))
GROUP BY channel ORDER BY channel;
