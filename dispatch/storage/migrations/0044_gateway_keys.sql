-- Keys of gateways that serve the whole installation, and the organisation whose gateway brought a text.
-- Processes of the previous release read and write neither column: a key that they create serves one organisation here.

ALTER TABLE api_keys ADD COLUMN installation boolean NOT NULL DEFAULT false;
-- Every gateway's key has brought texts and receipts for all organisations: it goes on to.
UPDATE api_keys SET installation = true WHERE EXISTS (SELECT FROM unnest(scopes) AS scope WHERE scope LIKE 'gateway:%');

-- Null where the gateway of the whole installation brought the text.
ALTER TABLE inbound_texts ADD COLUMN organisation uuid;
