-- Each organisation keeps what was known of its members. No candidate row changes by it, so none is computed anew; changes
-- of rosters wait for the end, some seconds where there are 100,000 people, and dispatch goes on.
ALTER TABLE memberships DISABLE TRIGGER candidates_updated;
UPDATE memberships m
SET name = coalesce(m.name, p.name), birth_date = coalesce(m.birth_date, p.birth_date), stopped_at = v.stopped_at
FROM volunteers v LEFT JOIN people p ON p.volunteer_id = v.id
WHERE v.id = m.volunteer_id;
ALTER TABLE memberships ENABLE TRIGGER candidates_updated;

UPDATE volunteers SET stopped_everywhere_at = stopped_at WHERE stopped_at IS NOT NULL;

INSERT INTO member_positions (organisation, volunteer_id, kind, at, lat, lon, recorded_at)
SELECT m.organisation, p.volunteer_id, p.kind, p.at, p.lat, p.lon, p.recorded_at
FROM memberships m JOIN positions p ON p.volunteer_id = m.volunteer_id
ON CONFLICT DO NOTHING;
CREATE INDEX member_positions_live ON member_positions USING gist (at) WHERE kind = 'live';
