-- What `incident.opened.v2` says beside its plan. Processes of the previous release go on writing the old columns
-- only: two triggers fill in the new ones for them, from the plan, as the upcast of `incident.opened.v1` does.
-- This locks the tables for a moment; 0021 fills in the rows that exist, without such a lock.

-- The generation of the version that stored a plan: an older one that cannot read it leaves its incidents alone.
ALTER TABLE plans ADD COLUMN generation int NOT NULL DEFAULT 1;
ALTER TABLE incidents ADD COLUMN engagement text CHECK (engagement IN ('dispatch', 'crew', 'notice'));
ALTER TABLE seats ADD COLUMN all_skills text[], ADD COLUMN any_skills text[], ADD COLUMN min_age int;

CREATE FUNCTION engagement_of(plan text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (body ->> 'informs')::bool THEN 'notice' WHEN (body ->> 'crew')::bool THEN 'crew' ELSE 'dispatch' END
    FROM plans WHERE hash = plan
$$;

CREATE FUNCTION min_age_of(incident uuid) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT coalesce((p.body -> 'search' ->> 'min_age')::int, 18)
    FROM incidents i JOIN plans p ON p.hash = i.plan_hash WHERE i.id = incident
$$;

CREATE FUNCTION fill_engagement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.engagement := engagement_of(NEW.plan_hash);
    RETURN NEW;
END $$;
CREATE TRIGGER engagement_for_older_writers BEFORE INSERT ON incidents
    FOR EACH ROW WHEN (NEW.engagement IS NULL) EXECUTE FUNCTION fill_engagement();

CREATE FUNCTION fill_seat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.all_skills := ARRAY[NEW.skill];
    NEW.any_skills := '{}';
    NEW.min_age := min_age_of(NEW.incident_id);
    RETURN NEW;
END $$;
CREATE TRIGGER skills_for_older_writers BEFORE INSERT ON seats
    FOR EACH ROW WHEN (NEW.all_skills IS NULL) EXECUTE FUNCTION fill_seat();
