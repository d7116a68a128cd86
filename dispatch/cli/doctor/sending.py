"""`dispatch doctor` on sending: the organisations and channels for which nothing leaves, and what to do."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import elapsed
from dispatch.storage.outages import EVERY, OutageRow

HELD_BACK = "No offer is made meanwhile; asking resumes by itself."
NOTHING_TRIED = "does Kafka answer, and do processes with the roles relay and notifications run?"
GATEWAY_FAILS = "does the gateway answer, and is it configured?"


def examine(outages: Sequence[OutageRow], now: datetime) -> Iterator[Finding]:
    """Report each organisation and channel for which nothing can be sent."""
    if not outages:
        yield Finding("sending", "ok", "no channel is known to fail")
    for one in outages:
        channel = "on any channel" if one.channel == EVERY else f"by {one.channel}"
        advice = NOTHING_TRIED if one.channel == EVERY else GATEWAY_FAILS
        yield Finding(
            f"sending for {one.organisation}",
            "fail",
            f"nothing is sent {channel} for {elapsed(now - one.since)} ({one.reason}): {advice} {HELD_BACK}",
        )
