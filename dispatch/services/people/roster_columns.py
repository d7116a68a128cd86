"""The columns of a roster: their names in English and French, and what is said of a column that is none of them."""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from itertools import islice

from dispatch.services.core.csv_tables import SEPARATORS, folded, nearest
from dispatch.services.core.errors import InvalidError

COLUMNS = (
    "name",
    "phone",
    "language",
    "skills",
    "lat",
    "lon",
    "birth_date",
    "consent",
    "availability",
    "station",
)
IN_FRENCH = (
    "nom", "téléphone", "langue", "compétences", "latitude", "longitude", "date de naissance", "consentement",
    "disponibilité", "centre",
)  # fmt: skip
NAMES = {
    "name": "name, full name, nom complet, nom et prénom, nom prénom, prénom nom, prénom et nom, bénévole, volontaire",
    "family_name": "nom, nom de famille, nom d'usage, last name, family name, surname",
    "given_name": "prénom, prénoms, first name, given name",
    "phone": "phone, phone number, mobile, mobile phone, mobile number, cell, cell phone, téléphone, tél, portable,"
    " téléphone portable, téléphone mobile, tél portable, tél mobile, numéro, numéro de téléphone, n° de téléphone,"
    " n° téléphone, n° tél, n° portable, n° de portable, numéro de portable, numéro portable, gsm",
    "language": "language, langue, lang",
    "skills": "skills, skill, compétences, compétence, qualifications, qualification, spécialités, aptitudes, diplômes,"
    " formation, formations, habilitations, brevets",
    "lat": "lat, latitude, latitude domicile, home latitude",
    "lon": "lon, lng, long, longitude, longitude domicile, home longitude",
    "birth_date": "birth date, birthdate, date of birth, dob, birthday, date de naissance, date naissance, naissance,"
    " né le, née le, né(e) le, ddn, date nais, date de naiss",
    "consent": "consent, consents, consentement, consentements, accord, opt in",
    "availability": "availability, available, disponibilité, disponibilités, disponible, dispo",
    "station": "station, fire station, home station, centre, centre d'affectation, cis, caserne,"
    " centre d'incendie et de secours",
}
BY_NAME = {folded(name): column for column, names in NAMES.items() for name in names.split(",")}
ENDS = re.compile(
    r"val(?:able|ide|id|idite)_|.*(?:_|^)(?:expir|echeance|recyclage|fin_de_valid|date_de_valid|date_de_fin)|validite$"
)
"""Headings of the day on which a skill ends, folded."""
PARTS_OF_NAME = {"family_name": "nom", "given_name": "prénom"}
BRACKETS = re.compile(r"\(.*?\)|\[.*?\]")
ALIKE = 0.75
"""The least similarity of an unknown column to the one that is suggested."""
MOST_SHOWN = 40
"""Characters of a column's name that are shown."""
MOST_TITLES = 20
"""Lines of titles that may stand above the names of the columns."""
RECOGNISED = 2
"""Columns from which a line is taken for the one that names them."""


def read_columns(
    headers: Sequence[str], ignored: Collection[str] = (), below: int | None = None
) -> dict[str, str]:
    """Return the roster's column of each of the file's; raises InvalidError that names each column it cannot read.

    `below` is a line further down that seems to name the columns.
    """
    skipped = {folded(name) for name in ignored}
    read = [cell for cell in headers if folded(cell) not in skipped]
    meanings = {cell: _meaning(cell) for cell in read}
    columns = {cell: meaning for cell, meaning in meanings.items() if meaning}
    if not columns:
        raise InvalidError("header", _no_header(below))
    present = set(columns.values())
    faults = _unread([cell for cell in meanings if cell not in columns], present)
    faults += [
        f"`{cell[:MOST_SHOWN]}` appears twice: remove one" for cell, n in Counter(read).items() if n > 1
    ]
    faults += _twice(columns)
    if "phone" not in columns.values():
        faults.append("no column `phone` (téléphone) says who a line is about")
    if faults:
        raise InvalidError("header", f"{'; '.join(faults)}. Nothing was imported")
    return columns


def heading_line(text: str) -> int | None:
    """Return the first line that names several columns, counted from 1; titles may stand above it."""
    for number, line in enumerate(islice(StringIO(text, newline=None), MOST_TITLES), 1):
        cells = re.split(rf"[{SEPARATORS}]", line.replace('"', ""))
        if sum(_meaning(cell) is not None for cell in cells) >= RECOGNISED:
            return number
    return None


def named(columns: Mapping[str, str]) -> set[str]:
    """Return the columns of the roster that the file has."""
    return {"name" if column in PARTS_OF_NAME else column for column in columns.values()}


def _meaning(cell: str) -> str | None:
    """Return the column that a heading means, also without what it adds in brackets, such as (JJ/MM/AAAA)."""
    return BY_NAME.get(folded(cell)) or BY_NAME.get(folded(BRACKETS.sub("", cell)))


def _no_header(below: int | None) -> str:
    known = f"{','.join(COLUMNS)} (or {','.join(IN_FRENCH)})"
    titles = f"; line {below} seems to: remove the lines above it" if below else ""
    return f"the first line must name the columns, such as {known}{titles}. Nothing was imported"


def _unread(cells: Sequence[str], present: Collection[str]) -> list[str]:
    """Return what is wrong with columns that nothing reads, and the option that leaves them out."""
    if not cells:
        return []
    advice = {cell: _advice(cell, present) for cell in cells}
    strange = [_shown(cell) for cell in cells if advice[cell] is None]
    named = f"{', '.join(strange)}: no such column{'s' if len(strange) > 1 else ''}"
    return [
        *(f"{_shown(cell)}: {said}" for cell, said in advice.items() if said),
        *([named] if strange else []),
        f"correct the names, or leave columns out: --ignore {shlex.join(cells)}",
    ]


def _shown(cell: str) -> str:
    return f"`{cell[:MOST_SHOWN]}`"


def _advice(cell: str, present: Collection[str]) -> str | None:
    """Return what a column seems to mean, None where it is like none that is lacking."""
    if ENDS.match(folded(cell)):
        return "the last day of a skill is written after it, as first_aid:2027-05-31, in the column of skills"
    meant = nearest(cell, BY_NAME, ALIKE)
    if meant is None or BY_NAME[meant] in present:
        return None
    column = BY_NAME[meant]
    return f"did you mean `{PARTS_OF_NAME.get(column, column)}`?"


def _twice(columns: Mapping[str, str]) -> list[str]:
    first: dict[str, str] = {}
    faults = [
        f"`{first[column]}` and `{cell}` both mean {column}: ignore one of them"
        for cell, column in columns.items()
        if first.setdefault(column, cell) != cell
    ]
    part = next((first[part] for part in PARTS_OF_NAME if part in first), None)
    if "name" in first and part:
        faults.append(f"`{first['name']}` and `{part}` both give the name: ignore one of them")
    return faults
