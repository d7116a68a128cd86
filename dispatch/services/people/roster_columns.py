"""The columns of a roster: their names in English and French, and what is said of a column that is none of them."""

import re
from collections.abc import Collection, Mapping, Sequence

from dispatch.services.core.csv_tables import folded, nearest
from dispatch.services.core.errors import InvalidError

COLUMNS = ("name", "phone", "language", "skills", "lat", "lon", "birth_date", "consent", "availability")
IN_FRENCH = (
    "nom", "téléphone", "langue", "compétences", "latitude", "longitude", "date de naissance", "consentement",
    "disponibilité",
)  # fmt: skip
NAMES = {
    "name": "name, full name, nom complet, nom et prénom, nom prénom, prénom nom, prénom et nom, bénévole, volontaire",
    "family_name": "nom, nom de famille, nom d'usage, last name, family name, surname",
    "given_name": "prénom, prénoms, first name, given name",
    "phone": "phone, phone number, mobile, mobile phone, mobile number, cell, cell phone, téléphone, tél, portable,"
    " téléphone portable, téléphone mobile, tél portable, tél mobile, numéro, numéro de téléphone, n° de téléphone,"
    " n° téléphone, n° tél, n° portable, n° de portable, numéro de portable, numéro portable, gsm",
    "language": "language, langue, lang",
    "skills": "skills, skill, compétences, compétence, qualifications, qualification, spécialités, aptitudes, diplômes",
    "lat": "lat, latitude, latitude domicile, home latitude",
    "lon": "lon, lng, long, longitude, longitude domicile, home longitude",
    "birth_date": "birth date, birthdate, date of birth, dob, birthday, date de naissance, date naissance, naissance,"
    " né le, née le, né(e) le, ddn, date nais, date de naiss",
    "consent": "consent, consents, consentement, consentements, accord, opt in",
    "availability": "availability, available, disponibilité, disponibilités, disponible, dispo",
}
BY_NAME = {folded(name): column for column, names in NAMES.items() for name in names.split(",")}
PARTS_OF_NAME = {"family_name": "nom", "given_name": "prénom"}
BRACKETS = re.compile(r"\(.*?\)|\[.*?\]")
ALIKE = 0.75
"""The least similarity of an unknown column to the one that is suggested."""
MOST_SHOWN = 40
"""Characters of a column's name that are shown."""


def read_columns(headers: Sequence[str], ignored: Collection[str] = ()) -> dict[str, str]:
    """Return the roster's column of each of the file's; raises InvalidError that names each column it cannot read."""
    skipped = {folded(name) for name in ignored}
    meanings = {cell: _meaning(cell) for cell in headers if folded(cell) not in skipped}
    if not any(meanings.values()):
        known = f"{','.join(COLUMNS)} (or {','.join(IN_FRENCH)})"
        raise InvalidError("header", f"the first line must name the columns, such as {known}")
    columns = {cell: meaning for cell, meaning in meanings.items() if meaning}
    faults = [f"`{cell[:MOST_SHOWN]}`: {_advice(cell)}" for cell, meaning in meanings.items() if not meaning]
    faults += _twice(columns)
    if "phone" not in columns.values():
        faults.append("no column `phone` (téléphone) says who a line is about")
    if faults:
        raise InvalidError("header", f"{'; '.join(faults)}. Nothing was imported")
    return columns


def named(columns: Mapping[str, str]) -> set[str]:
    """Return the columns of the roster that the file has."""
    return {"name" if column in PARTS_OF_NAME else column for column in columns.values()}


def _meaning(cell: str) -> str | None:
    """Return the column that a heading means, also without what it adds in brackets, such as (JJ/MM/AAAA)."""
    return BY_NAME.get(folded(cell)) or BY_NAME.get(folded(BRACKETS.sub("", cell)))


def _advice(cell: str) -> str:
    meant = nearest(cell, BY_NAME, ALIKE)
    if meant is None:
        return "no such column; correct it, or ignore it"
    column = BY_NAME[meant]
    return f"did you mean `{PARTS_OF_NAME.get(column, column)}`? Correct it, or ignore it"


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
