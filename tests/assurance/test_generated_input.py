"""Requests generated from what the services say about themselves, good and bad: never a server error."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.assurance.routes import SERVICES
from tests.e2e.brand import Brand
from tests.fixtures.system import START, BrandOf

EXAMPLES = "20" if os.environ.get("RAPPORT_EVERY") == "1" else "1"
"""Drawn for each operation, beside all that covers its description; with RAPPORT_EVERY=1 more."""
METHODS = '[phases.coverage]\nunexpected-methods = ["trace"]\n'
"""Of the methods a path does not know one is enough: the router refuses each of them alike."""
SHARED = r"^/(live|ready)$|/(clock|drained)$|^/v1/segment/columnar/rebuild$"
"""Health takes no input; each answer about the clock waits for five services; during a rebuild questions are told to
wait, with the status of a server that is away."""
SAME_EVERYWHERE = r"/(backlog|watermark|dead-letters)$"
INSTALLATION = r"|^/v1/identity/workspaces"


async def generated(brand: Brand, service: str, folder: Path) -> tuple[int, str]:
    """Let schemathesis call the service as the brand's own key; return its exit status and report."""
    key = (await brand.post("identity", "/v1/identity/keys", {"name": "generator", "scopes": ["*"]}))["key"]
    left_out = SHARED + (INSTALLATION if service == "identity" else f"|{SAME_EVERYWHERE}")
    (folder / "schemathesis.toml").write_text(METHODS)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{brand.stack.url(service)}/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--checks", "not_a_server_error", "--max-examples", EXAMPLES,
        "--phases", "coverage,fuzzing", "--exclude-path-regex", left_out, "--suppress-health-check", "all",
        "--warnings", "off", "--no-shrink", "--continue-on-failure", "--no-color", "--request-timeout", "30",
        "--seed", "7", "--generation-database", "none",
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    report, _ = await process.communicate()
    return process.returncode or 0, report.decode(errors="replace")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", SERVICES)
async def test_no_request_that_fits_or_breaks_the_description_is_a_server_error(
    service: str, a_brand: BrandOf, tmp_path: Path
) -> None:
    brand = await a_brand(START)
    status, report = await generated(brand, service, tmp_path)
    assert status == 0, report
    assert "No issues found" in report
