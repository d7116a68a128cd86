-- Counts the offers of the incidents that existed before 0027: of the ended first, which nobody writes any more; the others
-- are locked last, for a moment, and in the order of all writers.
UPDATE incidents i SET counted_seq = i.seq, offers_made = (SELECT count(*) FROM offers o WHERE o.incident_id = i.id)
WHERE i.ended_at IS NOT NULL AND i.counted_seq IS NULL;

SELECT FROM incidents WHERE counted_seq IS NULL ORDER BY id FOR NO KEY UPDATE;
UPDATE incidents i SET counted_seq = i.seq, offers_made = (SELECT count(*) FROM offers o WHERE o.incident_id = i.id)
WHERE i.counted_seq IS NULL;
