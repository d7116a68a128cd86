"""Times as people write them: with an offset, or local to a zone in which clocks go forward and back."""

from datetime import UTC, datetime, tzinfo

from dispatch.services.core.errors import InvalidError

FIELD = "occurred_at"
MAPPED = "; a map can say another form with `time_format`"


def read_time(
    text: str, zone: tzinfo | None, pattern: str | None, field: str = FIELD, cure: str = MAPPED
) -> datetime:
    """Return a time in its zone; raises InvalidError for one that is none, or that the clocks of the zone skip.

    Of a time that comes twice, when the clocks go back, the first is meant; `comes_twice` tells.
    """
    try:
        moment = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007 - below
    except ValueError:
        form = f"in the form {pattern}" if pattern else "as 2026-11-22T20:05:00+01:00"
        raise InvalidError(field, f"not a time {form}{'' if pattern else cure}") from None
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise InvalidError(field, "a time without its zone: add the offset, or `time_zone` to the map")
    local = moment.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise InvalidError(field, f"no such time: the clocks of {zone} skip it")
    return local


def comes_twice(moment: datetime) -> bool:
    """Return whether the same local time comes again, because the clocks go back."""
    return moment.utcoffset() != moment.replace(fold=1).utcoffset()
