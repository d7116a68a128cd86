-- name: create_key
-- Stores a new key by its hash.
INSERT INTO api_keys (id, organisation, hash, scopes, holder, installation, created_at)
VALUES (:id, :organisation, :hash, :scopes, :holder, :installation, :created_at);

-- name: find_key
-- Returns a key that is not revoked.
SELECT id, organisation, hash, scopes, holder, installation FROM api_keys WHERE id = $1 AND revoked_at IS NULL;

-- name: list_keys
-- Returns the keys of an organisation and those of the installation, the oldest first, revoked ones included.
SELECT id, scopes, holder, installation, created_at, revoked_at FROM api_keys WHERE organisation = $1 OR installation
ORDER BY created_at, id;

-- name: revoke_key
-- Revokes a key and returns its id; no row if neither the organisation nor the installation has such a key,
-- or it is revoked already.
UPDATE api_keys SET revoked_at = $3 WHERE (organisation = $1 OR installation) AND id = $2 AND revoked_at IS NULL RETURNING id;

-- name: organisations_without_gateway_key
-- Returns, for each of some gateways of which there is a key, the organisations for which none of its keys acts.
SELECT gateway, o.name AS organisation FROM unnest($1::text[]) AS gateway CROSS JOIN organisations o
WHERE EXISTS (SELECT FROM api_keys k WHERE k.revoked_at IS NULL AND 'gateway:' || gateway = ANY (k.scopes))
  AND NOT EXISTS (SELECT FROM api_keys k
                  WHERE k.revoked_at IS NULL AND 'gateway:' || gateway = ANY (k.scopes)
                    AND (k.installation OR k.organisation = o.id))
ORDER BY gateway, o.name;
