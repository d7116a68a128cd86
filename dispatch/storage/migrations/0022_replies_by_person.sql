-- Answers of one person are applied in the order of their receipt, whichever incident they are for.
CREATE INDEX replies_unprocessed_by_person ON replies (volunteer_id) WHERE processed_at IS NULL;
