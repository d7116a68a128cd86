-- The offers of an incident that wait for an answer are found among all that are settled. This blocks the writers of offers
-- until the index is built.
CREATE INDEX offers_by_incident_and_status ON offers (incident_id, status);
