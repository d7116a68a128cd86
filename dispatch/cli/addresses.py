"""The addresses of a running installation: `dispatch up` writes them to a file, and other commands read it."""

from pathlib import Path

import orjson
from pydantic import SecretStr

from dispatch.config import Settings

FILE = "addresses.json"


def write_addresses(folder: Path, **addresses: str) -> None:
    """Write the addresses that client commands read; only their owner may read the file."""
    path = folder / FILE
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(addresses))


def read_addresses(settings: Settings) -> Settings:
    """Return the settings with empty addresses replaced by those that `dispatch up` wrote."""
    path = settings.folder / FILE
    found = orjson.loads(path.read_bytes()) if path.exists() else {}
    postgres = settings.postgres.get_secret_value() or found.get("postgres", "")
    changes = {"kafka": settings.kafka or found.get("kafka", ""), "postgres": SecretStr(postgres)}
    return settings.model_copy(update=changes)
