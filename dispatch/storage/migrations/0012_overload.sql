-- What tells that more comes in than is worked.

-- Accepted, and no incident yet: few rows, or there is a backlog.
CREATE INDEX reports_on_their_way ON reports (received_at) WHERE incident_id IS NULL;

-- What waits for its turn, and since when: reports, and incidents to be considered. What a pause keeps is no backlog.
CREATE VIEW backlog AS
SELECT organisation, received_at AS since FROM reports WHERE incident_id IS NULL
UNION ALL
SELECT a.organisation, a.due_at FROM agenda a
WHERE a.kind = 'consider'
  AND NOT EXISTS (SELECT FROM organisations o WHERE o.id = a.organisation AND o.paused_at IS NOT NULL);
