-- name: join_relays
-- Counts this session among the relays until it ends.
SELECT pg_advisory_lock_shared(7301, 0);

-- name: count_relays
-- How many sessions relay this database now.
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = 7301 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- name: claim_buckets
-- Of the buckets asked for, those that nobody else owns; owned until released or disconnected.
SELECT bucket FROM unnest($1::int[]) AS bucket WHERE pg_try_advisory_lock(7302, bucket);

-- name: release_buckets
-- Lets other relays own these buckets.
SELECT pg_advisory_unlock(7302, bucket) FROM unnest($1::int[]) AS bucket;

-- name: fetch_outbox
-- The next messages of these buckets: the most severe, with a share for those that wait longest, each key in order.
-- Each is looked up by itself: joined freely, a planner without fresh counts reads the whole journal for it.
SELECT next.id, next.bucket, message.topic, message.key, message.headers, message.body
FROM (
    (SELECT rank, id, bucket, position FROM outbox WHERE bucket = ANY($1::smallint[]) ORDER BY rank, id LIMIT $2)
    UNION
    (SELECT rank, id, bucket, position FROM outbox WHERE bucket = ANY($1::smallint[]) ORDER BY id LIMIT $3)
) AS next
CROSS JOIN LATERAL (
    SELECT topic, key, headers, body FROM journal WHERE journal.id = next.position OFFSET 0
) AS message
ORDER BY next.rank, next.id;

-- name: delete_outbox
-- Forgets what is published; the journal keeps it.
DELETE FROM outbox WHERE id = ANY($1::bigint[]);

-- name: forgotten_buckets
-- Of these buckets, those that were not yet brought to this cluster by the database as it is now.
SELECT asked.bucket
FROM (SELECT stream_home() AS home OFFSET 0) AS here CROSS JOIN unnest($2::smallint[]) AS asked (bucket)
WHERE NOT EXISTS (SELECT FROM clusters c WHERE c.cluster_id = $1 AND c.bucket = asked.bucket AND c.home = here.home);

-- name: analyze_journal
-- Lets the planner know how much there is, before it plans what is unread.
ANALYZE journal, inbox, outbox;

-- name: enqueue_unread
-- Puts what some declared reader has not taken in, since $2, before all else in these buckets, in journal order.
-- What waits already is moved among it. The new ids are below all others, and the same however often this runs.
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

-- name: note_cluster
-- Remembers that these buckets are brought to this cluster, and to no other: one that comes back lacks the rest.
WITH others AS (
    DELETE FROM clusters WHERE bucket = ANY($2::smallint[]) AND cluster_id <> $1
)
INSERT INTO clusters (cluster_id, bucket, recovered_at, home)
SELECT $1, bucket, $3, here.home
FROM (SELECT stream_home() AS home OFFSET 0) AS here CROSS JOIN unnest($2::smallint[]) AS bucket
ON CONFLICT (cluster_id, bucket) DO UPDATE SET recovered_at = excluded.recovered_at, home = excluded.home;
