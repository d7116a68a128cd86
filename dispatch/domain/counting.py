"""Numbers with their nouns, as they are read."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, in the singular for one; `many` is the plural that is not formed with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
