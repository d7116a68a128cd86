-- How many offers an incident has made, so that no process reads those that are settled in order to count them: valid
-- after the event `counted_seq`. Processes of the previous release write neither column: a trigger, which runs at the end
-- of their transactions only, counts for them. This locks the table for a moment; 0028 fills in the rows that exist.
ALTER TABLE incidents ADD COLUMN offers_made int, ADD COLUMN counted_seq int;

CREATE FUNCTION count_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE incidents i
    SET counted_seq = i.seq, offers_made = (SELECT count(*) FROM offers o WHERE o.incident_id = i.id)
    WHERE i.id = NEW.id AND i.counted_seq IS DISTINCT FROM i.seq;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER offers_counted_for_older_writers AFTER INSERT OR UPDATE ON incidents
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.counted_seq IS DISTINCT FROM NEW.seq)
    EXECUTE FUNCTION count_offers();
