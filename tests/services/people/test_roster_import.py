"""Imports on a real database: what they change, what they leave, and that they change all or nothing."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from dispatch.domain.places.service_area import Area
from dispatch.services.access import organisations
from dispatch.services.access.organisations import Changes
from dispatch.services.core.errors import ConflictError, InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import roster_import, roster_writer, volunteers
from dispatch.services.people.roster_import import RosterImport
from dispatch.services.plans.plan_files import load
from schemas.volunteers import HeldSkill, VolunteerBody
from tests.services.people.test_volunteers import a_volunteer
from tests.support.scene import Scene, phone

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"


def sheet(numbers: range | list[int], **changes: str) -> str:
    """Return a file with one person for each number."""
    cells = {"language": "en", "skills": "first_aid", "consent": "sms", "availability": "on_call"} | changes
    return HEADER + "".join(
        f"V{n},{phone(n)},{cells['language']},{cells['skills']},48.58,7.75,1990-01-31,{cells['consent']},"
        f"{cells['availability']}\n"
        for n in numbers
    )


async def imported(
    uow: UnitOfWork, organisation: UUID, text: str, *, sync: bool = False, yes: bool = False
) -> RosterImport:
    prepared = await roster_import.examine(uow, organisation, text, sync=sync)
    await roster_import.apply(uow, prepared, confirmed=yes)
    return prepared


async def roster(uow: UnitOfWork, organisation: UUID) -> dict[str, dict[str, object]]:
    rows = await volunteers.list_volunteers(uow, organisation, limit=1000)
    return {str(row["name"]): row for row in rows}


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    return await organisations.create(uow, "SDIS 67", "Europe/Paris", Area(48, 7, 49, 8.5))


@pytest.fixture
async def scene(uow: UnitOfWork) -> Scene:
    return await Scene.open(uow)


async def test_an_import_changes_only_what_its_columns_say(uow: UnitOfWork, organisation: UUID) -> None:
    await imported(uow, organisation, sheet(range(3), availability="unavailable"))
    before = await roster(uow, organisation)
    prepared = await imported(uow, organisation, f"phone,name\n{phone(0)},V0\n{phone(1)},Ada\n")
    after = await roster(uow, organisation)
    assert after["Ada"] == before["V1"] | {"name": "Ada"}
    assert (after["V0"], after["V2"]) == (before["V0"], before["V2"])
    assert after["Ada"]["availability"] == "unavailable"
    assert (prepared.changes.fields, prepared.changes.unchanged) == ({"name": 1}, 1)


@pytest.mark.parametrize(
    ("column", "cell", "field", "value"),
    [
        ("language", "fr", "language", "fr"),
        ("skills", "driver", "skills", ["driver"]),
        ("skills", "", "skills", []),
        ("consent", "", "consent", []),
        ("consent", "sms drills", "consent", ["drills", "sms"]),
        ("availability", "available", "availability", "available"),
        ("availability", "", "availability", "on_call"),
        ("language", "", "language", "en"),
    ],
)
async def test_one_column_changes_one_field(
    uow: UnitOfWork, organisation: UUID, column: str, cell: str, field: str, value: object
) -> None:
    await imported(uow, organisation, sheet(range(1)))
    before = (await roster(uow, organisation))["V0"]
    await imported(uow, organisation, f"phone,{column}\n{phone(0)},{cell}\n")
    after = (await roster(uow, organisation))["V0"]
    assert after[field] == value
    assert {name for name in after if after[name] != before[name]} <= {field, "last_days"}


async def test_new_people_of_whom_nothing_is_said_have_no_consent_and_are_unavailable(
    uow: UnitOfWork, organisation: UUID
) -> None:
    text = f"name,phone,lat,lon,birth_date\nAda,{phone(1)},48.58,7.75,1990-01-31\n"
    prepared = await imported(uow, organisation, text)
    ada = (await roster(uow, organisation))["Ada"]
    assert (ada["consent"], ada["availability"], ada["skills"]) == ([], "unavailable", [])
    assert [one.field for one in prepared.warnings] == ["availability", "consent", "language"]


async def test_a_new_person_with_an_empty_consent_is_said_to_be_called_by_nobody(
    uow: UnitOfWork, organisation: UUID
) -> None:
    prepared = await imported(uow, organisation, sheet(range(1), consent=""))
    assert [(one.line, one.field) for one in prepared.warnings] == [(2, "consent")]
    assert "nobody calls them" in prepared.warnings[0].message


async def test_a_number_whose_person_gets_another_name_and_birth_date_is_a_warning(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, sheet(range(3)))
    text = (
        f"phone,name,birth_date\n{phone(0)},Zoé,2001-02-03\n"
        f"{phone(1)},Anne Roth,1990-01-31\n{phone(2)},V2,1991-01-31\n"
    )
    prepared = await imported(uow, organisation, text)
    assert [(one.lines, one.field, one.message[:48]) for one in prepared.warnings] == [
        ("2", "phone", "another name and another birth date: has this nu")
    ]
    assert prepared.changes.changed[0].fields == ["name (was V0)", "birth_date"]


async def test_a_dry_run_says_who_would_lose_all_skills(uow: UnitOfWork, organisation: UUID) -> None:
    await imported(uow, organisation, sheet(range(1)))
    prepared = await roster_import.examine(uow, organisation, f"phone,skills\n{phone(0)},\n")
    assert prepared.changes.changed[0].fields == ["skills (none any more)"]
    assert prepared.changes.fields == {"skills": 1}


async def test_an_unknown_number_of_which_nothing_else_is_said_is_one_mistake(
    uow: UnitOfWork, organisation: UUID
) -> None:
    (problem,) = (await imported(uow, organisation, f"phone,skills\n{phone(0)},driver\n")).problems
    assert problem.message == "not on the roster; a new person also needs name, lat, lon, birth_date"


async def test_a_sync_with_a_file_without_lines_takes_nobody_off_even_if_confirmed(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, sheet(range(3)))
    with pytest.raises(InvalidError, match="no line"):
        await imported(uow, organisation, HEADER, sync=True, yes=True)
    assert len(await roster(uow, organisation)) == 3


async def test_a_new_person_without_a_birth_date_is_left_out_and_known_ones_are_not(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, sheet(range(1)))
    text = f"name,phone,lat,lon\nAda,{phone(0)},48.58,7.75\nBob,{phone(1)},48.58,7.75\n"
    prepared = await imported(uow, organisation, text)
    assert [(one.line, one.field) for one in prepared.problems] == [(3, "birth_date")]
    assert list(await roster(uow, organisation)) == ["Ada"]


async def test_what_another_organisation_knows_of_a_person_fills_no_gap(
    uow: UnitOfWork, organisation: UUID
) -> None:
    other = await organisations.create(uow, "Mairie")
    await imported(uow, other, sheet(range(1)))
    prepared = await imported(uow, organisation, f"phone\n{phone(0)}\n")
    assert [one.message for one in prepared.problems] == [
        "not on the roster; a new person also needs name, lat, lon, birth_date"
    ]
    assert await roster(uow, organisation) == {}


async def test_a_request_without_a_field_leaves_it_as_it_is(uow: UnitOfWork, organisation: UUID) -> None:
    """The same fault as in a file with fewer columns."""
    await volunteers.register_all(uow, organisation, [a_volunteer(availability="unavailable", language="en")])
    fewer = {
        "name": "Ada", "phone": "+33639980001", "birth_date": "1990-01-31", "position": {"lat": 48.5, "lon": 7.7},
    }  # fmt: skip
    await volunteers.register_all(uow, organisation, [VolunteerBody.model_validate(fewer)])
    ada = (await roster(uow, organisation))["Ada"]
    assert (ada["availability"], ada["language"], ada["skills"], ada["consent"]) == (
        "unavailable", "en", ["first_aid"], ["sms"],
    )  # fmt: skip


async def test_a_skill_is_valid_to_the_end_of_its_last_day(uow: UnitOfWork, organisation: UUID) -> None:
    await imported(uow, organisation, sheet(range(1), skills="first_aid:2027-05-31 driver"))
    rows = await uow.pool.fetch("SELECT skill, expires_at::text FROM skills")
    ends = {row["skill"]: row["expires_at"] for row in rows}
    assert ends == {"first_aid": "2027-05-31 22:00:00+00", "driver": None}
    row = (await roster(uow, organisation))["V0"]
    assert (row["skills"], row["last_days"]) == (["driver", "first_aid"], [None, date(2027, 5, 31)])


@pytest.mark.parametrize(
    ("skills", "end"),
    [("first_aid", "2027-05-31 22:00:00+00"), ("first_aid:2028-05-31", "2028-05-31 22:00:00+00"),
     ("first_aid:never", None)],
)  # fmt: skip
async def test_a_skill_without_a_last_day_keeps_the_one_it_has(
    uow: UnitOfWork, organisation: UUID, skills: str, end: str | None
) -> None:
    await imported(uow, organisation, sheet(range(1), skills="first_aid:2027-05-31"))
    await imported(uow, organisation, sheet(range(1), skills=skills))
    assert await uow.pool.fetchval("SELECT expires_at::text FROM skills") == end


async def test_a_skill_of_a_request_may_name_its_last_day(uow: UnitOfWork, organisation: UUID) -> None:
    skills = [HeldSkill(name="first_aid", valid_until=date(2027, 5, 31)), "driver"]
    await volunteers.register_all(uow, organisation, [a_volunteer(skills=skills)])
    assert (await roster(uow, organisation))["Ada"]["last_days"] == [None, date(2027, 5, 31)]


async def test_a_dry_run_changes_nothing_and_counts_what_would_change(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, sheet(range(3)))
    before = await roster(uow, organisation)
    text = sheet([0, 3], availability="available", consent="")
    changes = (await roster_import.examine(uow, organisation, text, sync=True)).changes
    assert (len(changes.added), len(changes.changed), changes.unchanged, len(changes.leaving)) == (1, 1, 0, 2)
    assert changes.fields == {"availability": 1, "consent": 1}
    assert await roster(uow, organisation) == before


async def test_a_sync_takes_leavers_off_and_their_offers_too(scene: Scene) -> None:
    incident = await scene.incident()
    assert [offer.volunteer_id for offer in incident.offers.values()]
    text = sheet([0, 1])
    await imported(scene.uow, scene.organisation, text, sync=True, yes=True)
    left = await scene.uow.pool.fetchval("SELECT count(*) FROM memberships")
    live = "SELECT count(*) FROM offers WHERE status = 'extended' AND volunteer_id = $1"
    assert (left, await scene.uow.pool.fetchval(live, scene.people[2])) == (2, 0)
    assert await scene.uow.pool.fetchval("SELECT count(name) FROM memberships") == 2


async def test_a_sync_refuses_to_take_off_more_than_a_tenth(uow: UnitOfWork, organisation: UUID) -> None:
    await imported(uow, organisation, sheet(range(20)))
    await imported(uow, organisation, sheet(range(18)), sync=True)
    with pytest.raises(ConflictError, match="2 of 18 people would leave the roster: is the file complete"):
        await imported(uow, organisation, sheet([*range(16), 30]), sync=True)
    assert len(await roster(uow, organisation)) == 18
    await imported(uow, organisation, sheet([*range(16), 30]), sync=True, yes=True)
    assert len(await roster(uow, organisation)) == 17


async def test_a_sync_takes_nobody_off_while_a_line_does_not_say_who_it_is_about(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, sheet(range(20)))
    text = sheet(range(19)) + "V19,12,en,first_aid,48.58,7.75,1990-01-31,sms,available\n"
    with pytest.raises(ConflictError, match=r"on 1 line .* it is not clear who is missing: line 21: phone"):
        await imported(uow, organisation, text, sync=True, yes=True)
    assert len(await roster(uow, organisation)) == 20


async def test_a_person_whose_line_has_a_mistake_does_not_leave(uow: UnitOfWork, organisation: UUID) -> None:
    await imported(uow, organisation, sheet(range(20)))
    text = sheet(range(19)) + f"V19,{phone(19)},xx,first_aid,48.58,7.75,1990-01-31,sms,available\n"
    prepared = await imported(uow, organisation, text, sync=True)
    assert (prepared.left_out, len(await roster(uow, organisation))) == (1, 20)


@pytest.mark.parametrize(("column", "what"), [("skills", "lose all skills"), ("consent", "lose all consent")])
async def test_an_emptied_column_is_refused_until_it_is_confirmed(
    uow: UnitOfWork, organisation: UUID, column: str, what: str
) -> None:
    await imported(uow, organisation, sheet(range(20)))
    with pytest.raises(ConflictError, match=f"20 of 20 people would {what}"):
        await imported(uow, organisation, sheet(range(20), **{column: ""}))
    await imported(uow, organisation, sheet(range(20), **{column: ""}), yes=True)
    assert (await roster(uow, organisation))["V0"][column] == []


async def test_names_that_slipped_against_their_numbers_are_refused(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, sheet(range(20)))
    slipped = "phone,name\n" + "".join(f"{phone(n)},V{n + 1}\n" for n in range(20))
    with pytest.raises(ConflictError, match="20 of 20 people would get another name"):
        await imported(uow, organisation, slipped)


async def test_a_failure_half_way_leaves_nothing(
    uow: UnitOfWork, organisation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await imported(uow, organisation, sheet(range(10)))
    before = await roster(uow, organisation)
    monkeypatch.setattr(roster_writer, "CHUNK", 5)
    prepared = await roster_import.examine(uow, organisation, sheet(range(30), availability="available"))

    def fail(done: int) -> None:
        if done > 24:
            raise InvalidError("test", "the power went out")

    with pytest.raises(InvalidError):
        await roster_import.apply(uow, prepared, confirmed=True, progress=fail)
    assert await roster(uow, organisation) == before
    await roster_import.apply(uow, prepared, confirmed=True)
    assert len(await roster(uow, organisation)) == 30


async def test_numbers_are_those_of_the_organisations_country(uow: UnitOfWork, organisation: UUID) -> None:
    await organisations.change(uow, organisation, Changes(country="BE"))
    text = "name,phone,lat,lon,birth_date\nAda,0470 12 34 56,48.5,7.7,1990-01-31\n"
    await imported(uow, organisation, text)
    assert (await roster(uow, organisation))["Ada"]["phone"] == "+32470123456"


async def test_a_landline_with_consent_to_sms_is_a_warning(uow: UnitOfWork, organisation: UUID) -> None:
    text = HEADER + "Ada,03 53 01 00 01,fr,first_aid,48.58,7.75,1990-01-31,sms,available\n"
    prepared = await imported(uow, organisation, text)
    assert [(one.line, one.field) for one in prepared.warnings] == [(2, "phone")]
    assert prepared.problems == []
    again = await roster_import.examine(uow, organisation, "phone,availability\n0353010001,on_call\n")
    assert [one.field for one in again.warnings] == ["phone"]


async def test_a_skill_that_no_plan_asks_for_is_said_with_the_nearest_one(
    uow: UnitOfWork, organisation: UUID
) -> None:
    text = sheet(range(3), skills="frist_aid")
    prepared = await roster_import.examine(uow, organisation, text, book=load(None))
    assert prepared.remarks == [
        "3 people have the skill `frist_aid`, which no plan asks for; did you mean `first_aid`?"
    ]


async def test_candidates_have_the_last_day_of_a_skill(uow: UnitOfWork, organisation: UUID) -> None:
    yesterday = (uow.clock.now() - timedelta(days=1)).date()
    await imported(uow, organisation, sheet(range(1), skills=f"first_aid:{yesterday}"))
    query = "SELECT valid FROM candidates, valid_skills(candidates.skills, $1)"
    assert await uow.pool.fetchval(query, uow.clock.now()) == []
