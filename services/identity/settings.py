from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class IdentitySettings(ServiceSettings):
    """Settings of the identity service; environment prefix IDENTITY_."""

    model_config = SettingsConfigDict(env_prefix="IDENTITY_", frozen=True, extra="ignore", populate_by_name=True)

    admin_key_hash: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """SHA-256 (hex) of the installation's administrator key; empty: none is made at start."""
    import_dir: str = ""
    """Directory from which imports may read local files; empty: uploads only."""
    preview_rows: int = Field(default=2_000_000, gt=0)
    """The largest file of which a preview is made: it takes about a kilobyte of memory a row that names several new
    identifiers. An import takes files of any size."""
    erasure_ledger: str = ""
    """File in which erasures are written down beside the database; empty: `erasures.ndjson` in the data directory."""
    resolve_seconds: float = Field(default=0.05, gt=0)
    """How long one transaction of the resolver should last: who asks about identifiers in it waits as long. More of it
    resolves more events a second."""
    wechat_url: str = "https://api.weixin.qq.com"
    """Where WeChat's server API is, for log-in codes and followers' unionids."""
    wecom_url: str = "https://qyapi.weixin.qq.com"
    """Where WeCom's server API is, for external contacts' unionids."""
