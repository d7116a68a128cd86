-- When missions should have ended, since when their responders are asked about that, and since when a responder is in reserve
-- who did not leave or arrive in time. What was opened before has no end: nothing asks or pages about it by the clock, so that
-- an upgrade pages nobody about all of it at once. Processes of the previous release read and write none of these columns.
ALTER TABLE incidents ADD COLUMN should_end_at timestamptz, ADD COLUMN overdue_at timestamptz;
ALTER TABLE assignments ADD COLUMN reserved_at timestamptz;
