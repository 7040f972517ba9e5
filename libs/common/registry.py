"""Finding plug-ins: a thing is added by adding a file."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def discover(package: ModuleType, attribute: str, kind: type[T]) -> list[T]:
    """Return the module attribute `attribute` of every module below `package` that has one, by module name.

    Raises TypeError naming the module whose attribute is not a `kind`.
    """
    found: list[T] = []
    for module_info in sorted(pkgutil.walk_packages(package.__path__, package.__name__ + "."), key=lambda m: m.name):
        module = importlib.import_module(module_info.name)
        value = getattr(module, attribute, None)
        if value is None:
            continue
        if not isinstance(value, kind):
            raise TypeError(f"{module_info.name}.{attribute} is a {type(value).__name__}, not a {kind.__name__}")
        found.append(value)
    return found
