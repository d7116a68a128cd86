-- Stations and other named places where people gather, and the station of a member. Processes of release 0.1.0 read and
-- write none of this. Each table is locked for a moment: no row has a station yet.
CREATE TABLE muster_points (
    id           uuid PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisations,
    kind         text NOT NULL CHECK (kind IN ('station', 'point')),
    -- `scene` and `station` are words of plans.
    name         text NOT NULL CHECK (lower(name) NOT IN ('scene', 'station')),
    lat          double precision NOT NULL,
    lon          double precision NOT NULL,
    UNIQUE (organisation, name),
    UNIQUE (organisation, id)
);
ALTER TABLE memberships
    ADD COLUMN station uuid,
    ADD FOREIGN KEY (organisation, station) REFERENCES muster_points (organisation, id) ON DELETE SET NULL (station);
CREATE INDEX memberships_by_station ON memberships (organisation, station) WHERE station IS NOT NULL;

ALTER TABLE incidents ADD COLUMN musters jsonb;
ALTER TABLE offers ADD COLUMN muster text;
