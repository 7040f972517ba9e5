"""One public host can route all five services: a path says whose it is."""

import importlib

from libs.common.db.migrate import SERVICES
from libs.common.service import app_of

SHARED = {"/live", "/ready"}
COLLECTOR = {
    "track", "identify", "page", "screen", "group", "alias", "batch", "projects", "pixel", "imports", "webhooks",
}  # fmt: skip


def paths_of(service: str) -> set[str]:
    app = app_of(importlib.import_module(f"services.{service}.main").definition)
    return set(app.openapi()["paths"]) - SHARED


def test_a_path_names_its_service_unless_it_is_the_collectors() -> None:
    for service in SERVICES:
        strays = {path for path in paths_of(service) if not path.startswith(f"/v1/{service}/")}
        collected = {path for path in strays if path.split("/")[2] in COLLECTOR}
        assert strays == (collected if service == "identity" else set())
