"""Places: coordinates, the service area, and where something is in words."""
