-- When people are needed where not now, and the time zone in which an incident keeps its quiet hours. Processes of the
-- previous release read and write none of these columns.
ALTER TABLE incidents ADD COLUMN starts_at timestamptz, ADD COLUMN ends_at timestamptz, ADD COLUMN zone text;
