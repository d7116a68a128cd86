"""People in events and rounds, whom the journal names by pseudonym, by the ids of an organisation's members instead."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch.services.people.members import Members

PERSON = ("volunteer_id", "recipient_id")
PEOPLE = ("recalled", "asked")
ENTRIES = ("picked", "passed_over")
"""Lists of parts that each name a person."""

Detail = Mapping[str, Any]


def people_in(detail: Detail) -> Iterator[UUID]:
    """Yield the people whom an event or a round names."""
    yield from (UUID(detail[name]) for name in PERSON if name in detail)
    yield from (UUID(who) for name in PEOPLE for who in detail.get(name, ()))
    for name in ENTRIES:
        for entry in detail.get(name, ()):
            yield from people_in(entry)


def replaced(detail: Detail, at: datetime, members: Members) -> dict[str, Any]:
    """Return an event or a round of a time with the members' ids."""

    def id_of(who: str) -> str:
        return str(members.id(UUID(who), at))

    found = {name: id_of(detail[name]) for name in PERSON if name in detail}
    lists = {name: [id_of(who) for who in detail[name]] for name in PEOPLE if name in detail}
    entries = {
        name: [replaced(one, at, members) for one in detail[name]] for name in ENTRIES if name in detail
    }
    return {**detail, **found, **lists, **entries}
