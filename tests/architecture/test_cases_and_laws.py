"""Every case of identity and every law of its graph is found by its number, in the tests and in docs/IDENTITY.md."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import PROJECT, named, python_files, tree

CASES = range(1, 33)
LAWS = range(1, 21)
TABLES = (PROJECT / "docs/IDENTITY.md").read_text(encoding="utf-8")


def named_tests() -> Iterator[tuple[str, str, str]]:
    """Give every test with what it says of itself: its file, its name, and its and its file's docstring."""
    for path in python_files("tests"):
        module = tree(path)
        about = ast.get_docstring(module) or ""
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield named(path), node.name, f"{about}\n{ast.get_docstring(node) or ''}"


def row(name: str) -> str:
    """Return a row of the tables."""
    found = re.search(rf"^\| {name} \|.*$", TABLES, re.MULTILINE)
    assert found, name
    return found[0]


BY_CASE = {number: [name for _, name, _ in named_tests() if f"_case_{number:02}_" in name] for number in CASES}
BY_LAW = {
    number: [
        name
        for _, name, said in named_tests()
        if name.startswith(f"test_id{number:02}_") or re.search(rf"\bID{number}\b", said)
    ]
    for number in LAWS
}


@pytest.mark.parametrize("number", CASES)
def test_a_case_is_named_by_a_test_and_its_row_names_one_of_them(number):
    assert BY_CASE[number], f"no test is named test_case_{number:02}_..."
    assert set(re.findall(r"::(test_\w+)", row(str(number)))) & set(BY_CASE[number]), "docs/IDENTITY.md names another"


@pytest.mark.parametrize("number", LAWS)
def test_a_law_is_named_by_a_test_and_its_row_names_one_of_them(number):
    assert BY_LAW[number], f"no test is named test_id{number:02}_... or says ID{number} of itself"
    assert set(re.findall(r"::(test_\w+)", row(f"ID{number}"))) & set(BY_LAW[number]), "docs/IDENTITY.md names another"


def test_a_case_has_two_digits_and_is_one_of_the_table():
    odd = [
        (path, name)
        for path, name, _ in named_tests()
        for number in re.findall(r"_case_(\d+)_", name)
        if path.startswith("tests/identity") and (len(number) != 2 or int(number) not in CASES)
    ]
    assert odd == []
