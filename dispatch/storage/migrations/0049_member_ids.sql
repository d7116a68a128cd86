-- An organisation names a person by the id of its own membership, never by the person's: two organisations that compare ids learn
-- nothing, and who leaves and joins again has a new id, whether or not another organisation has the person too.
-- Processes of 0.1.0 insert memberships without an id, and go on to name people by their own.
-- This locks the table for a moment; 0050 gives the present memberships their ids.

ALTER TABLE memberships ADD COLUMN id uuid;
ALTER TABLE memberships ALTER COLUMN id SET DEFAULT gen_random_uuid();

-- Memberships that were deleted: what happened while they lasted names the person by their ids for ever.
CREATE TABLE former_memberships (
    id           uuid PRIMARY KEY,
    organisation uuid NOT NULL,
    volunteer_id uuid NOT NULL,
    joined_at    timestamptz NOT NULL
);
CREATE INDEX former_memberships_of_person ON former_memberships (volunteer_id, organisation);

-- One row. Of memberships that were deleted before this, no id is known: one is derived with this secret.
CREATE TABLE member_secret (secret uuid NOT NULL);
INSERT INTO member_secret VALUES (gen_random_uuid());
