"""What the operator sets for messaging; environment prefix MESSAGING_."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.settings import ServiceSettings


class MessagingSettings(ServiceSettings):
    """The shared settings, the mail relay, and the sandbox of the templates."""

    model_config = SettingsConfigDict(env_prefix="MESSAGING_", frozen=True, extra="ignore", populate_by_name=True)

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_connections: int = Field(default=4, ge=1, le=64)
    smtp_timeout_seconds: float = Field(default=30.0, gt=0)
    smtp_from: str = "news@rapport.example"
    """The sender where a workspace names none."""
    smtp_domains: Annotated[tuple[str, ...], NoDecode] = ()
    """Domains (with their sub-domains) this relay may send for, by comma; empty: the domain of `smtp_from`."""
    smtp_lookup_url: str = ""
    """Where the relay tells what became of a Message-ID; empty: it cannot be asked."""
    render_processes: int = Field(default=2, ge=1, le=32)
    consent_lease_seconds: float = Field(default=2.0, gt=0, le=2.0)
    """How old a consent answer may be when a handoff begins; never more than the promised 2 s."""
    handoff_lease_seconds: float = Field(default=60.0, gt=0)
    """After this long without news a handed-over message counts as unknown."""
    trail_days: int = Field(default=760, ge=35)
    """How long the trail of a message is kept: by default as long as raw events are, 25 months."""

    @field_validator("smtp_domains", mode="before")
    @classmethod
    def _domains_by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _a_handoff_ends_within_its_lease(self) -> Self:
        longest = self.consent_lease_seconds + self.smtp_timeout_seconds
        if self.handoff_lease_seconds <= longest:
            raise ValueError(f"handoff_lease_seconds must exceed {longest:g} s, the longest a handoff can take")
        return self

    @property
    def sending_domains(self) -> tuple[str, ...]:
        """Return the domains mail may come from."""
        return self.smtp_domains or (self.smtp_from.rpartition("@")[2].lower(),)
