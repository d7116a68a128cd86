-- The indexes that statements lacked once much had happened.

-- What hangs on an incident is read whenever it is locked, what is over included.
CREATE INDEX assignments_by_incident ON assignments (incident_id);
CREATE INDEX escalations_by_subject ON escalations (subject_id);
CREATE INDEX reports_by_incident ON reports (incident_id) WHERE incident_id IS NOT NULL;
-- Whether an offer was answered at all.
CREATE INDEX replies_by_offer ON replies (offer_id);
