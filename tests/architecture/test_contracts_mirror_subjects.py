import re

from libs.common.contracts.catalogue import all_contracts
from libs.common.contracts.event import consumers_of
from tests.architecture.sources import PROJECT, SERVICES, named, python_files

SUBJECT = re.compile(r'subject\b[^=\n]*=\s*"([^"]+)"')
WELL_FORMED = re.compile(r"(\w+)\.(\w+)\.(\w+)\.v(\d+)$")


def declared() -> dict[str, str]:
    """Give the subject of each contract file that has one."""
    found = {}
    for service in SERVICES:
        for path in python_files(f"libs/common/contracts/{service}"):
            match = SUBJECT.search(path.read_text())
            if match:
                found[named(path)] = match[1]
    return found


def test_the_path_of_a_contract_mirrors_its_subject():
    wrong = {}
    for path, subject in declared().items():
        parts = WELL_FORMED.match(subject)
        assert parts is not None, subject
        owner, noun, participle, version = parts.groups()
        suffix = "" if version == "1" else f"_v{version}"
        expected = f"libs/common/contracts/{owner}/{noun}_{participle}{suffix}.py"
        if expected != path:
            wrong[path] = subject
    assert wrong == {}


def test_every_owner_says_something_and_no_subject_is_said_twice():
    subjects = list(declared().values())
    assert len(subjects) == len(set(subjects))
    assert {subject.split(".")[0] for subject in subjects} == set(SERVICES)


def test_contracts_are_frozen():
    files = [PROJECT / path for path in declared()]
    assert [named(path) for path in files if "frozen=True" not in path.read_text()] == []


def test_a_contract_names_exactly_the_consumers_there_are():
    named_by_contracts = {consumer for contract in all_contracts() for consumer in consumers_of(contract)}
    there = {
        f"{service}-{path.stem}"
        for service in SERVICES
        for path in (PROJECT / "services" / service).glob("subscribers/on_*.py")
    }
    assert named_by_contracts == there
