-- What a crash left open, and the ways in which messages are looked up.

-- The process that held the message died, or the gateway did not answer: the phone may have it, and may get it twice.
ALTER TABLE messages ADD COLUMN in_doubt boolean NOT NULL DEFAULT false;
CREATE INDEX messages_by_offer ON messages (offer_id) WHERE offer_id IS NOT NULL;
CREATE INDEX messages_by_recipient ON messages (recipient_id, created_at);
