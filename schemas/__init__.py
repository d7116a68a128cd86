"""The language on the wire: models, topics and the envelope. No I/O, imports nothing of ours."""
