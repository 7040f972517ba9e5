"""All contracts, found by their files."""

import importlib
import pkgutil
from functools import cache

from libs.common import contracts
from libs.common.contracts.event import Event


@cache
def all_contracts() -> tuple[type[Event], ...]:
    """Return every event contract, by subject."""
    found: dict[str, type[Event]] = {}
    for module_info in pkgutil.walk_packages(contracts.__path__, contracts.__name__ + "."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Event) and "subject" in vars(value):
                found[value.subject] = value
    return tuple(found[subject] for subject in sorted(found))
