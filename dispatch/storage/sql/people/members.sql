-- name: people_of_members
-- Returns the people whom an organisation's present members are.
SELECT id, volunteer_id FROM memberships WHERE organisation = $1 AND id = ANY ($2::uuid[]) AND left_at IS NULL;

-- name: memberships_of_people
-- Returns the memberships of people in an organisation, former ones too and without name, in the order in which they began; `unknown`
-- is the id of a person for the time before. No row for those who are no volunteers.
SELECT v.id AS volunteer_id, m.id, m.joined_at, m.name,
       left(encode(sha256(convert_to(concat_ws(':', s.secret, $1::uuid, v.id), 'UTF8')), 'hex'), 32)::uuid AS unknown
FROM volunteers v
CROSS JOIN member_secret s
LEFT JOIN LATERAL (
    SELECT id, joined_at, name FROM memberships WHERE volunteer_id = v.id AND organisation = $1
    UNION ALL
    SELECT id, joined_at, NULL FROM former_memberships WHERE volunteer_id = v.id AND organisation = $1
) AS m ON true
WHERE v.id = ANY ($2::uuid[])
ORDER BY v.id, m.joined_at;
