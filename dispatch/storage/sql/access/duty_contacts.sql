-- name: contacts_with_addresses
-- Returns the duty contacts of an organisation, or of all where it is null, who have one of some addresses on a channel: one in
-- each organisation, with their place in its duty order and the number of the others in it; an alarm phone is a contact under
-- its organisation's id, where none has its number.
SELECT d.id, d.organisation, d.address,
       (SELECT count(*) FROM duty_contacts o WHERE o.organisation = d.organisation AND o.turn < d.turn) AS place,
       (SELECT count(*) - 1 FROM duty_contacts o WHERE o.organisation = d.organisation) AS others
FROM duty_contacts d
WHERE d.channel = $1 AND d.address = ANY ($2::text[]) AND ($3::uuid IS NULL OR d.organisation = $3)
UNION ALL
SELECT o.id, o.id, o.alarm_phone, 0, (SELECT count(*) FROM duty_contacts d WHERE d.organisation = o.id)
FROM organisations o
WHERE $1 = 'sms' AND o.alarm_phone = ANY ($2::text[]) AND ($3::uuid IS NULL OR o.id = $3)
  AND NOT EXISTS (SELECT FROM duty_contacts d WHERE d.organisation = o.id AND d.address = o.alarm_phone)
ORDER BY organisation, id;

-- name: record_acting_contact
-- Stores the name under which a duty contact acted, so that it outlives the duty order.
INSERT INTO acting_contacts (id, organisation, name, acted_at)
SELECT id, organisation, name, $2 FROM duty_contacts WHERE id = $1
ON CONFLICT (id) DO UPDATE SET name = excluded.name, acted_at = excluded.acted_at;

-- name: contact_names
-- Returns the names of duty contacts, those who acted and have left the duty order among them; an alarm phone has its
-- organisation's.
SELECT id, name FROM duty_contacts WHERE id = ANY ($1::uuid[])
UNION
SELECT id, name FROM organisations WHERE id = ANY ($1::uuid[])
UNION
SELECT id, name FROM acting_contacts a
WHERE id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM duty_contacts d WHERE d.id = a.id);
