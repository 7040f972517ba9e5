"""Small files: secrets that only the owner reads, and the last words of a log."""

import os
from pathlib import Path

TAIL_BYTES = 4096


def write_secret(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    making = path.with_name(path.name + ".making")
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    making.rename(path)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    making = path.with_name(path.name + ".making")
    making.write_text(text)
    making.rename(path)


def tail(path: Path, lines: int) -> list[str]:
    """Give the last lines of a file, fewer when it is short, none when it is absent."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES * lines))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def last_line(path: Path) -> str:
    """Give the last line of a log, for a message."""
    return next(reversed([line for line in tail(path, 20) if line.strip()]), "it left no message")
