"""Ids that follow from names: two lists of names never have the same one, and those of release 0.1.0 stay."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import NAMESPACE, event_id, named, report_id

ORGANISATION = UUID(int=7)
PART = st.text("ab:1", max_size=4)
Triple = tuple[str, str, str]


def joined(*parts: object) -> UUID:
    """Return the id that release 0.1.0 derives."""
    return uuid5(NAMESPACE, ":".join(map(str, parts)))


@given(st.tuples(PART, PART, PART), st.tuples(PART, PART, PART))
def test_two_lists_of_names_never_have_the_same_id(one: Triple, other: Triple) -> None:
    for free in (0, -1):
        assert (named(*one, free=free) == named(*other, free=free)) == (one == other)


@given(st.tuples(PART, PART), st.tuples(PART, PART))
def test_two_sources_never_share_the_id_of_an_event_or_a_report(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    for space in ("", "topic:"):
        assert (event_id(space + one[0], one[1]) == event_id(space + other[0], other[1])) == (one == other)
        ids = [report_id(ORGANISATION, space + source, id_) for source, id_ in (one, other)]
        assert (ids[0] == ids[1]) == (one == other)
    # No holder of a key has a name in the space of those without one.
    assert report_id(ORGANISATION, *one) != report_id(ORGANISATION, f"topic:{other[0]}", other[1])


def test_ids_that_were_never_ambiguous_stay_as_release_0_1_0_derives_them() -> None:
    assert named("organisation", "SDIS 67: Strasbourg") == joined("organisation", "SDIS 67: Strasbourg")
    assert named("kannel", "a:1") == joined("kannel", "a:1")
    assert event_id("https://cad.example/67", "4711") == joined("https://cad.example/67", "4711")
    for source, id_ in (("control-room", "2026:1"), ("topic:cad", "urn:2026:1")):
        assert report_id(ORGANISATION, source, id_) == joined(ORGANISATION, source, id_)
