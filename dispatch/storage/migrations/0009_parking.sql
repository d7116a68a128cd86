-- The same bytes are parked once by each consumer, however often they are delivered: their id no longer says so.
CREATE UNIQUE INDEX parking_once ON parking (
    consumer, source_topic,
    sha256(int4send(octet_length(COALESCE(key, ''))) || COALESCE(key, '')
        || int4send(octet_length(headers)) || headers || COALESCE(body, ''))
);
