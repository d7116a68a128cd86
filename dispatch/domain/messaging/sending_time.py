"""When a text was sent, as far as its gateway reports that: it orders texts, and never makes an answer in time."""

from datetime import datetime, timedelta

MOST_AHEAD = timedelta(minutes=1)
"""How far the clock of a network may be ahead of ours."""
OLDEST = timedelta(days=1)
"""The age from which on a sending time is taken for that of a clock that was never set."""
TRUSTED_DELAY = timedelta(minutes=55)
"""The longest delay that is believed where a sending time is compared with our own clock.

A gateway in the wrong time zone is off by an hour or more: its times still order the texts that came through it, and
prove nothing about what happened here meanwhile.
"""


def plausible(sent_at: datetime | None, received_at: datetime) -> datetime | None:
    """Return the sending time of a text, or None where it lies in the future or is absurdly old."""
    if sent_at is None or not received_at - OLDEST <= sent_at <= received_at + MOST_AHEAD:
        return None
    return sent_at


def said_at(sent_at: datetime | None, received_at: datetime) -> datetime:
    """Return when a person gave an answer, on our clock: the time of its receipt unless the sending time is trusted."""
    if sent_at is None or sent_at < received_at - TRUSTED_DELAY:
        return received_at
    return min(sent_at, received_at)
