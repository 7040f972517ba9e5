"""The Segment SDK of npm works unchanged against this system."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.served import served
from tests.identity.collection.conftest import Door, door, open_door

__all__ = ["door", "open_door"]

PACKAGE = "@segment/analytics-node"
SCRIPT = """
const { Analytics } = require('@segment/analytics-node');
const analytics = new Analytics({ writeKey: process.argv[2], host: process.argv[3], flushAt: 20, maxRetries: 1 });
const failures = [];
analytics.on('error', (error) => failures.push(String(error.reason || error.code)));
analytics.identify({ userId: 'u1', traits: { email: 'wang@example.com' } });
analytics.track({ userId: 'u1', event: 'Order Completed', properties: { total: 12.5 }, messageId: 'order-1' });
analytics.track({ userId: 'u1', event: 'Order Completed', properties: { total: 12.5 }, messageId: 'order-1' });
analytics.page({ userId: 'u1', name: 'Basket' });
analytics.screen({ userId: 'u1', name: 'Basket' });
analytics.group({ userId: 'u1', groupId: 'firm-1' });
analytics.alias({ userId: 'u1', previousId: 'visitor-1' });
for (let n = 0; n < 100; n++) analytics.track({ anonymousId: 'visitor-1', event: 'Seen', properties: { n } });
analytics.closeAndFlush({ timeout: 20000 }).then(() => { console.log(JSON.stringify(failures)); });
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the SDK is installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", PACKAGE]
    try:
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{PACKAGE} could not be installed in time")
    if installed.returncode:
        pytest.skip(f"{PACKAGE} could not be installed: {installed.stderr[-300:]}")
    (folder / "speak.js").write_text(SCRIPT)
    return folder


async def test_every_call_of_the_node_sdk_is_taken_once(sdk: Path, door: Door) -> None:
    async with served(door) as host:
        process = await asyncio.create_subprocess_exec(
            "node", "speak.js", door.server_key, host, cwd=sdk, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    assert json.loads(out.decode().splitlines()[-1]) == []
    counts = await door.counts()
    assert (counts["accepted"], counts["conflict"] + counts["duplicate"], counts["quarantined"]) == (106, 1, 0)
    libraries = await door.rows("select distinct kind from event_log")
    assert {row["kind"] for row in libraries} == {"identify", "track", "page", "screen", "group", "alias"}
