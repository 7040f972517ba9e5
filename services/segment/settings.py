from typing import Self, get_args

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from libs.common.settings import Role, ServiceSettings


class SegmentSettings(ServiceSettings):
    """Settings of the segment service; environment prefix SEGMENT_."""

    model_config = SettingsConfigDict(env_prefix="SEGMENT_", frozen=True, extra="ignore", populate_by_name=True)

    columnar_url: str = ""
    """`chdb:///path` (one process owns it) or a ClickHouse DSN; empty: chDB in the data directory."""

    most_rows_read: int = 2_000_000_000
    """Rows of the columnar store one definition may read when everybody is asked; more is refused when published."""

    columnar_cache_bytes: int = Field(1_000_000_000, ge=0)
    """Memory the embedded store keeps what it read in, unpacked: four conditions on 10 M persons fill 620 MB."""

    @model_validator(mode="after")
    def _one_process_owns_the_embedded_store(self) -> Self:
        if self.columnar.startswith("chdb:") and self.roles != frozenset(get_args(Role)):
            raise ValueError(
                "chDB lives in this process: give it all roles, or name a ClickHouse server in SEGMENT_COLUMNAR_URL"
            )
        return self

    @property
    def columnar(self) -> str:
        """Return the columnar store's address."""
        return self.columnar_url or f"chdb://{self.data_dir.absolute() / 'columnar'}"
