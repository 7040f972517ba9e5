"""Where the reference cases and the real data lie: beside the repository, or where RAPPORT_SHARED_DATA says."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def shared_file(name: str) -> Path:
    """Return a file of the shared reference material; skips the test where it is not there."""
    told = os.environ.get("RAPPORT_SHARED_DATA")
    base = Path(told) if told else ROOT.parent / "shared"
    path = base / name
    if not path.exists():
        pytest.skip(f"the reference material {name} is not beside the repository (RAPPORT_SHARED_DATA may name it)")
    return path
