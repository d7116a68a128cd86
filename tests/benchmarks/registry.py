"""The registry of measures: each module of `measures` and the soak, in the order of the table."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from tests.benchmarks import measures, soak

ORDER = (
    "chain",
    "crowd",
    "drain",
    "workers",
    "replies",
    "settled",
    "positions",
    "agenda",
    "choosing",
    "overload",
    "soak",
    "up",
    "idle",
)
"""Measures that are not listed come after these."""


class UnknownMeasureError(Exception):
    """The measure does not exist; the text lists those that do."""


def known() -> dict[str, ModuleType]:
    """Return all measures by name."""
    found = {module.NAME: module for module in _modules()}
    return dict(sorted(found.items(), key=lambda item: (_place(item[0]), item[0])))


def chosen(names: Iterable[str]) -> dict[str, ModuleType]:
    """Return the named measures in order; all if none is named."""
    found = known()
    if unknown := set(names) - found.keys():
        raise UnknownMeasureError(
            f"no measure is called {', '.join(sorted(unknown))}; there are {', '.join(found)}"
        )
    return {name: module for name, module in found.items() if not names or name in set(names)}


def _modules() -> Iterator[ModuleType]:
    yield soak
    for found in iter_modules(measures.__path__):
        yield import_module(f"{measures.__name__}.{found.name}")


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)
