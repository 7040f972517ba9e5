"""Every program of bench/ still does what it says, at a size that measures nothing."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = {  # a program, and the switches that make it another
    "collect_events": "--seconds 1 --runs 1",
    "identity_bridge": "--accounts 3 --fans 20 --members 20 --bridges 10",
    "identity_bridge --login": "--accounts 3 --fans 10 --members 10 --bridges 5",
    "identity_hub": "--links 300 --settle 50",
    "identity_rebuild": "--nodes 2000 --persons 50 --live 20 --runs 1",
    "identity_resolve": "--persons 30 --runs 1 --resolves 3",
    "journey_steps": "--persons 50 --runs 1",
    "live_calendar": "--persons 60",
    "live_segments": "--persons 200 --events 2000 --rate 40 --seconds 2 --warm 1 --one-in 10",
    "random_histories": "--histories 10",
    "read_profiles": "--persons 50 --reads 20 --runs 1 --events 200",
    "segment_histories": "--histories 2 --batch 2 --workers 1",
    "segment_ingest": "--events 100 --known 50 --batch 50",
    "segment_layouts": "--persons 100 --events 1000",
    "segment_queries": "--persons 200 --events 2000 --runs 1",
    "send_messages": "--messages 30 --runs 1",
    "service_histories": "--histories 2 --rounds 2",
    "start_system": "--runs 0 --settle 1",
    "whole_way": "--seconds 0.3 --segments 2 --persons 60 --rate 20",
}
NEEDS_DATA = {"match_records"}
PARTS = {
    "bridge_humans", "dense_history", "identity_alone", "identity_login", "live_load", "live_mix", "rates",
    "resolve_way", "segment_alone", "service_judging", "service_playing", "service_rehearsing", "service_steps",
    "service_telling", "service_world",
}  # fmt: skip
"""What programs share."""


def test_each_program_is_run():
    programs = {path.stem for path in (ROOT / "bench").glob("*.py")} - {"__init__"}
    assert programs == {name.split()[0] for name in SMALL} | NEEDS_DATA | PARTS


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SMALL)
async def test_it_runs_to_its_end(name):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", *f"bench.{name}".split(), *SMALL[name].split(),
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    shown = said.decode(errors="replace")
    assert process.returncode == 0, shown
    assert any(character.isdigit() for character in shown), shown
