import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.sources import (
    OURS,
    PROJECT,
    attributes,
    named,
    public_functions,
    python_files,
    room,
    tree,
)

LONGEST_FILE = 300
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "core", "manager", "service", "misc", "common", "base"}
# libs/common is the shared library by the house's own plan, and libs/common/service.py puts a service together.
NAMED_BY_THE_HOUSE = {"libs/common/service.py"}


def test_a_use_case_file_is_named_after_the_verb_in_it():
    offenders = []
    for path in room("usecases"):
        verb = path.stem.split("_")[0]
        verbs = {function.split("_")[0] for function in public_functions(path)}
        if path.parent.name == "usecases" and has_public_coroutines(path) and verb not in verbs:
            offenders.append(named(path))
    assert offenders == []


def has_public_coroutines(path: Path) -> bool:
    return any(isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_") for node in tree(path).body)


def test_a_resource_file_has_its_router():
    offenders = [named(path) for path in room("api") if has_routes(path) and "router" not in attributes(path)]
    assert offenders == []


def has_routes(path: Path) -> bool:
    return bool(re.search(r"^@router\.", path.read_text(), re.MULTILINE))


def test_a_subscriber_file_is_named_after_what_it_hears():
    heard = [path for path in room("subscribers") if "subscription" in attributes(path)]
    assert [named(path) for path in heard if not path.name.startswith("on_")] == []
    names = {path: re.search(r'name="(\w+)"', path.read_text()) for path in heard}
    assert [named(path) for path, name in names.items() if name is None or name[1] != path.stem] == []


def test_a_job_file_is_named_after_its_job():
    jobs = [path for path in room("jobs") if "job" in attributes(path)]
    names = {path: re.search(r'Job\(\s*(?:name=)?"(\w+)"', path.read_text()) for path in jobs}
    assert [named(path) for path, name in names.items() if name is None or name[1] != path.stem] == []


def test_the_domain_waits_for_nothing():
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    pure = [*room("domain"), *room("namespaces"), *room("webhooks")]
    offenders = [named(path) for path in pure if any(isinstance(node, waits) for node in ast.walk(tree(path)))]
    offenders += [named(path) for path in pure if has_coroutines(tree(path))]
    assert offenders == []


def has_coroutines(module: ast.Module) -> bool:
    """Say whether there is an `async def` with a body; in a Protocol it only says what somebody else does."""
    return any(
        isinstance(node, ast.AsyncFunctionDef) and not all(isinstance(step, ast.Expr) for step in node.body)
        for node in ast.walk(module)
    )


def test_no_service_commits_or_rolls_back():
    offenders = []
    for path in python_files("services"):
        for node in ast.walk(tree(path)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in ("commit", "rollback"):
                offenders.append(f"{named(path)}:{called.lineno}")
    assert offenders == []


def test_sql_stands_only_in_the_store():
    statement = re.compile(r'"""?\s*(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\s', re.IGNORECASE)
    rooms = ("api", "subscribers", "usecases", "clients", "channels", "domain")
    assert [named(path) for name in rooms for path in room(name) if statement.search(path.read_text())] == []


@pytest.mark.parametrize("folder", OURS)
def test_no_file_is_longer_than_one_can_hold_in_mind(folder):
    long = {named(path): len(path.read_text().splitlines()) for path in python_files(folder)}
    assert {path: lines for path, lines in long.items() if lines > LONGEST_FILE} == {}


def test_no_file_has_a_name_that_says_nothing():
    files = [named(path) for path in python_files("libs", "services") if path.stem in NAMES_THAT_SAY_NOTHING]
    assert sorted(set(files) - NAMED_BY_THE_HOUSE) == []


def test_no_committed_file_names_a_package_registry():
    # In parts, so that this file does not name one itself.
    hosts = ["pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "index-" + "url", "find-" + "links"]
    command = ["git", "grep", "-lIF", *[word for host in hosts for word in ("-e", host)]]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    # The bootstrap translates pip's settings, whatever they are, for uv.
    assert set(found.stdout.split()) - {"launcher/bootstrap.py"} == set()


def test_the_lock_has_a_hash_for_everything_and_no_address():
    lock = (PROJECT / "requirements.lock").read_text()
    assert "://" not in lock
    packages = re.split(r"\n(?=[a-z])", lock.strip())
    assert [package.split()[0] for package in packages if "==" in package and "--hash=sha256:" not in package] == []


def test_every_ignored_rule_says_why():
    config = (PROJECT / "pyproject.toml").read_text()
    ignored = re.search(r"^ignore = \[\n(.*?)^\]", config, re.MULTILINE | re.DOTALL)
    assert ignored is not None
    assert [line for line in ignored[1].splitlines() if "  # " not in line] == []
    suppressed = [
        f"{named(path)}:{number}"
        for path in python_files("libs", "services", "launcher")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"# noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)* - \w)", line)
        or re.search(r"# type: ignore(?!\[[\w, -]+\])", line)
    ]
    assert suppressed == []
