"""The commands on stations and other muster points."""

from pathlib import Path

import pytest

from tests.cli.invocations import Dispatch, sheet


@pytest.mark.usefixtures("organisation")
async def test_an_invalid_line_is_named_with_its_file_and_column_and_the_others_are_imported(
    dispatch: Dispatch, tmp_path: Path
) -> None:
    file = sheet(
        tmp_path,
        "nom;type;latitude;longitude\nCIS Barr;centre;48,41;7,45\nMairie;gare;48,4;7,4\nÉcole;gare;48,4;7,4\n",
    )
    done = await dispatch("muster", "import", file)
    assert f"{file}:3-4: kind: write station or point (centre, lieu)" in done.err
    assert (done.code, "1 muster point imported" in done.out, "left out: 2 lines" in done.err) == (
        1,
        True,
        True,
    )
    (point,) = (await dispatch("muster", "list", "--json")).json()
    assert (point["name"], point["kind"], point["members"]) == ("CIS Barr", "station", 0)
    assert (await dispatch("muster", "remove", "CIS Barr")).code == 0
    assert (await dispatch("muster", "list", "--json")).json() == []
