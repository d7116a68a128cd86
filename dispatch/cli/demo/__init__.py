"""The main job as a demo: real calls, made-up volunteers, simulated phones."""
