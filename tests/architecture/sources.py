"""Our own source files, as the architecture tests read them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = ("identity", "profile", "segment", "journey", "messaging")
OURS = ("libs", "services", "launcher", "world", "demo", "bench", "tests")


def python_files(*folders: str) -> Iterator[Path]:
    """Give every Python file below the folders."""
    for folder in folders:
        yield from sorted((PROJECT / folder).rglob("*.py"))


def room(name: str) -> Iterator[Path]:
    """Give the modules of a room of all services, without its package file."""
    for service in SERVICES:
        for path in python_files(f"services/{service}/{name}"):
            if path.name != "__init__.py":
                yield path


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text())


def named(path: Path) -> str:
    """Give a path as people say it."""
    return str(path.relative_to(PROJECT))


def public_functions(path: Path) -> list[str]:
    """Give the functions at the top of a module that others may call."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node.name for node in tree(path).body if isinstance(node, functions) and not node.name.startswith("_")]


def attributes(path: Path) -> set[str]:
    """Give the names assigned at the top of a module."""
    found: set[str] = set()
    for node in tree(path).body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found
