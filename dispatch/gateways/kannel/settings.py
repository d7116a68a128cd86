"""The settings of Kannel: `DISPATCH_KANNEL_…`."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class KannelSettings(BaseSettings):
    """Where Kannel is, and how it and Renfort authenticate to each other; without a URL Kannel is not used."""

    model_config = SettingsConfigDict(env_prefix="DISPATCH_KANNEL_", extra="ignore")

    url: str = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    key: SecretStr = SecretStr("")
