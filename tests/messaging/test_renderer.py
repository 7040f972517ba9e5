"""The sandbox: bombs end in a moment and in little memory, and nothing of the service is in reach."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.messaging.clients.renderer import Renderer
from services.messaging.domain.template import Part
from tests.fixtures.processor import our_share

BOMBS = {
    "a joined range": "{{ (1..100000000) | join: ',' }}",
    "a sorted range": "{{ (1..3000000) | sort | reverse | size }}",
    "nested loops": "{% for i in (1..9999) %}{% for j in (1..9999) %}{{ i | times: j }}{% endfor %}{% endfor %}",
    "doubling text": "{% assign a = 'xxxxx' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}{{ a }}",
    "squared numbers": "{% assign a = 9 %}{% for i in (1..999) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
    "captured text": "{% for i in (1..9999) %}{% capture a %}{{ a }}{{ a }}xx{% endcapture %}{% endfor %}{{ a }}",
    "replaced text": "{% assign a = 'a' %}{% for i in (1..99) %}{% assign a = a | replace: 'a', 'aaaaa' %}{% endfor %}",
    "open braces": "{" * 20_000 + "{{",
    "deep nesting": "{% if true %}" * 3000 + "x" + "{% endif %}" * 3000,
    "a table": "{% tablerow i in (1..100000000) %}{{ i }}{% endtablerow %}",
}


@pytest_asyncio.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    opened = Renderer(1)
    await opened.open()
    yield opened
    await opened.close()


def a_part(source: str, mode: str = "text") -> Part:
    return Part("text", mode, source)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_ends_within_300_milliseconds(renderer: Renderer, name: str) -> None:
    best = float("inf")
    for _ in range(3):
        while renderer._free.empty():
            await asyncio.sleep(0.01)
        share = our_share()
        begun = time.perf_counter()
        [answer] = await renderer.render([[a_part(BOMBS[name])]], [(0, {})])
        best = min(best, (time.perf_counter() - begun) * min(share, our_share()))
        assert answer.problem_kind in ("limit", "syntax", "missing"), answer
        assert answer.parts == {}
    assert best < 0.3


async def test_the_rest_of_a_batch_goes_on_after_a_bomb(renderer: Renderer) -> None:
    templates = [[a_part("Hi {{ name }}")], [a_part(BOMBS["a joined range"])]]
    items = [(0, {"name": "a"}), (1, {}), (0, {"name": "b"}), (1, {}), (0, {"name": "c"})]
    answers = await renderer.render(templates, items)
    assert [a.parts.get("text") for a in answers] == ["Hi a", None, "Hi b", None, "Hi c"]
    assert renderer.killed_total > 0


@pytest.mark.parametrize(
    "source",
    [
        "{{ person.__class__ }}",
        "{{ person.items }}",
        "{{ 'x'.__class__.__mro__ }}",
        "{% include 'settings' %}",
        "{% render '/etc/passwd' %}",
        "{{ '<b>' | safe }}",
        "{{ 'now' | date: '%Y' }}",
        "{{ self }}{{ environment }}{{ globals }}",
    ],
)
async def test_a_template_reaches_nothing_but_its_data(renderer: Renderer, source: str) -> None:
    [answer] = await renderer.render([[a_part(source, "html")]], [(0, {"person": {"name": "x"}})])
    assert answer.problem_kind
    assert answer.parts == {}


async def test_the_sandbox_process_holds_no_secret_and_little_memory(renderer: Renderer) -> None:
    process = Path(f"/proc/{renderer._free._queue[0].process.pid}")  # type: ignore[attr-defined]
    names = {entry.partition(b"=")[0] for entry in (process / "environ").read_bytes().split(b"\0") if entry}
    assert names <= {b"PYTHONPATH", b"PATH", b"PYTHONDONTWRITEBYTECODE", b"LC_ALL"}
    limits = (process / "limits").read_text().splitlines()
    limit = next(int(line.split()[3]) for line in limits if line.startswith("Max address space"))
    used = int((process / "statm").read_text().split()[0]) * 4096
    assert limit - used <= 64 * 2**20


async def test_batches_at_once_share_the_pool(renderer: Renderer) -> None:
    items = [(0, {"n": number}) for number in range(50)]
    batches = await asyncio.gather(*(renderer.render([[a_part("{{ n }}")]], items) for _ in range(6)))
    assert all([a.parts["text"] for a in batch] == [str(n) for n in range(50)] for batch in batches)
