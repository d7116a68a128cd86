"""Every route with the scopes that open it, and what they are called with."""

from tests.http.site import volunteer_body

UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"
SCOPES = (
    "reports:write",
    "console:read",
    "console:act",
    "volunteers:write",
    "gateway:kannel",
    "gateway:other",
    "admin",
)
REPORTERS = {"reports:write", "admin"}
READERS = {"console:read", "console:act", "admin"}
ACTORS = {"console:act", "admin"}
ROSTER = {"volunteers:write", "admin"}
KANNEL = {"gateway:kannel"}
ROUTES: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/reports"): REPORTERS,
    ("GET", "/v1/reports/{report_id}"): REPORTERS | READERS,
    ("GET", "/v1/incidents"): READERS,
    ("GET", "/v1/incidents/{incident_id}"): READERS,
    ("GET", "/v1/incidents/{incident_id}/timeline"): READERS,
    ("POST", "/v1/incidents/{incident_id}/{what}"): ACTORS,
    ("GET", "/v1/escalations"): READERS,
    ("POST", "/v1/escalations/{escalation_id}/acknowledge"): ACTORS,
    ("POST", "/v1/escalations/{escalation_id}/settle"): ACTORS,
    ("POST", "/v1/offers/{offer_id}/answer"): ACTORS | KANNEL | {"gateway:other"},
    ("GET", "/v1/volunteers"): READERS,
    ("POST", "/v1/volunteers"): ROSTER,
    ("POST", "/v1/volunteers/import"): ROSTER,
    ("GET", "/v1/volunteers/{volunteer_id}/reasons"): READERS,
    ("PATCH", "/v1/volunteers/{volunteer_id}"): ROSTER,
    ("DELETE", "/v1/volunteers/{volunteer_id}"): ROSTER,
    ("PUT", "/v1/volunteers/{volunteer_id}/position"): ROSTER,
    ("GET", "/v1/lists"): READERS,
    ("GET", "/v1/lists/{name}"): READERS,
    ("PUT", "/v1/lists/{name}"): ROSTER,
    ("DELETE", "/v1/lists/{name}"): ROSTER,
    ("GET", "/v1/apart"): ROSTER,
    ("PUT", "/v1/volunteers/{volunteer_id}/apart/{other}"): ROSTER,
    ("DELETE", "/v1/volunteers/{volunteer_id}/apart/{other}"): ROSTER,
    ("GET", "/v1/muster-points"): READERS,
    ("PUT", "/v1/muster-points/{point}"): ROSTER,
    ("DELETE", "/v1/muster-points/{point}"): ROSTER,
    ("GET", "/v1/duty-contacts"): READERS,
    ("PUT", "/v1/duty-contacts"): ACTORS,
    ("POST", "/v1/pause"): ACTORS,
    ("POST", "/v1/resume"): ACTORS,
    ("GET", "/v1/gateways/{name}/inbound"): KANNEL,
    ("POST", "/v1/gateways/{name}/inbound"): KANNEL,
    ("GET", "/v1/gateways/{name}/receipts"): KANNEL,
    ("POST", "/v1/gateways/{name}/receipts"): KANNEL,
    ("GET", "/v1/stream"): READERS,
}
"""The scopes that open each route."""
KEYLESS = {
    ("GET", "/a/{token}"), ("POST", "/a/{token}"), ("GET", "/a/{token}/why"),
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"),
}  # fmt: skip
"""The routes without a key: a token in the path is one of its own kind."""
BODIES: dict[tuple[str, str], object] = {
    ("POST", "/v1/offers/{offer_id}/answer"): {"answer": "accepted"},
    ("POST", "/v1/volunteers"): volunteer_body(),
    ("PATCH", "/v1/volunteers/{volunteer_id}"): {"availability": "unavailable"},
    ("PUT", "/v1/volunteers/{volunteer_id}/position"): {"lat": 48, "lon": 2},
    ("PUT", "/v1/duty-contacts"): [],
    ("PUT", "/v1/lists/{name}"): {},
    ("PUT", "/v1/muster-points/{point}"): {"kind": "point", "lat": 48.5, "lon": 7.5},
}
IDS = ("report_id", "incident_id", "escalation_id", "offer_id", "volunteer_id")
REST = {"what": "abort", "name": "kannel", "other": UNKNOWN_ID, "point": "CIS Barr"}
"""What the other parameters of paths are called with."""
