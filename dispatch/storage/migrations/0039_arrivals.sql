-- When volunteers say that they arrive, the seats added for those who are too late, and which incidents a text is about.
-- Processes of the previous release read and write none of these columns. This locks each table for a moment.

ALTER TABLE replies ADD COLUMN eta_at timestamptz;
ALTER TABLE assignments ADD COLUMN eta_at timestamptz;
ALTER TABLE seats ADD COLUMN added boolean NOT NULL DEFAULT false;
ALTER TABLE inbound_texts ADD COLUMN volunteer_id uuid, ADD COLUMN incident_ids uuid[];
-- No row has a value yet: the index is built at once.
CREATE INDEX inbound_texts_by_incident ON inbound_texts USING gin (incident_ids) WHERE incident_ids IS NOT NULL;
