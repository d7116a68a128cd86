-- name: next_members
-- Returns the next $2 people on any roster in the order of their ids, after id $1.
SELECT DISTINCT volunteer_id FROM memberships WHERE volunteer_id > $1 ORDER BY volunteer_id LIMIT $2;

-- name: differing_candidates
-- Returns the candidate rows of people that are missing or differ from their sources, with the names of the columns.
SELECT f.volunteer_id, f.organisation, d.columns
FROM candidate_facts f
LEFT JOIN candidates c ON c.volunteer_id = f.volunteer_id AND c.organisation = f.organisation
CROSS JOIN LATERAL (SELECT array_agg(fact.key ORDER BY fact.key) AS columns FROM jsonb_each(to_jsonb(f)) AS fact
                    WHERE to_jsonb(c) -> fact.key IS DISTINCT FROM fact.value) AS d
WHERE f.volunteer_id = ANY ($1::uuid[]) AND d.columns IS NOT NULL
ORDER BY f.volunteer_id, f.organisation;

-- name: refresh_candidates
-- Computes the candidate rows of people anew and writes those that differ.
SELECT refresh_candidates($1::uuid[]);

-- name: refresh_all_candidates
-- Computes the candidate rows of everybody anew and writes those that differ.
SELECT refresh_candidates(ARRAY(SELECT DISTINCT volunteer_id FROM memberships));
