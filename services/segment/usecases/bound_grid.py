"""Whether the segments of a grid can all be asked: each part by itself, and those combinations that come to much."""

from itertools import product
from typing import Any

from libs.common.runtime import Runtime
from services.segment.domain.definition import all_of
from services.segment.usecases.bound_cost import Cost, bound_cost, is_within
from services.segment.usecases.check_definition import read_definition
from services.segment.usecases.create_grid import Grid, bound_count
from services.segment.usecases.prove_patterns import prove_patterns


async def bound_grid(runtime: Runtime[Any], *, workspace_id: int, grid: Grid) -> None:
    """Raise Invalid with a pointer to a part the store does not take, or where a combination would read too much."""
    bound_count(grid)
    base = await _cost_of(runtime, workspace_id, grid.base, "/base") if grid.base is not None else Cost()
    axes = [
        [
            (
                value,
                await _cost_of(runtime, workspace_id, value.definition, f"/axes/{number}/values/{place}/definition"),
            )
            for place, value in enumerate(axis.values)
        ]
        for number, axis in enumerate(grid.axes)
    ]
    for chosen in product(*axes):
        # parts that look at the same rows read them once: only what may come to too much is estimated as a whole
        if not is_within(runtime, sum((cost for _, cost in chosen), base)):
            parts = [*([grid.base] if grid.base is not None else []), *(value.definition for value, _ in chosen)]
            definition = read_definition(all_of(parts), pointer="/axes")
            await bound_cost(runtime, workspace_id=workspace_id, definition=definition, pointer="/axes")


async def _cost_of(runtime: Runtime[Any], workspace_id: int, body: object, pointer: str) -> Cost:
    definition = read_definition(body, pointer=pointer)
    await prove_patterns(runtime.parts.columnar, definition)
    return await bound_cost(runtime, workspace_id=workspace_id, definition=definition, pointer=pointer)
