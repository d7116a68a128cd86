-- The index of 0029 serves its readers.
DROP INDEX offers_by_incident;
