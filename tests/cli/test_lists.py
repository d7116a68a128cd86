"""The commands on lists of people, and on those who must not meet."""

from pathlib import Path

from tests.cli.invocations import Dispatch
from tests.support.world import World

PHONES = ("+33639989901", "+33639989902", "+33639989903")


async def members(world: World) -> list[str]:
    """Give some members phones; return the ids by which their organisation knows them."""
    people = await world.add_people(len(PHONES), first_m=700)
    await world.pool.executemany(
        "INSERT INTO addresses (volunteer_id, channel, address) VALUES ($1, 'sms', $2)",
        list(zip(people, PHONES, strict=True)),
    )
    rows = await world.pool.fetch("SELECT volunteer_id, id FROM memberships")
    ids = {row["volunteer_id"]: str(row["id"]) for row in rows}
    return [ids[who] for who in people]


async def test_a_list_is_set_imported_and_deleted(dispatch: Dispatch, world: World, tmp_path: Path) -> None:
    ids = await members(world)
    assert (await dispatch("lists", "set", "parents", "--phones", PHONES[0], "--ids", ids[1])).code == 0
    shown = (await dispatch("lists", "list", "parents", "--json")).json()
    assert [one["volunteer_id"] for one in shown] == sorted(ids[:2])
    sheet = tmp_path / "parents.csv"
    sheet.write_text(f"name,phone\nAda,{PHONES[2]}\n", "utf-8")
    await dispatch("lists", "import", "parents", sheet)
    (line,) = (await dispatch("lists", "list", "--json")).json()
    assert (line["name"], line["people"]) == ("parents", 1)
    assert (await dispatch("lists", "delete", "parents")).code == 0
    assert (await dispatch("lists", "list", "parents")).code == 1


async def test_a_line_without_a_phone_leaves_the_list_as_it_was(
    dispatch: Dispatch, world: World, tmp_path: Path
) -> None:
    await members(world)
    await dispatch("lists", "set", "barred", "--phones", *PHONES)
    sheet = tmp_path / "barred.csv"
    sheet.write_text(f"nom;téléphone\nAda;{PHONES[0]}\nBob;\n", "utf-8")
    done = await dispatch("lists", "import", "barred", sheet)
    assert (done.code, "barred.csv:3: empty" in done.err) == (1, True)
    (line,) = (await dispatch("lists", "list", "--json")).json()
    assert line["people"] == len(PHONES)


async def test_a_file_of_a_list_names_its_column_in_french_too(
    dispatch: Dispatch, world: World, tmp_path: Path
) -> None:
    await members(world)
    sheet = tmp_path / "parents.csv"
    sheet.write_text(f"Nom;Téléphone\nAda;{PHONES[2]}\n", "utf-8")
    assert (await dispatch("lists", "import", "parents", sheet)).code == 0
    sheet.write_text("Nom;Adresse\nAda;Rue des Lilas\n", "utf-8")
    done = await dispatch("lists", "import", "parents", sheet)
    assert (done.code, "there are Nom, Adresse" in done.err) == (1, True)


async def test_a_stranger_puts_nobody_on_a_list(dispatch: Dispatch, world: World) -> None:
    await members(world)
    done = await dispatch("lists", "set", "parents", "--phones", PHONES[0], "+33639989999")
    assert (done.code, "not on the roster: +33639989999" in done.err) == (1, True)
    assert (await dispatch("lists", "list", "--json")).json() == []


async def test_two_are_kept_apart_and_meet_again(dispatch: Dispatch, world: World) -> None:
    ids = await members(world)
    assert (await dispatch("apart", "add", "--phones", *PHONES[:2])).code == 0
    (pair,) = (await dispatch("apart", "list", "--json")).json()
    assert sorted(pair.values()) == sorted(ids[:2])
    assert (await dispatch("apart", "remove", "--phones", PHONES[1], PHONES[0])).code == 0
    assert (await dispatch("apart", "remove", "--ids", *ids[:2])).code == 1
    assert (await dispatch("apart", "add", "--phones", PHONES[0])).code == 2
