-- The oldest membership of each person keeps the person's id, which operators have stored; every other one gets its own.
-- No trigger has anything to do with that. Changes of rosters wait for the end, some seconds where there are 100,000 people,
-- and dispatch goes on.

LOCK TABLE memberships IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE memberships DISABLE TRIGGER USER;
UPDATE memberships m SET id = CASE WHEN ranked.place = 1 THEN m.volunteer_id ELSE gen_random_uuid() END
FROM (SELECT volunteer_id, organisation,
             row_number() OVER (PARTITION BY volunteer_id ORDER BY joined_at, organisation) AS place
      FROM memberships) AS ranked
WHERE m.id IS NULL AND ranked.volunteer_id = m.volunteer_id AND ranked.organisation = m.organisation;
ALTER TABLE memberships ENABLE TRIGGER USER;

-- No two organisations know a person by one id.
CREATE UNIQUE INDEX memberships_id ON memberships (id);
CREATE INDEX memberships_of_organisation ON memberships (organisation, id);

CREATE FUNCTION keep_member_ids() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_memberships (id, organisation, volunteer_id, joined_at)
    SELECT id, organisation, volunteer_id, joined_at FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER kept_deleted AFTER DELETE ON memberships REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION keep_member_ids();

ALTER TABLE memberships ALTER COLUMN id SET NOT NULL;
