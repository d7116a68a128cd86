-- Waves and rounds of offers, the waiting list of a broadcast, and the share of people expected to accept. Processes of the
-- previous release read and write none of these columns. This locks each table for a moment: each row satisfies the new
-- constraint, since it satisfied the old one.

ALTER TABLE incidents ADD COLUMN round_at timestamptz, ADD COLUMN round_from int NOT NULL DEFAULT 0,
    ADD COLUMN acceptance float8;
ALTER TABLE offers ADD COLUMN waiting_since timestamptz, ADD COLUMN waiting_by text;
ALTER TABLE offers DROP CONSTRAINT offers_status_check;
ALTER TABLE offers ADD CONSTRAINT offers_status_check
    CHECK (status IN ('extended', 'accepted', 'declined', 'expired', 'withdrawn', 'waitlisted')) NOT VALID;

-- The place of an offer on the waiting list of its role; null where it is not on one.
CREATE FUNCTION waiting_place(o offers) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN o.status = 'waitlisted' THEN
        (SELECT count(*) FROM offers w
         WHERE w.incident_id = o.incident_id AND w.status = 'waitlisted' AND w.role = o.role
           AND (w.waiting_since, w.id) <= (o.waiting_since, o.id)) END
$$;
