"""The settings, all from the environment: `DISPATCH_…`."""

import re
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from dispatch.domain import retention
from schemas.generations import GENERATION, OLDEST

HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d{1,5})?")
LISTENER = re.compile(r"[^:\s]+:\d{1,5}")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
CLEAR_LINKS_WARNING = (
    "whoever is on the same network reads and gives a volunteer's answers: put a proxy with TLS in front, and set "
    "DISPATCH_PUBLIC_URL to https://…"
)
DATABASE = (
    "is no address of a database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, where / @ : ? # and % in a password "
    "are written as %2F %40 %3A %3F %23 %25"
)


def _valid_address(dsn: SecretStr) -> SecretStr:
    """Refuse a malformed address here: a driver would repeat it in an error, with its password."""
    address = urlsplit(dsn.get_secret_value())
    hosts = address.netloc.rpartition("@")[2].split(",")
    well = address.scheme in ("postgresql", "postgres") and all(map(HOST.fullmatch, hosts))
    if dsn.get_secret_value() and not well:
        raise ValueError(DATABASE)
    return dsn


def _valid_listener(listener: str) -> str:
    """Refuse what is no host with a port."""
    if not LISTENER.fullmatch(listener):
        msg = "must be a host and a port"
        raise ValueError(msg)
    return listener


def _valid_proxies(proxies: str) -> str:
    """Refuse what is no address or network: the server would silently never trust it."""
    for one in filter(None, proxies.split(",")):
        try:
            ip_network(one.strip())
        except ValueError:
            raise ValueError(f"must be addresses or networks; {one.strip()} is none") from None
    return proxies


def _valid_periods(changes: str) -> str:
    retention.periods(changes)
    return changes


EXAMPLES: dict[str, str] = {
    "DISPATCH_KAFKA": "kafka-1:9092,kafka-2:9092",
    "DISPATCH_KAFKA_USERNAME": "renfort",
    "DISPATCH_KAFKA_MECHANISM": "SCRAM-SHA-512",
    "DISPATCH_KAFKA_TLS": "true",
    "DISPATCH_KAFKA_CA": "/etc/renfort/kafka-ca.pem",
    "DISPATCH_KAFKA_CERT": "/etc/renfort/client.pem",
    "DISPATCH_KAFKA_KEY": "/etc/renfort/client.key",
    "DISPATCH_POSTGRES": "postgresql://renfort:PASSWORD@db.example.org:5432/renfort",
    "DISPATCH_DATA": "/var/lib/renfort",
    "DISPATCH_PLANS": "/etc/renfort/plans",
    "DISPATCH_HTTP": "0.0.0.0:8080",
    "DISPATCH_PROXIES": "10.0.0.1,10.1.0.0/16",
    "DISPATCH_PUBLIC_URL": "https://renfort.example.org",
    "DISPATCH_STREAMS": "500",
    "DISPATCH_STREAMS_PER_ORGANISATION": "200",
    "DISPATCH_STREAMS_PER_KEY": "20",
    "DISPATCH_REPLICATION": "3",
    "DISPATCH_MIN_INSYNC": "2",
    "DISPATCH_GUARDED_TOPIC": "true",
    "DISPATCH_GUARDED_POSITIONS": "true",
    "DISPATCH_BACKUP": "/mnt/backup/renfort",
    "DISPATCH_WRITE_GENERATION": str(GENERATION),
    "DISPATCH_KEEP": "report_texts=90,rounds=730",
    "DISPATCH_LOG": "warning",
}
"""An example of each setting, for errors and the reference."""


class MisuseError(Exception):
    """The command cannot be run as it was typed; the text says how."""


class Settings(BaseSettings):
    """The settings of an operator; without an address of Kafka or Postgres, the embedded one is used."""

    model_config = SettingsConfigDict(env_prefix="DISPATCH_", extra="ignore")

    kafka: str = ""
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_tls: bool = False
    kafka_ca: Path | None = None
    kafka_cert: Path | None = None
    kafka_key: Path | None = None
    postgres: Annotated[SecretStr, AfterValidator(_valid_address)] = SecretStr("")
    data: Path = Path("~/.local/share/renfort")
    plans: Path | None = None
    http: Annotated[str, AfterValidator(_valid_listener)] = "127.0.0.1:8080"
    proxies: Annotated[str, AfterValidator(_valid_proxies)] = ""
    public_url: HttpUrl | None = None
    streams: Annotated[int, Field(ge=1)] = 500
    streams_per_organisation: Annotated[int, Field(ge=1)] = 200
    streams_per_key: Annotated[int, Field(ge=1)] = 20
    replication: Annotated[int, Field(ge=1, le=10)] = 1
    min_insync: Annotated[int, Field(ge=1, le=10)] = 1
    guarded_topic: bool = False
    guarded_positions: bool = False
    backup: Path | None = None
    write_generation: Annotated[
        int | None, Field(ge=OLDEST, le=GENERATION), BeforeValidator(lambda text: text or None)
    ] = None
    keep: Annotated[str, AfterValidator(_valid_periods)] = ""
    key: SecretStr = SecretStr("")
    log: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def folder(self) -> Path:
        """The data folder, with the home directory expanded."""
        return self.data.expanduser()

    @property
    def backups(self) -> Path | None:
        """The folder of backups as an absolute path, with the home directory expanded."""
        return self.backup and self.backup.expanduser().absolute()

    @property
    def retention_days(self) -> dict[str, int]:
        """The days for which each table with expiring rows retains them."""
        return retention.periods(self.keep)

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.http.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.http.rpartition(":")[2])

    @property
    def links(self) -> str:
        """The URL with which links in messages begin."""
        return str(self.public_url).rstrip("/") if self.public_url else f"http://{self.http}"

    @property
    def links_in_clear(self) -> bool:
        """Whether links are sent to phones that pass the network unencrypted."""
        url = self.public_url
        return url is not None and url.scheme == "http" and url.host not in LOOPBACK


def token_secret(folder: Path) -> bytes:
    """Return the secret from which volunteers' links are derived; created on first use, readable by its owner only."""
    path = folder / "token-secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(32))
        draft.replace(path)
    return path.read_bytes()
