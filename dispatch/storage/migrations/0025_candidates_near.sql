-- The indexes of the search. Processes of the previous release, which search all positions, have none until they are
-- replaced: each of their searches reads the whole table.
-- The lock on `candidates` waits for every transaction that marked a row before it could see those of 0024.
CREATE INDEX positions_live ON positions USING gist (at) WHERE kind = 'live';
CREATE INDEX candidates_near ON candidates USING gist (at);
DROP INDEX positions_near;
