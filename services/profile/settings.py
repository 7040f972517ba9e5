from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class ProfileSettings(ServiceSettings):
    """Settings of the profile service; environment prefix PROFILE_."""

    model_config = SettingsConfigDict(env_prefix="PROFILE_", frozen=True, extra="ignore", populate_by_name=True)
