-- The incidents that run, by lane: each look at the numbers read every incident there ever was.
CREATE INDEX incidents_running ON incidents (lane) WHERE ended_at IS NULL;
