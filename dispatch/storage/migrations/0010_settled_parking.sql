-- What became of what was parked, who decided it and why; its bytes are erased then, since they may be personal.

CREATE FUNCTION parking_digest(key bytea, headers bytea, body bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(int4send(octet_length(COALESCE(key, ''))) || COALESCE(key, '')
                  || int4send(octet_length(headers)) || headers || COALESCE(body, ''))
$$;

ALTER TABLE parking
    ADD COLUMN digest bytea,
    ADD COLUMN outcome text CHECK (outcome IN ('retried', 'discarded')),
    ADD COLUMN settled_by text,
    ADD COLUMN because text;
UPDATE parking SET digest = parking_digest(key, headers, body);
ALTER TABLE parking ALTER COLUMN digest SET NOT NULL;

-- The same bytes are parked once by each consumer, however often they are delivered, and also when they are erased here.
DROP INDEX parking_once;
CREATE UNIQUE INDEX parking_once ON parking (consumer, source_topic, digest);
