"""`dispatch doctor` on the organisations: who is on duty, whose messages fail, and whether offers are paused."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dispatch.cli.doctor.finding import Finding
from dispatch.cli.output import counted

Row = Mapping[str, Any]


def examine(organisations: Iterable[Row]) -> Iterator[Finding]:
    """Check each organisation, as `organisations.listed` returns them."""
    nobody = True
    for row in organisations:
        nobody = False
        yield _duty(row)
        if row["failing"] or row["duty_failing"]:
            yield _contacts(row)
        if row["paused_at"]:
            yield Finding(f"offers of {row['name']}", "warn", "paused: dispatch resume")
    if nobody:
        yield Finding("organisations", "warn", "none yet: dispatch organisations create NAME")


def _contacts(row: Row) -> Finding:
    """Report those to whom messages are not delivered: a failure where a supervisor is among them."""
    detail = (
        f"messages do not arrive at {counted(row['failing'], 'volunteer')} and "
        f"{counted(row['duty_failing'], 'supervisor')}: correct their numbers; dispatch volunteers list names them"
    )
    return Finding(f"contacts of {row['name']}", "fail" if row["duty_failing"] else "warn", detail)


def _duty(row: Row) -> Finding:
    what = f"duty of {row['name']}"
    if row["duty"]:
        return Finding(what, "ok", f"{counted(row['duty'], 'supervisor')} in the duty order")
    if row["alarm_phone"]:
        detail = "nobody is on duty, only the alarm phone is paged: dispatch duty set --contact 'Name:+33…'"
    else:
        detail = (
            "nobody would be notified: dispatch duty set --contact 'Name:+33…', and name a phone for the time without "
            "anybody: dispatch organisations set --alarm-phone +33…"
        )
    return Finding(what, "fail", detail)
