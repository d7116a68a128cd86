-- template: read_rows
-- Returns the rows of a projection that belong to subjects, each subject's in order.
SELECT {columns} FROM {table} WHERE {subject} = ANY ($1::uuid[]) ORDER BY {order};

-- template: lock_rows
-- Locks the rows of a projection that belong to subjects, in order, and returns them.
SELECT {columns} FROM {table} WHERE {subject} = ANY ($1::uuid[]) ORDER BY {order} FOR NO KEY UPDATE;

-- template: lock_free_rows
-- Locks those of the rows that no other transaction holds, in order, and returns them.
SELECT {columns} FROM {table} WHERE {subject} = ANY ($1::uuid[]) ORDER BY {order} FOR NO KEY UPDATE SKIP LOCKED;

-- template: read_unsettled_offers
-- Returns the offers of incidents that wait for an answer or a seat, and the named offers ($2) of any incident, each one's in
-- order.
SELECT {columns} FROM {table} WHERE incident_id = ANY ($1::uuid[]) AND status IN ('extended', 'waitlisted')
UNION ALL
SELECT {columns} FROM {table} WHERE id = ANY ($2::uuid[])
    AND NOT (incident_id = ANY ($1::uuid[]) AND status IN ('extended', 'waitlisted'))
ORDER BY {order};

-- template: read_unsettled_assignments
-- Returns the assignments that hold the seats of incidents, and those of named offers ($2), each incident's in order.
WITH wanted (id) AS (
    SELECT assignment_id FROM seats WHERE incident_id = ANY ($1::uuid[]) AND assignment_id IS NOT NULL
    UNION
    SELECT id FROM {table} WHERE offer_id = ANY ($2::uuid[])
)
SELECT {columns} FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM wanted)) ORDER BY {order};

-- template: write_rows
-- Inserts rows in the given order; a row with the same key is overwritten, or stays where rows are immutable.
INSERT INTO {table} ({columns})
SELECT {values} FROM unnest({arrays}) AS r ({columns})
ON CONFLICT ({key}) DO {on_conflict};

-- template: clear_rows
-- Deletes rows of a projection by their keys.
DELETE FROM {table} t USING unnest({keys}) AS gone ({key})
WHERE {matches};

-- template: part_of_changes
-- A statement on one table, as a part of `write_changes`.
"{template}_of_{table}" AS ({statement})

-- template: write_changes
-- Runs statements on several tables as one; Postgres promises no order among them.
WITH {parts} SELECT;

-- template: drop_rows
-- Empties a projection.
DELETE FROM {table};

-- template: lock_projections
-- Blocks every writer of the projections until the transaction ends; readers see the state before it.
LOCK TABLE {tables} IN EXCLUSIVE MODE;

-- name: read_plans
-- Returns plans by their hashes.
SELECT hash, body, generation FROM plans WHERE hash = ANY ($1::text[]);
