-- Computes anew the rows whose sources changed while 0024 read them. It locks no other row.
SELECT refresh_candidates(ARRAY(
    SELECT DISTINCT f.volunteer_id FROM candidate_facts f
    LEFT JOIN candidates c ON c.volunteer_id = f.volunteer_id AND c.organisation = f.organisation
    WHERE EXISTS (SELECT FROM jsonb_each(to_jsonb(f)) AS fact WHERE to_jsonb(c) -> fact.key IS DISTINCT FROM fact.value)
));
