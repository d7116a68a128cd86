"""The commands for organisations, their keys, volunteers, duty order and pause."""

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from dispatch.clock import MovableClock
from dispatch.services.access import keys, organisations
from dispatch.services.core import csv_tables
from dispatch.services.core.errors import UnauthorizedError
from dispatch.services.core.unit_of_work import UnitOfWork
from tests.cli.invocations import Dispatch, sheet

HEADER = "name,phone,language,skills,lat,lon,birth_date,consent,availability\n"


async def test_an_organisation_is_made_and_listed(dispatch: Dispatch, organisation: str) -> None:
    (listed,) = (await dispatch("organisations", "list", "--json")).json()
    assert (listed["id"], listed["name"], listed["south"], listed["east"]) == (
        organisation,
        "SDIS 67",
        48.1,
        8.3,
    )
    assert "SDIS 67" in (await dispatch("organisations", "list")).out


@pytest.mark.usefixtures("organisation")
async def test_the_same_organisation_again_is_a_failure(dispatch: Dispatch) -> None:
    done = await dispatch("organisations", "create", "SDIS 67")
    assert (done.code, "already" in done.err) == (1, True)


async def test_an_area_may_lie_in_the_south_west(dispatch: Dispatch) -> None:
    assert (await dispatch("organisations", "create", "Rio", "--area", "-23.1,-43.8,-22.7,-43")).code == 0


@pytest.mark.parametrize("area", ["48,1;6,9;49,1;8,3", "48.1N, 6.9E, 49.1N, 8.3E"])
async def test_an_area_is_typed_in_any_notation(dispatch: Dispatch, area: str) -> None:
    assert (await dispatch("organisations", "create", "Bas-Rhin", "--area", area)).code == 0
    (listed,) = (await dispatch("organisations", "list", "--json")).json()
    assert (listed["south"], listed["west"], listed["north"], listed["east"]) == (48.1, 6.9, 49.1, 8.3)


async def test_an_area_that_is_none_is_misuse(dispatch: Dispatch) -> None:
    done = await dispatch("organisations", "create", "Bas-Rhin", "--area", "148.1;6.9;49.1;8.3")
    assert (done.code, "90 degrees" in done.err) == (2, True)


async def test_among_several_organisations_one_must_be_named(dispatch: Dispatch, organisation: str) -> None:
    await dispatch("organisations", "create", "SDIS 68")
    unnamed = await dispatch("keys", "list")
    assert (unnamed.code, "SDIS 68" in unnamed.err) == (2, True)
    assert (await dispatch("keys", "list", "--organisation", "SDIS 68")).code == 0
    assert (await dispatch("keys", "list", "--organisation", organisation)).code == 0
    assert (await dispatch("keys", "list", "--organisation", "SDIS 69")).code == 1


async def test_names_are_never_taken_for_colours(dispatch: Dispatch) -> None:
    await dispatch("organisations", "create", "[red]SDIS[/red]")
    assert "[red]SDIS[/red]" in (await dispatch("organisations", "list")).out


async def test_the_list_of_keys_says_for_whom_each_acts(dispatch: Dispatch, organisation: str) -> None:
    await dispatch("organisations", "create", "SDIS 68")
    for words in (("--installation", "--organisation", organisation), ("--organisation", "SDIS 68")):
        assert (await dispatch("keys", "create", "--scope", "gateway:kannel", *words)).code == 0
    both = (await dispatch("keys", "list", "--organisation", "SDIS 68", "--json")).json()
    assert [key["installation"] for key in both] == [True, False]
    shown = (await dispatch("keys", "list", "--organisation", organisation)).out
    assert ("installation" in shown, both[0]["id"] in shown, both[1]["id"] in shown) == (True, True, False)


async def test_the_doctor_names_organisations_for_which_no_key_of_a_gateway_acts(
    dispatch: Dispatch, organisation: str
) -> None:
    async def found() -> list[str]:
        findings = (await dispatch("doctor", "--json")).json()
        return [one["detail"] for one in findings if one["what"] == "gateway simulated"]

    await dispatch("organisations", "create", "SDIS 68")
    gateway = ("keys", "create", "--scope", "gateway:simulated", "--organisation", organisation)
    assert await found() == []
    await dispatch(*gateway)
    (lacking,) = await found()
    assert lacking.startswith("no key of it acts for SDIS 68")
    await dispatch(*gateway, "--installation")
    assert await found() == []


