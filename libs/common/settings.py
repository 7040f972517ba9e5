"""Settings every service shares; each service derives one frozen class with its own prefix."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Role = Literal["api", "subscribers", "jobs"]
Mode = Literal["production", "demo", "test"]

SAMPLE_SECRETS = frozenset({"", "changeme", "change-me", "secret", "sample", "example", "password"})


def shared(name: str) -> AliasChoices:
    """Return the names under which a setting common to all services is read: RAPPORT_<NAME>."""
    return AliasChoices(f"RAPPORT_{name.upper()}", name)


class ServiceSettings(BaseSettings):
    """Database, bus, neighbours and secrets of one service; read once in `main`, passed down, never changed."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    database_url: str = "postgresql://127.0.0.1:5432/rapport"
    """DSN of the application role (row-level security applies)."""
    worker_database_url: str = ""
    """DSN of the worker role that may read the claim queues; empty: derived by the caller from `database_url`."""
    database_pool_size: int = Field(default=8, ge=1)
    nats_url: str = Field(default="nats://127.0.0.1:4222", validation_alias=shared("nats_url"))
    nats_user: str = ""
    nats_password: SecretStr = SecretStr("")
    host: str = "127.0.0.1"
    port: int = 0
    roles: Annotated[frozenset[Role], NoDecode] = Field(
        default=frozenset({"api", "subscribers", "jobs"}), validation_alias=shared("roles")
    )
    mode: Mode = Field(default="production", validation_alias=shared("mode"))
    master_key: SecretStr = Field(default=SecretStr(""), validation_alias=shared("master_key"))
    """Base64 of 32 bytes that wrap the workspaces' data keys."""
    service_secret: SecretStr = Field(default=SecretStr(""), validation_alias=shared("service_secret"))
    """Secret that signs the calls between services."""
    identity_url: str = Field(default="http://127.0.0.1:8101", validation_alias=shared("identity_url"))
    profile_url: str = Field(default="http://127.0.0.1:8102", validation_alias=shared("profile_url"))
    segment_url: str = Field(default="http://127.0.0.1:8103", validation_alias=shared("segment_url"))
    journey_url: str = Field(default="http://127.0.0.1:8104", validation_alias=shared("journey_url"))
    messaging_url: str = Field(default="http://127.0.0.1:8105", validation_alias=shared("messaging_url"))
    public_url: str = Field(default="", validation_alias=shared("public_url"))
    """Where the public reaches the system; empty: each service's own address."""
    log_level: str = Field(default="INFO", validation_alias=shared("log_level"))
    otlp_endpoint: str = Field(default="", validation_alias=shared("otlp_endpoint"))
    data_dir: Path = Field(default=Path(".rapport"), validation_alias=shared("data_dir"))

    @field_validator("roles", mode="before")
    @classmethod
    def _roles_by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _secrets_are_set(self) -> Self:
        for name in ("master_key", "service_secret"):
            secret: SecretStr = getattr(self, name)
            if secret.get_secret_value().lower() in SAMPLE_SECRETS:
                raise ValueError(
                    f"RAPPORT_{name.upper()} is missing or a sample value; set it to 32 random bytes in base64"
                )
        return self

    @property
    def worker_url(self) -> str:
        """Return the worker role's DSN."""
        return self.worker_database_url or self.database_url

    def url_of(self, service: str) -> str:
        """Return the base address of a service."""
        return str(getattr(self, f"{service}_url")).rstrip("/")
