"""Settings of the journey service."""

from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class JourneySettings(ServiceSettings):
    """Settings of the journey service; environment prefix JOURNEY_."""

    model_config = SettingsConfigDict(env_prefix="JOURNEY_", frozen=True, extra="ignore", populate_by_name=True)
