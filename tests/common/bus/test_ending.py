"""How a subscription ends, and what its inbox forgets."""

import asyncio

from tests.common.sample.contracts import a_note
from tests.common.sample.node import running, until, write_notes


async def wait_for_texts(node, *texts):
    async def all_there():
        return await node.texts() == sorted(texts)

    await until(all_there)


async def test_the_inbox_forgets_what_can_never_come_again(memory_node):
    loop = memory_node.loop()
    async with running(memory_node.relay, loop):
        await memory_node.say(a_note("a"))
        await wait_for_texts(memory_node, "a")
        async with memory_node.database.worker.transaction(()) as tx:
            await tx.driver.execute("update inbox set handled_at = handled_at - interval '1 day'")
        await asyncio.sleep(0.5)
        loop._prune_at = 0
        await memory_node.say(a_note("b"))

        async def one_left():
            return await memory_node.value("select count(*) from inbox") == 1

        await until(one_left)


async def test_stopping_gives_back_what_is_in_hand(node):
    begun = asyncio.Event()

    async def slow(tx, events, runtime):
        begun.set()
        await asyncio.sleep(0.2)
        await write_notes(tx, events, runtime)

    events = [a_note(f"{number:02}", workspace_id=1 + number % 3, person_no=number) for number in range(40)]
    first = node.loop(slow, batch_events=5)
    async with running(node.relay):
        await node.say(*events)
        await first.start()
        await begun.wait()
        await first.stop()
        assert 0 < len(await node.texts()) < 40
        async with running(node.loop()):
            await wait_for_texts(node, *(event.text for event in events))
