"""What a fold needs of the running service, as values and plain functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.common.personal import Sealer
from libs.common.runtime import Runtime
from services.profile.domain.trait_fold import Ranks


@dataclass(frozen=True)
class Means:
    """By workspace number: the codec of personal data, the ranks of the sources, the present, the sources' regions."""

    sealer_of: Callable[[int], Sealer]
    ranks_of: Callable[[int], Ranks]
    now_of: Callable[[int], datetime]
    regions_of: Callable[[int], Mapping[int, str]] = lambda _: {}


def means_of(runtime: Runtime[None]) -> Means:
    """Return the means of a running service; a source's priority is its rank."""

    def ranks_of(workspace_id: int) -> Ranks:
        return {source.source_id: source.priority for source in runtime.directory.sources(workspace_id)}

    def regions_of(workspace_id: int) -> Mapping[int, str]:
        return {one.source_id: one.region for one in runtime.directory.sources(workspace_id) if one.region}

    return Means(runtime.sealer, ranks_of, runtime.now, regions_of)
