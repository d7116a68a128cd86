-- The page in whose text another page was counted. Processes of the previous release send each page in a text of its own.
ALTER TABLE messages ADD COLUMN carried_by uuid;
-- No row has a value yet.
CREATE INDEX messages_carried ON messages (carried_by) WHERE carried_by IS NOT NULL;
