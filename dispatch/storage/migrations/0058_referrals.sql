-- The offers that steps keep open beyond the plan's. Processes of the previous release neither read nor write it.
ALTER TABLE incidents ADD COLUMN more_open int NOT NULL DEFAULT 0;
