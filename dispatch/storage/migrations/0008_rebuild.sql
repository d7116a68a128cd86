-- A rebuild writes every incident anew while the rounds, which are no projection, stay where they are.
ALTER TABLE rounds ALTER CONSTRAINT rounds_incident_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
