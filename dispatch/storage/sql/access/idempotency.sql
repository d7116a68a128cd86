-- name: claim_idempotency_key
-- Claims a key for a first request, or again if it is older than $5 or was lost before $6; returns no row otherwise.
INSERT INTO idempotency_keys AS kept (api_key, key, request_hash, status, body, created_at)
VALUES ($1, $2, $3, 0, '', $4)
ON CONFLICT (api_key, key) DO UPDATE
SET request_hash = excluded.request_hash, status = 0, body = '', created_at = excluded.created_at
WHERE kept.created_at < $5 OR (kept.status = 0 AND kept.created_at < $6)
RETURNING key;

-- name: find_idempotency_key
-- Returns the response to the first request with this key; its status is 0 while the request is executed.
SELECT request_hash, status, body FROM idempotency_keys WHERE api_key = $1 AND key = $2;

-- name: complete_idempotency_key
-- Stores the response to the first request.
UPDATE idempotency_keys SET status = $3, body = $4 WHERE api_key = $1 AND key = $2;

-- name: free_idempotency_key
-- Releases a key, so that the request can be retried.
DELETE FROM idempotency_keys WHERE api_key = $1 AND key = $2;

-- name: purge_idempotency_keys
-- Deletes the expired responses of one caller.
DELETE FROM idempotency_keys WHERE api_key = $1 AND created_at < $2;