async def test_only_a_gateway_s_key_is_made_for_the_installation(
    dispatch: Dispatch, organisation: str
) -> None:
    done = await dispatch("keys", "create", "--scope", "gateway:kannel", "console:act", "--installation")
    assert (done.code, "console:act is one organisation's" in done.err) == (1, True)
    assert (await dispatch("keys", "list", "--json", "--organisation", organisation)).json() == []


async def test_a_key_is_printed_alone_and_opens(
    dispatch: Dispatch, organisation: str, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    done = await dispatch("keys", "create", "--scope", "console:read", "reports:write", "--holder", "codis")
    assert re.fullmatch(r"rk_[0-9a-f]+_[0-9a-f]+\n", done.out)
    key = await keys.authenticate(UnitOfWork(pool, clock), done.out.strip())
    assert (str(key.organisation), key.holder) == (organisation, "codis")
    assert key.scopes == {"console:read", "reports:write"}


@pytest.mark.usefixtures("organisation")
async def test_a_revoked_key_opens_nothing(
    dispatch: Dispatch, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    key = (await dispatch("keys", "create", "--scope", "admin")).out.strip()
    (listed,) = (await dispatch("keys", "list", "--json")).json()
    assert (await dispatch("keys", "revoke", listed["id"])).code == 0
    with pytest.raises(UnauthorizedError):
        await keys.authenticate(UnitOfWork(pool, clock), key)
    assert (await dispatch("keys", "revoke", listed["id"])).code == 1


@pytest.mark.usefixtures("organisation")
async def test_no_listing_shows_a_secret(dispatch: Dispatch) -> None:
    secret = (await dispatch("keys", "create", "--scope", "admin")).out.strip().split("_")[2]
    for words in (["keys", "list"], ["keys", "list", "--json"]):
        assert secret not in (await dispatch(*words)).out


@pytest.mark.usefixtures("organisation")
async def test_an_unknown_scope_is_refused(dispatch: Dispatch) -> None:
    done = await dispatch("keys", "create", "--scope", "everything")
    assert (done.code, "'everything' is not a scope; there are reports:write," in done.err) == (1, True)


@pytest.mark.usefixtures("organisation")
async def test_a_roster_is_imported_and_each_bad_line_named(dispatch: Dispatch, tmp_path: Path) -> None:
    file = sheet(
        tmp_path,
        HEADER
        + "Ada Martin,+33639980001,fr,first_aid,48.58,7.75,1990-01-31,sms,available\n"
        + "Bea Klein,+33639980002,fr,first_aid,x,7.75,1990-01-31,sms,available\n"
        + "Carl Weiss,12,fr,first_aid,48.58,7.75,1990-01-31,sms,available\n",
    )
    done = await dispatch("volunteers", "import", file)
    assert done.code == 1
    assert re.search(r"sheet\.csv:3: lat: ", done.err)
    assert re.search(r"sheet\.csv:4: phone: ", done.err)
    (listed,) = (await dispatch("volunteers", "list", "--json")).json()
    assert (listed["name"], listed["skills"]) == ("Ada Martin", ["first_aid"])
    assert "Ada Martin" in (await dispatch("volunteers", "list")).out


@pytest.mark.usefixtures("organisation")
async def test_a_clean_roster_larger_than_a_chunk_is_imported_whole(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    lines = [f"V{n},+3363998{n:04d},fr,first_aid,48.58,7.75,1990-01-31,sms,available\n" for n in range(1001)]
    done = await dispatch("volunteers", "import", sheet(tmp_path, HEADER + "".join(lines)), "--json")
    result = done.json()
    assert (done.code, result["imported"], result["added"], result["problems"]) == (0, 1001, 1001, [])
    assert len((await dispatch("volunteers", "list", "--json")).json()) == 1001


@pytest.mark.usefixtures("organisation")
async def test_a_sheet_that_excel_saved_is_read(dispatch: Dispatch, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    line = "Zoé Müller;+33639980001;fr;first_aid;48,58;7,75;1990-01-31;sms;available\n"
    file.write_bytes((HEADER.replace(",", ";") + line).encode("cp1252"))
    assert (await dispatch("volunteers", "import", file)).code == 0
    assert (await dispatch("volunteers", "list", "--json")).json()[0]["name"] == "Zoé Müller"


@pytest.mark.usefixtures("organisation")
async def test_a_dry_run_prints_what_would_change_and_a_truncated_file_takes_nobody_off(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    lines = [f"V{n},+3363998{n:04d},fr,first_aid,48.58,7.75,1990-01-31,sms,available\n" for n in range(20)]
    await dispatch("volunteers", "import", sheet(tmp_path, HEADER + "".join(lines)))
    short = sheet(tmp_path, "téléphone;dispo\n0639980000;astreinte\n", "short.csv")
    tried = await dispatch("volunteers", "import", short, "--sync", "--dry-run")
    assert tried.code == 0
    assert re.search(r"availability[ │]+1", tried.out)
    assert re.search(r"people who leave[ │]+19", tried.out)
    assert "V19" in tried.out
    refused = await dispatch("volunteers", "import", short, "--sync")
    assert (refused.code, "19 of 20 people would leave the roster" in refused.err) == (1, True)
    assert len((await dispatch("volunteers", "list", "--json")).json()) == 20
    assert (await dispatch("volunteers", "import", short, "--sync", "--yes")).code == 0
    (left,) = (await dispatch("volunteers", "list", "--json")).json()
    assert (left["name"], left["availability"]) == ("V0", "on_call")


@pytest.mark.usefixtures("organisation")
async def test_a_misspelt_heading_stops_an_import(dispatch: Dispatch, tmp_path: Path) -> None:
    file = sheet(tmp_path, HEADER.replace("phone", "telefone") + "Ada,0639980001,,,48.5,7.7,1990-01-31,,\n")
    done = await dispatch("volunteers", "import", file)
    assert (done.code, done.out) == (1, "")
    assert "`telefone`: did you mean `phone`?" in done.err


@pytest.mark.usefixtures("organisation")
async def test_a_roster_that_is_being_saved_is_not_imported(
    dispatch: Dispatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sheet(tmp_path, HEADER)

    def save(_seconds: float) -> None:
        with file.open("a") as opened:
            opened.write("Ada,+33639980001,fr,,48.58,7.75,1990-01-31,sms,available\n")

    monkeypatch.setattr(csv_tables, "sleep", save)
    done = await dispatch("volunteers", "import", file)
    assert (done.code, "is being saved" in done.err) == (2, True)
    assert (await dispatch("volunteers", "list", "--json")).json() == []


async def test_the_country_of_an_organisation_is_set(dispatch: Dispatch, tmp_path: Path) -> None:
    await dispatch("organisations", "create", "SDIS 974", "--country", "xx")
    assert (await dispatch("organisations", "list", "--json")).json() == []
    await dispatch("organisations", "create", "SDIS 974", "--country", "re")
    assert (await dispatch("organisations", "set")).code == 2
    assert (await dispatch("organisations", "set", "--country", "BE", "--area", "49,2,52,7")).code == 0
    (listed,) = (await dispatch("organisations", "list", "--json")).json()
    assert (listed["country"], listed["south"], listed["zone"]) == ("BE", 49, "Europe/Paris")
    await dispatch("duty", "set", sheet(tmp_path, "name;phone\nEva;0470 12 34 56\n"))
    assert (await dispatch("duty", "list", "--json")).json()[0]["phone"] == "+32470123456"


@pytest.mark.usefixtures("organisation")
async def test_a_change_of_an_organisation_shows_what_holds_now(dispatch: Dispatch) -> None:
    done = await dispatch("organisations", "set", "--name", "Barr", "--alarm-phone", "06 39 98 00 00")
    expected = "changed: Barr, Europe/Paris, FR, area 48.1,6.9,49.1,8.3, alarm phone +33639980000"
    assert (done.code, done.out.strip()) == (0, expected)
    listed = (await dispatch("organisations", "list")).out
    assert ("48.1,6.9,49.1,8.3" in listed, "+33639980000" in listed) == (True, True)


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    "words", [("organisations", "set", "--alarm-phone"), ("duty", "set", "--contact")], ids=["alarm", "duty"]
)
async def test_a_landline_that_would_be_paged_by_text_is_warned_of(
    dispatch: Dispatch, words: tuple[str, ...]
) -> None:
    for phone, warned in (("+33388080000", True), ("+33639980001", False)):
        typed = f"Anne:{phone}" if words[0] == "duty" else phone
        done = await dispatch(*words, typed)
        assert (done.code, "receives no texts" in done.err) == (0, warned)


@pytest.mark.usefixtures("organisation")
async def test_tables_show_whole_seconds_and_words(dispatch: Dispatch) -> None:
    await dispatch("keys", "create", "--scope", "reports:write")
    await dispatch("duty", "set", "--contact", "Anne:+33639980001", "Paul:+33639980002:en:drills")
    assert re.search(r"\d\d:\d\d:\d\d UTC", (await dispatch("keys", "list")).out)
    duty = (await dispatch("duty", "list")).out
    assert ("yes" in duty, "True" in duty, "False" in duty) == (True, False, False)


@pytest.mark.usefixtures("organisation")
async def test_a_duty_order_with_an_unknown_column_is_refused(dispatch: Dispatch, tmp_path: Path) -> None:
    done = await dispatch("duty", "set", sheet(tmp_path, "name,phone,drils\nEva,+33639980003,yes\n"))
    assert (done.code, "'drils' (did you mean 'drills'?)" in done.err) == (1, True)


@pytest.mark.usefixtures("organisation")
async def test_the_duty_order_is_set_and_listed(dispatch: Dispatch, tmp_path: Path) -> None:
    assert (
        await dispatch(
            "duty", "set", "--contact", "Anne:+33639980001", "--contact", "Paul:+33639980002:en:drills"
        )
    ).code == 0
    assert (await dispatch("duty", "list", "--json")).json() == [
        {"name": "Anne", "phone": "+33639980001", "language": "fr", "drills": False},
        {"name": "Paul", "phone": "+33639980002", "language": "en", "drills": True},
    ]
    file = sheet(tmp_path, "name;phone;language;drills\nEva;+33639980003;;yes\n")
    assert (await dispatch("duty", "set", file)).code == 0
    (eva,) = (await dispatch("duty", "list", "--json")).json()
    assert (eva["name"], eva["drills"]) == ("Eva", True)


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name;phon\nEva;+33639980003\n", "did you mean 'phone'?"),
        ('name,phone\n"Eva,+33639980003\n', ":2: a quote"),
    ],
)
async def test_a_duty_order_that_is_no_table_of_contacts_is_refused(
    dispatch: Dispatch, tmp_path: Path, text: str, word: str
) -> None:
    done = await dispatch("duty", "set", sheet(tmp_path, text))
    assert (done.code, word in done.err) == (1, True)


@pytest.mark.usefixtures("organisation")
async def test_a_bad_line_of_a_duty_order_is_named(dispatch: Dispatch, tmp_path: Path) -> None:
    done = await dispatch("duty", "set", sheet(tmp_path, "name,phone\nEva,+33639980003\nUwe,\n"))
    assert (done.code, "sheet.csv:3" in done.err) == (1, True)
    assert (await dispatch("duty", "list", "--json")).json() == []


async def test_a_pause_lasts_until_it_is_ended(
    dispatch: Dispatch, organisation: str, pool: asyncpg.Pool, clock: MovableClock
) -> None:
    uow = UnitOfWork(pool, clock)
    id_ = UUID(organisation)
    assert (await dispatch("pause", "--by", "Anne")).code == 0
    assert (await organisations.get(uow, id_)).paused_at is not None
    assert (await dispatch("resume")).code == 0
    assert (await organisations.get(uow, id_)).paused_at is None
