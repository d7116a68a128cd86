"""Reading CSV files as spreadsheet programs save them."""

from pathlib import Path

from dispatch.config import MisuseError


def read_text(file: Path) -> str:
    """Read a CSV file in UTF-8, else in the encoding that Windows uses in Western Europe; raises MisuseError."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise MisuseError(f"{file}: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
