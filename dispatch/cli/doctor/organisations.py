"""`dispatch doctor` on the organisations: who is on duty, whose messages fail, and whether offers are paused."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from dispatch.cli.doctor.finding import Finding
from dispatch.domain.counting import counted

Row = Mapping[str, Any]
MOST_AN_HOUR = 15
"""Ten in the first ten minutes of an upset, then one in ten minutes (EEMUA 191)."""


def examine(organisations: Iterable[Row]) -> Iterator[Finding]:
    """Check each organisation, as `organisations.listed` returns them."""
    nobody = True
    for row in organisations:
        nobody = False
        yield _duty(row)
        if row["failing"] or row["duty_failing"]:
            yield _contacts(row)
        if row["paused_at"]:
            yield Finding(
                f"offers of {row['name']}", "warn", f"paused: dispatch resume --organisation '{row['name']}'"
            )
    if nobody:
        yield Finding("organisations", "warn", "none yet: dispatch organisations create NAME")


def paging(rates: Iterable[Row]) -> Iterator[Finding]:
    """Report how many pages each duty contact was texted, as `page_rates` returns them."""
    for organisation, rows in groupby(rates, key=itemgetter("organisation")):
        contacts = list(rows)
        told = (f"{one['contact']} {one['ten_minutes']} / {one['hour']}" for one in contacts)
        detail = f"texts in the last 10 minutes / hour: {', '.join(told)}"
        busy = max(one["hour"] for one in contacts) > MOST_AN_HOUR
        advice = (
            "; more than one person can act on: put more people on duty, dispatch duty set" if busy else ""
        )
        yield Finding(f"pages of {organisation}", "warn" if busy else "ok", detail + advice)


def _contacts(row: Row) -> Finding:
    """Report those to whom messages are not delivered: a failure where a supervisor is among them."""
    detail = (
        f"messages do not arrive at {counted(row['failing'], 'volunteer')} and "
        f"{counted(row['duty_failing'], 'supervisor')}: correct their numbers; dispatch volunteers list names them"
    )
    return Finding(f"contacts of {row['name']}", "fail" if row["duty_failing"] else "warn", detail)


def _duty(row: Row) -> Finding:
    what, name = f"duty of {row['name']}", f"--organisation '{row['name']}'"
    if row["duty"]:
        return Finding(what, "ok", f"{counted(row['duty'], 'supervisor')} in the duty order")
    if row["alarm_phone"]:
        detail = f"nobody is on duty, only the alarm phone is paged: dispatch duty set {name} --contact 'Name:+33…'"
    else:
        detail = (
            f"nobody would be notified: dispatch duty set {name} --contact 'Name:+33…', and name a phone for the time "
            f"without anybody: dispatch organisations set {name} --alarm-phone +33…"
        )
    return Finding(what, "fail", detail)
