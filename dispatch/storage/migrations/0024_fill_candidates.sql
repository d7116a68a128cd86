-- Fills the table that 0023 created, from one snapshot. Dispatch goes on meanwhile, and does not see these rows yet. What
-- changes a roster waits for the row of the person, if it is here already: some seconds where there are 100,000 people.
INSERT INTO candidates (
    volunteer_id, organisation, at, tracked, birth_date, skills, availability, consent, left_at, stopped_at, rested_at,
    urgent_offer, planned_offer, drill_offer, urgent_assignment, planned_assignment, drill_assignment, urgent_asked,
    planned_asked, drill_asked
)
SELECT * FROM candidate_facts
ON CONFLICT DO NOTHING;
