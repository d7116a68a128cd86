-- Fills in what 0019 added, in the rows that existed before it. Processes of the previous release go on meanwhile: the
-- rows of ended incidents, which are many and which nobody writes any more, come first. The others are locked last, for
-- a moment, and in the order of all writers: incidents by id, then what belongs to them.
CREATE TEMPORARY TABLE known_plans ON COMMIT DROP AS
SELECT hash, engagement_of(hash) AS engagement, coalesce((body -> 'search' ->> 'min_age')::int, 18) AS min_age FROM plans;

UPDATE incidents i SET engagement = p.engagement FROM known_plans p
WHERE p.hash = i.plan_hash AND i.ended_at IS NOT NULL AND i.engagement IS NULL;
UPDATE seats s SET all_skills = ARRAY[s.skill], any_skills = '{}', min_age = p.min_age
FROM incidents i JOIN known_plans p ON p.hash = i.plan_hash
WHERE i.id = s.incident_id AND i.ended_at IS NOT NULL AND s.all_skills IS NULL;

SELECT FROM incidents WHERE ended_at IS NULL OR engagement IS NULL ORDER BY id FOR NO KEY UPDATE;
UPDATE incidents SET engagement = engagement_of(plan_hash) WHERE engagement IS NULL;
UPDATE seats SET all_skills = ARRAY[skill], any_skills = '{}', min_age = min_age_of(incident_id)
WHERE all_skills IS NULL;
