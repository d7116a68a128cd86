-- Duty contacts answer pages by text. A text is bound to its sender by the number, and the journal names the contact by
-- reference: the name outlives the duty order here, as long as the retention table says.
CREATE INDEX duty_contacts_by_address ON duty_contacts (channel, address);

-- Personal.
CREATE TABLE acting_contacts (
    id           uuid PRIMARY KEY,
    organisation uuid NOT NULL REFERENCES organisations,
    name         text NOT NULL,
    acted_at     timestamptz NOT NULL
);
CREATE INDEX acting_contacts_expiry ON acting_contacts (acted_at);
