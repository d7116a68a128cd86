-- How incidents ended. Processes of the previous release write no outcome, and their events have none either.
ALTER TABLE incidents ADD COLUMN outcome text;
