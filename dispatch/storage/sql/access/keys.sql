-- name: create_key
-- Stores a new key by its hash.
INSERT INTO api_keys (id, organisation, hash, scopes, holder, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: find_key
-- Returns a key that is not revoked.
SELECT id, organisation, hash, scopes, holder FROM api_keys WHERE id = $1 AND revoked_at IS NULL;

-- name: list_keys
-- Returns the keys of an organisation, the oldest first, revoked ones included.
SELECT id, scopes, holder, created_at, revoked_at FROM api_keys WHERE organisation = $1 ORDER BY created_at, id;

-- name: revoke_key
-- Revokes a key and returns its id; no row if the organisation has no such key, or it is revoked already.
UPDATE api_keys SET revoked_at = $3 WHERE organisation = $1 AND id = $2 AND revoked_at IS NULL RETURNING id;
