-- Messages that wait, as the sender looks for them: without the channel and recall it passed by all others that wait,
-- and looked at every message there ever was for those that no gateway serves.
CREATE INDEX messages_waiting ON messages (channel, recall, severity, due_at) WHERE status IN ('queued', 'leased');
DROP INDEX messages_to_send;
