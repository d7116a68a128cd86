-- name: join_relays
-- Registers this session as a relay until it ends.
SELECT pg_advisory_lock_shared(7301, 0);

-- name: discard_plans
-- Plans each statement of the session anew when it is next used, for the sizes that the tables have then.
DISCARD PLANS;

-- name: count_relays
-- Returns the number of sessions that relay this database now.
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = 7301 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- name: claim_buckets
-- Claims those of the buckets that no other session owns and returns them; owned until released or disconnected.
SELECT bucket FROM unnest($1::int[]) AS bucket WHERE pg_try_advisory_lock(7302, bucket);

-- name: release_buckets
-- Releases buckets for other relays to claim.
SELECT pg_advisory_unlock(7302, bucket) FROM unnest($1::int[]) AS bucket;

-- name: fetch_outbox
-- Returns the next messages of these buckets: $2 of the most severe and $3 of the oldest, each key in order.
-- One lookup per message, by the primary key: only that index has the order, also for a plan made on empty tables.
SELECT next.id, next.bucket, next.rank, message.topic, message.key, message.headers, message.body
FROM (
    (SELECT rank, id, bucket, position FROM outbox WHERE bucket = ANY($1::smallint[]) ORDER BY rank, id LIMIT $2)
    UNION
    (SELECT rank, id, bucket, position FROM outbox WHERE bucket = ANY($1::smallint[]) ORDER BY id LIMIT $3)
) AS next
CROSS JOIN LATERAL (
    SELECT topic, key, headers, body FROM journal
    WHERE journal.id BETWEEN next.position AND next.position ORDER BY journal.id LIMIT 1
) AS message
ORDER BY next.rank, next.id;

-- name: delete_outbox
-- Deletes published messages; the journal retains them.
DELETE FROM outbox WHERE id = ANY($1::bigint[]);

-- name: unrecovered_buckets
-- Returns those of the buckets whose unread events this life of the database has not yet queued for this cluster.
SELECT asked.bucket
FROM (SELECT stream_home() AS home OFFSET 0) AS here CROSS JOIN unnest($2::smallint[]) AS asked (bucket)
WHERE NOT EXISTS (SELECT FROM clusters c WHERE c.cluster_id = $1 AND c.bucket = asked.bucket AND c.home = here.home);

-- name: analyze_journal
-- Refreshes the planner's statistics before it plans `enqueue_unread`.
ANALYZE journal, inbox, outbox;

-- name: enqueue_unread
-- Queues the events since $2 that are missing from some declared reader's inbox, in journal order, before all other
-- messages of these buckets. Messages that wait already are moved into that order. The new ids are below all others,
-- and the same however often this runs.
WITH waiting AS (
    DELETE FROM outbox WHERE bucket = ANY($1::smallint[]) AND id > 0 RETURNING bucket, position
), unread AS (
    SELECT journal.bucket, journal.id AS position
    FROM journal JOIN unnest($3::text[], $4::text[]) AS reader (topic, consumer) USING (topic)
    WHERE journal.bucket = ANY($1::smallint[]) AND journal.recorded_at >= $2
      AND NOT EXISTS (
          SELECT FROM inbox WHERE inbox.consumer = reader.consumer AND inbox.event_id = journal.event_id
      )
)
INSERT INTO outbox (id, bucket, position, rank) OVERRIDING SYSTEM VALUE
SELECT position - 4611686018427387904, bucket, position, 0
FROM (SELECT bucket, position FROM waiting UNION SELECT bucket, position FROM unread) AS lacking
ORDER BY position
ON CONFLICT DO NOTHING;

-- name: record_recovery
-- Records that these buckets were queued for this cluster alone: any other cluster lacks the events that follow.
WITH others AS (
    DELETE FROM clusters WHERE bucket = ANY($2::smallint[]) AND cluster_id <> $1
)
INSERT INTO clusters (cluster_id, bucket, recovered_at, home)
SELECT $1, bucket, $3, here.home
FROM (SELECT stream_home() AS home OFFSET 0) AS here CROSS JOIN unnest($2::smallint[]) AS bucket
ON CONFLICT (cluster_id, bucket) DO UPDATE SET recovered_at = excluded.recovered_at, home = excluded.home;
