"""Settings and input that are not valid, in words: which one, what is allowed, what is there, and an example."""

from collections.abc import Iterator

from pydantic import ValidationError

from dispatch.config import EXAMPLES
from schemas.invalid_fields import sentence

SETTINGS = "Settings"
"""How the names of the models of settings end; what stands before it is part of their variables' names."""
SECRET = ("PASSWORD", "KEY", "POSTGRES")
"""Variables whose values may hold a secret, and are not repeated."""


def explain(error: ValidationError) -> str:
    """Return every invalid setting or field on a line of its own."""
    return "\n".join(_lines(error))


def _lines(error: ValidationError) -> Iterator[str]:
    of_settings = error.title.endswith(SETTINGS)
    for detail in error.errors(include_url=False):
        name = ".".join(map(str, detail["loc"]))
        if of_settings:
            name = "_".join(filter(None, ("DISPATCH", error.title.removesuffix(SETTINGS), name))).upper()
        example = f"{name}={EXAMPLES[name]}" if name in EXAMPLES else ""
        yield f"{name or 'input'}: {sentence(detail, example=example, shown=not name.endswith(SECRET))}"
