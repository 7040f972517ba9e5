"""A copy of the sources in which a test may plant a violation."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


class Copy:
    """The project's sources and rules in another folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("libs", "services", "launcher", "world", "demo"):
            shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "ui"))
        shutil.copy(PROJECT / "pyproject.toml", root)

    def plant(self, path: str, source: str) -> None:
        """Add a file, with packages on the way to it."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in target.relative_to(self.root).parents:
            if str(folder) != "." and not (self.root / folder / "__init__.py").exists():
                (self.root / folder / "__init__.py").touch()
        target.write_text(source)

    def import_law(self) -> str:
        """Give what lint-imports says."""
        return self._run("lint-imports", "--no-cache")

    def rules(self, path: str) -> str:
        """Give what ruff says about one file."""
        return self._run("ruff", "check", "--no-cache", "--output-format=concise", path)

    def _run(self, tool: str, *words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        command = [str(TOOLS / tool), *words]
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False, timeout=100
        )
        return done.stdout + done.stderr
