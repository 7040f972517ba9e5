"""The demo's story told twice on the same data: once in peace, once with a kill -9 of everything in turn."""

import asyncio
import contextlib
import random
from datetime import timedelta

import pytest
from rich.console import Console

from demo.figures import Figures
from demo.shopping import DataMissing, Shopping, read_shopping
from demo.sink import MailSink
from demo.story import Story
from demo.stream import encode_year
from demo.touchpoints import generate_world
from launcher.stack import Stack

HOUSEHOLDS = 4
STEP = timedelta(days=30)
VICTIMS = ("identity", "profile", "segment", "journey", "messaging", "nats")


@pytest.fixture(scope="module")
def shopping() -> Shopping:
    try:
        return read_shopping(HOUSEHOLDS)
    except DataMissing as missing:
        pytest.skip(str(missing))


async def tell(stack: Stack, sink: MailSink, shopping: Shopping, name: str) -> Figures:
    """Tell the story in a workspace of its own."""
    world = generate_world([household.household_id for household in shopping.households])
    calls = encode_year(shopping, world)
    console = Console(quiet=True)
    before = sink.messages
    figures = await Story(console, stack, sink, shopping, world, calls, STEP, name=name).tell()
    figures.sink_messages = sink.messages - before
    return figures


async def kill_in_turn(stack: Stack, killed: list[str]) -> None:
    """Kill -9 each program once, at moments nobody chose, waiting until it serves again."""
    rng = random.Random(9)
    for victim in rng.sample(VICTIMS, len(VICTIMS)):
        await asyncio.sleep(rng.uniform(0.3, 1.5))
        await stack.kill(victim)
        killed.append(victim)
        await stack.until_ready(victim)


def comparable(figures: Figures) -> dict[str, object]:
    """Return what a kill must not change; arms and A/A shares hang on random person ids."""
    numbers = figures.reconciliation
    entered = {
        journey.name: next((node["entered"] for node in journey.nodes if node["node"] == "entry"), 0)
        for journey in figures.journeys
        if journey.name != "win-back"
    }
    return {
        "recorded": numbers.recorded,
        "columnar": numbers.columnar,
        "timelines": numbers.timelines,
        "persons": figures.persons,
        "identifiers": figures.identifiers,
        "segments": figures.segments[-1][1],
        "entered": entered,
    }


@pytest.mark.timeout(600)
async def test_a_kill_of_every_process_in_turn_changes_no_count(
    stack: Stack, sink: MailSink, shopping: Shopping
) -> None:
    peaceful = await tell(stack, sink, shopping, "peace")
    assert peaceful.reconciled, peaceful.checks

    killed: list[str] = []
    killer = asyncio.create_task(kill_in_turn(stack, killed))
    stormy = await tell(stack, sink, shopping, "storm")
    killer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await killer
    await stack.until_ready()

    assert killed, "nothing was killed: the story was too short"
    assert stormy.reconciled, (killed, stormy.checks, stormy.messages)
    assert comparable(stormy) == comparable(peaceful), killed
