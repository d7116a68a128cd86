"""The demo: real emergency calls, fictitious volunteers, simulated phones."""
