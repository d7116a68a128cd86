-- template: read_rows
-- Returns the rows of a projection that belong to subjects, each subject's in order.
SELECT {columns} FROM {table} WHERE {subject} = ANY ($1::uuid[]) ORDER BY {order};

-- template: lock_rows
-- Locks the rows of a projection that belong to subjects, in order, and returns them.
SELECT {columns} FROM {table} WHERE {subject} = ANY ($1::uuid[]) ORDER BY {order} FOR NO KEY UPDATE;

-- template: lock_free_rows
-- Locks those of the rows that no other transaction holds, in order, and returns them.
SELECT {columns} FROM {table} WHERE {subject} = ANY ($1::uuid[]) ORDER BY {order} FOR NO KEY UPDATE SKIP LOCKED;

-- template: write_rows
-- Inserts rows of a projection or overwrites those with the same key, in the given order.
INSERT INTO {table} ({columns})
SELECT {values} FROM unnest({arrays}) AS r ({columns})
ON CONFLICT ({key}) DO UPDATE SET {changes};

-- template: clear_rows
-- Deletes rows of a projection by their keys.
DELETE FROM {table} t USING unnest({keys}) AS gone ({key})
WHERE {matches};

-- template: drop_rows
-- Empties a projection.
DELETE FROM {table};

-- template: lock_projections
-- Blocks every writer of the projections until the transaction ends; readers see the state before it.
LOCK TABLE {tables} IN EXCLUSIVE MODE;

-- name: write_plans
-- Stores each plan that is used; plans never change.
INSERT INTO plans (hash, name, body, first_used, generation)
SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::timestamptz[], $5::int[])
ON CONFLICT (hash) DO NOTHING;

-- name: read_plans
-- Returns plans by their hashes.
SELECT hash, body, generation FROM plans WHERE hash = ANY ($1::text[]);
