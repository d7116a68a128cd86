"""What `dispatch up` writes for its user: the addresses, which other commands read, and the first keys."""

from collections.abc import Mapping
from pathlib import Path

import orjson
from pydantic import SecretStr

from dispatch.config import Settings

FILE = "addresses.json"
FIRST_KEYS = "first-keys"


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


def write_first_keys(folder: Path, keys: Mapping[str, str]) -> Path:
    """Write keys to a file, each on a line after its holder; only its owner may read it. Return the file."""
    path = folder / FIRST_KEYS
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{holder} {key}\n" for holder, key in keys.items()))
    return draft.replace(path)
