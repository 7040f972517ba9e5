"""Pid files: so that the next start finds what a killed launcher left behind."""

import json
import signal
from pathlib import Path

from launcher import process
from launcher.files import write_text


def remember(folder: Path, name: str, pid: int) -> None:
    """Write down a started process."""
    write_text(folder / f"{name}.json", json.dumps({"pid": pid, "started": process.started_at(pid)}))


def forget(folder: Path, name: str) -> None:
    """Remove the note of a process that has ended."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def end_orphans(folder: Path) -> list[str]:
    """End the processes an earlier launcher left; the last started first. Gives their names."""
    ended = []
    notes = sorted(folder.glob("*.json"), key=lambda note: note.stat().st_mtime, reverse=True)
    for note in notes:
        pid = _living(note)
        if pid is not None:
            # PostgreSQL ends in order on SIGINT; on SIGTERM it would wait for its clients.
            polite = signal.SIGINT if note.stem == "postgres" else signal.SIGTERM
            process.end(pid, polite, 30)
            ended.append(note.stem)
        note.unlink()
    return ended


def _living(note: Path) -> int | None:
    try:
        kept = json.loads(note.read_text())
        pid = int(kept["pid"])
    except (ValueError, KeyError, TypeError):
        return None
    # The same pid with another start time is a stranger.
    return pid if process.is_alive(pid) and process.started_at(pid) == kept["started"] else None
