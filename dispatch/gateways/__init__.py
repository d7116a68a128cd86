"""One folder per provider; a folder offers itself as `PROVIDER`, and nothing outside it knows its name."""

from importlib import import_module
from pkgutil import iter_modules

from dispatch.services.messaging.gateway import Provider


def providers() -> list[Provider]:
    """Return what each folder offers, by name."""
    names = sorted(found.name for found in iter_modules(__path__))
    offered: list[Provider] = [import_module(f"{__name__}.{name}").PROVIDER for name in names]
    return offered
