from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class SegmentSettings(ServiceSettings):
    """Settings of the segment service; environment prefix SEGMENT_."""

    model_config = SettingsConfigDict(env_prefix="SEGMENT_", frozen=True, extra="ignore", populate_by_name=True)

    columnar_url: str = ""
    """`chdb:///path` (one process owns it) or a ClickHouse DSN; empty: chDB in the data directory."""

    @property
    def columnar(self) -> str:
        """Return the columnar store's address."""
        return self.columnar_url or f"chdb://{self.data_dir.absolute() / 'columnar'}"
