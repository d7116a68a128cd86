"""Reading CSV files as spreadsheet programs save them."""

from pathlib import Path

from dispatch.config import MisuseError
from dispatch.services.core.csv_tables import decode, snapshot
from dispatch.services.core.errors import InvalidError


def read_text(file: Path) -> str:
    """Return the text of a CSV file, whatever its encoding; raises MisuseError."""
    try:
        return decode(snapshot(file)).removeprefix("\ufeff")
    except InvalidError as error:
        raise MisuseError(f"{file}: {error}") from None
