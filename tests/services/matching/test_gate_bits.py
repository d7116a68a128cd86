"""The bits of the gates: stored for as long as rounds are kept, so no bit changes and none is used again."""

import re

import asyncpg

from dispatch.domain.matching.selection import ASKED_MOST, Gate
from dispatch.storage.queries import sql
from tests.services.matching.test_gates import GATES

BITS = {
    "SKILL": 1, "AVAILABILITY": 2, "CONSENT": 4, "AGE": 8, "REST": 16, "POSITION": 32, "OFFER": 64, "ENGAGED": 128,
    "ASKED": 256, "LEFT": 512, "DRILL": 1024, "OFTEN": 2048, "FARTHER": 4096, "ELSEWHERE": 8192, "HELD": 16384,
    "UNSENDABLE": 32768, "STATION": 65536, "LIST": 131_072, "NEVER": 262_144, "APART": 524_288,
    "WAITED_LESS": 1_048_576, "NOT_DRAWN": 2_097_152, "LATER_GROUP": 4_194_304,
}  # fmt: skip
"""Only ever longer: a gate that is given up stays here, with its bit."""
BY_PROGRAM = {
    Gate.SKILL, Gate.AGE, Gate.FARTHER, Gate.ELSEWHERE, Gate.HELD, Gate.UNSENDABLE, Gate.LIST, Gate.NEVER, Gate.APART,
    Gate.WAITED_LESS, Gate.NOT_DRAWN, Gate.LATER_GROUP, Gate.STATION,
}  # fmt: skip
APART = {Gate.ASKED, Gate.DRILL}
"""Gates with a test of their own beside the table of gates."""
LITERAL = re.compile(r"THEN (?:(\d+) ELSE 0|0 ELSE (\d+)) END")
SIGNATURE = (
    "candidate_gates(candidates, timestamptz, text, text[], timestamptz, timestamptz, timestamptz, uuid[], bool,"
    " timestamptz)"
)


def test_a_gate_never_changes_its_bit() -> None:
    assert {gate.name: gate.value for gate in Gate}.items() <= BITS.items()
    assert list(BITS.values()) == [1 << n for n in range(len(BITS))]


async def test_the_database_sets_the_bits_of_the_gates_and_no_others(connection: asyncpg.Connection) -> None:
    text = await connection.fetchval("SELECT pg_get_functiondef($1::regprocedure)", SIGNATURE)
    bits = [int(one or other) for one, other in LITERAL.findall(text)]
    assert len(bits) == text.count("CASE WHEN"), "a CASE that this test does not read"
    assert sorted(bits) == sorted(set(Gate) - BY_PROGRAM)


def test_the_search_names_no_bit() -> None:
    assert re.findall(r"THEN [1-9]", sql("search_nearest") + sql("search_farther")) == []


def test_each_bit_that_the_search_sets_excludes_a_volunteer_by_itself() -> None:
    shut = {gate for gate, _, _ in GATES}
    assert shut | APART >= set(Gate) - BY_PROGRAM


async def test_the_database_stores_as_many_offers_of_a_person_as_one_may_get(
    connection: asyncpg.Connection,
) -> None:
    text = await connection.fetchval("SELECT pg_get_functiondef($1::regprocedure)", SIGNATURE)
    assert set(re.findall(r"_asked\[(\d+)\]", text)) == {str(ASKED_MOST)}
    kept = await connection.fetchval("SELECT latest_six(array_fill(now(), ARRAY[9]), now())")
    assert len(kept) == ASKED_MOST
