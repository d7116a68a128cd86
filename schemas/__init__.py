"""The wire format: models, topics and the envelope. No I/O; imports no other package of Renfort."""
