"""Stations and other muster points: kept by hand or from a file, and the station of a member."""

from uuid import UUID

import pytest

from dispatch.services.access import organisations
from dispatch.services.core.errors import InvalidError, NotFoundError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import muster_points, volunteers
from dispatch.services.people.muster_points import ListedPoint, Point
from dispatch.services.people.roster_import import ImportOrder, ImportSummary, import_sheet
from schemas.volunteers import VolunteerBody, VolunteerPatch
from tests.http.site import volunteer_body

BARR = Point("CIS Barr", "station", 48.4079, 7.4492)
SQUARE = Point("Place de la Mairie", "point", 48.41, 7.45)
ROSTER = (
    "nom;téléphone;latitude;longitude;date de naissance;{heading}\n"
    "Anne Weber;0612345678;48,4;7,45;31/01/1990;{cell}\n"
)


@pytest.fixture
async def organisation(uow: UnitOfWork) -> UUID:
    """Create an organisation with a station."""
    created = await organisations.create(uow, "SDIS 67")
    await muster_points.put(uow, created, [BARR, SQUARE])
    return created


async def station_of(uow: UnitOfWork, organisation: UUID) -> object:
    (one,) = await volunteers.list_volunteers(uow, organisation)
    return one["station"]


async def imported(uow: UnitOfWork, organisation: UUID, cell: str, heading: str = "centre") -> ImportSummary:
    sheet = ROSTER.format(heading=heading, cell=cell).encode()
    return await import_sheet(uow, ImportOrder(organisation, sheet))


@pytest.mark.parametrize("heading", ["station", "Centre", "CIS", "Caserne"])
async def test_a_roster_names_stations_in_any_spelling(
    uow: UnitOfWork, organisation: UUID, heading: str
) -> None:
    await imported(uow, organisation, "cis barr", heading)
    assert await station_of(uow, organisation) == "CIS Barr"


async def test_an_unknown_station_of_a_roster_is_a_mistake_that_suggests_one(
    uow: UnitOfWork, organisation: UUID
) -> None:
    with pytest.raises(InvalidError, match="did you mean `CIS Barr`"):
        await imported(uow, organisation, "CIS Bar")
    with pytest.raises(InvalidError, match="no station has this name"):
        await imported(uow, organisation, "Place de la Mairie")


async def test_an_empty_cell_changes_no_station_and_a_word_for_none_does(
    uow: UnitOfWork, organisation: UUID
) -> None:
    await imported(uow, organisation, "CIS Barr")
    await imported(uow, organisation, "")
    assert await station_of(uow, organisation) == "CIS Barr"
    summary = await imported(uow, organisation, "aucun")
    assert summary.fields == {"station": 1}
    assert await station_of(uow, organisation) is None


async def test_a_station_is_registered_and_changed_over_http(uow: UnitOfWork, organisation: UUID) -> None:
    body = VolunteerBody.model_validate(volunteer_body(station="cis barr"))
    (who,) = await volunteers.register_all(uow, organisation, [body])
    assert await station_of(uow, organisation) == "CIS Barr"
    await volunteers.patch(uow, organisation, who, VolunteerPatch(availability="on_call"))
    assert await station_of(uow, organisation) == "CIS Barr"
    await volunteers.patch(uow, organisation, who, VolunteerPatch(station=""))
    assert await station_of(uow, organisation) is None
    with pytest.raises(InvalidError, match="no station has this name"):
        await volunteers.patch(uow, organisation, who, VolunteerPatch(station="CIS Colmar"))


async def test_removing_a_station_leaves_its_members_without_one(uow: UnitOfWork, organisation: UUID) -> None:
    await imported(uow, organisation, "CIS Barr")
    await muster_points.remove(uow, organisation, "CIS Barr")
    assert await station_of(uow, organisation) is None
    with pytest.raises(NotFoundError):
        await muster_points.remove(uow, organisation, "CIS Barr")


async def test_a_station_of_one_organisation_is_none_of_another(uow: UnitOfWork, organisation: UUID) -> None:
    other = await organisations.create(uow, "SDIS 68")
    await muster_points.put(uow, other, [BARR._replace(lat=47.75, lon=7.34)])
    await imported(uow, organisation, "CIS Barr")
    assert [one.members for one in await muster_points.listed(uow, other)] == [0]
    await muster_points.remove(uow, other, "CIS Barr")
    assert await station_of(uow, organisation) == "CIS Barr"


async def test_a_file_of_points_is_read_as_people_write_it(uow: UnitOfWork, organisation: UUID) -> None:
    text = "Nom;Type;Latitude;Longitude\nCIS Andlau;caserne;48,385;7,417\nPlace du Marché;lieu;48,41;7,45\n"
    found = await muster_points.read_file(uow, organisation, text)
    assert not found.problems.lines()
    await muster_points.put(uow, organisation, list(found.points.values()))
    assert ListedPoint("CIS Andlau", "station", 48.385, 7.417, 0) in await muster_points.listed(
        uow, organisation
    )


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("CIS Nulle Part,station,0,0", "lat", "ocean"),
        ("CIS Barr,station,7.4492,48.4079", "lat", "exchanged"),
        ("CIS Barr,port,48.4,7.4", "kind", "station or point"),
        ("station,station,48.4,7.4", "name", "word of plans"),
        (",station,48.4,7.4", "name", "60 letters"),
        ("CIS Barr,station,48.4,", "lon", ""),
        ("CIS Andlau,station,48.4,7.4\ncis andlau,point,48.4,7.4", "name", "earlier line"),
    ],
)
async def test_a_wrong_line_of_points_is_named_with_its_column(
    uow: UnitOfWork, organisation: UUID, line: str, column: str, words: str
) -> None:
    found = await muster_points.read_file(uow, organisation, f"name,kind,lat,lon\n{line}\n")
    (wrong,) = found.problems.listed()
    assert wrong.field == column
    assert words in wrong.message


async def test_a_point_in_the_ocean_is_kept_neither_by_hand(uow: UnitOfWork, organisation: UUID) -> None:
    with pytest.raises(InvalidError, match="ocean"):
        await muster_points.put(uow, organisation, [Point("CIS Nulle Part", "station", 0.0, 0.0)])


async def test_a_point_that_is_spelt_otherwise_is_no_second_one(uow: UnitOfWork, organisation: UUID) -> None:
    with pytest.raises(InvalidError, match="`Cis-Barr` is known as `CIS Barr`"):
        await muster_points.put(uow, organisation, [SQUARE, BARR._replace(name="Cis-Barr")])
    assert [one.name for one in await muster_points.listed(uow, organisation)] == [BARR.name, SQUARE.name]
