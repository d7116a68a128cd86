"""Random runs: whatever is reported, answered, commanded, delayed, repeated or lost, the rules hold.

Each run has an organisation of its own, six volunteers, a clock that only the run moves, and no Kafka: the events of
the journal are delivered to the product's consumers, in order for each key, with every other fault that Kafka allows
(`bus`). Hypothesis writes the script, some reports and up to thirty commands (`commands`): answers, texts, acts,
updates, time, deliveries that are cut, reordered, repeated or lost before their commit, gateways in all moods, senders
that die. The events of each transaction are applied to a small model that shares no code with the domain, and checked
against its rules (`model`, `event_rules`); each text is checked when it is sent (`phones`). At the end everything is
delivered and time passes (`final_checks`): nothing is pending or stuck, the tables agree with the journal, and a
redelivery of everything changes nothing.

    pytest tests/random --hypothesis-seed=1          the same runs again
    DISPATCH_RANDOM_RUNS=1500 pytest tests/random    so many runs of each scene

A failure prints its script, made as short as it can be. It is a list of commands: copied into a test of
`test_random.py` it is played again, and for ever:

    await play(runs, Report("rescue.lift"), Deliver(), Reply(answer="danger"), Deliver("replies", fate="forgotten"))
"""
