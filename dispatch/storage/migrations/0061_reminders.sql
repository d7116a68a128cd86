-- When a responder was last reminded of a window. Processes of the previous release read and write no such column.
ALTER TABLE assignments ADD COLUMN reminded_at timestamptz;
