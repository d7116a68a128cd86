-- What is severe leaves before what can wait. Whatever one key has waiting is of one rank, so that its order holds.
ALTER TABLE outbox ADD COLUMN rank smallint NOT NULL DEFAULT 1;
CREATE INDEX outbox_by_rank ON outbox (rank, id);
