-- The reasons of a round for everybody nearer than the farthest pick, packed, and the others' numbers by their gates.
-- Each of `passed` has 24 bytes: the id, the metres, the gates. `beyond` is {"gates": [[gates, people]], "complete": true}.
-- Processes of the previous release store `passed_over`, and read none in the rounds of their successors.
ALTER TABLE rounds ADD COLUMN passed bytea, ADD COLUMN beyond jsonb, ALTER COLUMN passed_over SET DEFAULT '[]';
-- Hardly compressible, and read for one incident at a time.
ALTER TABLE rounds ALTER COLUMN passed SET STORAGE EXTERNAL;

-- The metres on the ground between a projected place and a centre, whose squared radii of curvature are given, in
-- equatorial radii (`curvature` in Python). A single expression, which Postgres writes into the query.
CREATE FUNCTION ground_metres(at point, x float8, y float8, east float8, north float8) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
    SELECT sqrt((at[0] - x) * (at[0] - x) * east + (at[1] - y) * (at[1] - y) * north) / cosh((at[1] + y) / 12756274)
$$;
