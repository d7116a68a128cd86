"""Write the table of retention periods for docs/operating.md: `python -m tests.documents.retention_table`."""

import sys
from collections.abc import Iterator

from dispatch.domain.retention import RULES, RetentionRule


def current() -> str:
    """Return the table, generated from the rules that the erasure applies."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| tables | what they hold | kept | why | may be set to |"
    yield "|---|---|---|---|---|"
    for rule in RULES:
        tables = ", ".join(f"`{table}`" for table in rule.tables)
        yield f"| {tables} | {rule.holds} | {_kept(rule)} | {rule.ground} | {_bounds(rule)} |"


def _kept(rule: RetentionRule) -> str:
    if rule.days is None:
        return rule.since
    return f"{rule.days} {'day' if rule.days == 1 else 'days'} {rule.since}"


def _bounds(rule: RetentionRule) -> str:
    return "" if rule.days is None else f"{rule.least} to {rule.most} days"


if __name__ == "__main__":
    sys.stdout.write(current())
