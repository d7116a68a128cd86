"""The settings, all from the environment: `DISPATCH_…`."""

import re
import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from dispatch.domain import retention
from schemas.generations import GENERATION, OLDEST

HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d{1,5})?")
DATABASE = (
    "is no address of a database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, where / @ : ? # and % in a password "
    "are written as %2F %40 %3A %3F %23 %25"
)


def _reachable(dsn: SecretStr) -> SecretStr:
    """Refuse what no driver could read, before one repeats it in an error."""
    address = urlsplit(dsn.get_secret_value())
    hosts = address.netloc.rpartition("@")[2].split(",")
    well = address.scheme in ("postgresql", "postgres") and all(map(HOST.fullmatch, hosts))
    if dsn.get_secret_value() and not well:
        raise ValueError(DATABASE)
    return dsn


def _possible(changes: str) -> str:
    retention.periods(changes)
    return changes


class MisuseError(Exception):
    """The command cannot be run as it was typed; the text says how."""


class Settings(BaseSettings):
    """What an operator may set; an empty Kafka or Postgres means the embedded one."""

    model_config = SettingsConfigDict(env_prefix="DISPATCH_", extra="ignore")

    kafka: str = ""
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_mechanism: Annotated[str, Field(pattern=r"^SCRAM-SHA-(256|512)$")] = "SCRAM-SHA-512"
    kafka_tls: bool = False
    kafka_ca: Path | None = None
    kafka_cert: Path | None = None
    kafka_key: Path | None = None
    postgres: Annotated[SecretStr, AfterValidator(_reachable)] = SecretStr("")
    data: Path = Path("~/.local/share/renfort")
    plans: Path | None = None
    http: Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")] = "127.0.0.1:8080"
    public_url: HttpUrl | None = None
    replication: Annotated[int, Field(ge=1, le=10)] = 1
    min_insync: Annotated[int, Field(ge=1, le=10)] = 1
    guarded_topic: bool = False
    backup: Path | None = None
    write_generation: Annotated[
        int | None, Field(ge=OLDEST, le=GENERATION), BeforeValidator(lambda text: text or None)
    ] = None
    keep: Annotated[str, AfterValidator(_possible)] = ""
    log: Annotated[str, Field(pattern=r"^(debug|info|warning|error)$")] = "info"

    @property
    def folder(self) -> Path:
        """Give the data folder, the home directory expanded."""
        return self.data.expanduser()

    @property
    def backups(self) -> Path | None:
        """Give the folder of backups, the home directory expanded."""
        return self.backup and self.backup.expanduser().absolute()

    @property
    def kept(self) -> dict[str, int]:
        """Give the days that each table is kept whose rows expire."""
        return retention.periods(self.keep)

    @property
    def host(self) -> str:
        """Give the address to listen on."""
        return self.http.rpartition(":")[0]

    @property
    def port(self) -> int:
        """Give the port to listen on."""
        return int(self.http.rpartition(":")[2])

    @property
    def links(self) -> str:
        """Give the address that links in messages begin with."""
        return str(self.public_url).rstrip("/") if self.public_url else f"http://{self.http}"


def token_secret(folder: Path) -> bytes:
    """Read the secret that volunteers' links are derived from; make it on first use, readable by its owner only."""
    path = folder / "token-secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(32))
        draft.replace(path)
    return path.read_bytes()
