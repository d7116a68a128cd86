-- Texts: the gateway's own id, so that a modem that counts from 1 again sends new texts; when they were sent; and, where
-- the sender is not known for certain, every number that it may be. Answers: when they were sent, and the reason of a no.
-- Assignments: until when a doubtful answer may be confirmed. Processes of the previous release write none of these.

ALTER TABLE inbound_texts ADD COLUMN provider_id text, ADD COLUMN sent_at timestamptz, ADD COLUMN readings text[];
CREATE INDEX inbound_texts_by_sender ON inbound_texts (sender, received_at);
ALTER TABLE replies ADD COLUMN IF NOT EXISTS sent_at timestamptz, ADD COLUMN IF NOT EXISTS reason text;
ALTER TABLE assignments ADD COLUMN doubted_until timestamptz;
