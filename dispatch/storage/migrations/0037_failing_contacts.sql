-- Since when messages to an address are not delivered; null once one is.
ALTER TABLE addresses ADD COLUMN failing_since timestamptz;
CREATE INDEX addresses_failing ON addresses (volunteer_id) WHERE failing_since IS NOT NULL;
ALTER TABLE duty_contacts ADD COLUMN failing_since timestamptz;
