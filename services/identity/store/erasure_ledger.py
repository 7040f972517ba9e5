"""The ledger of erasures: an append-only file outside the database, so that a restored backup is told what to forget.

A line names numbers, opaque ids and the erased identifiers' keyed hashes, these sealed under the workspace's data key.
"""

import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from libs.common.personal import Sealer

NAME = "erasures.ndjson"


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a person was erased, or (`reopened`) identifiers may name somebody again."""

    kind: Literal["erased", "reopened"]
    erasure_id: UUID
    workspace_id: int
    at: datetime
    person_id: UUID | None = None
    retired_ids: tuple[UUID, ...] = ()
    author: str = ""
    reason: str = ""
    sealed: str = ""
    """base64 of the sealed JSON list of [keyed hash, namespace, scope]"""


Hashed = tuple[bytes, str, str]
_line = msgspec.json.Decoder(LedgerEntry)


def sealed_identifiers(sealer: Sealer, identifiers: list[Hashed]) -> str:
    """Return keyed hashes with their namespaces and scopes, sealed."""
    return sealer.seal_json([[lookup.hex(), namespace, scope] for lookup, namespace, scope in identifiers])


def opened_identifiers(sealer: Sealer, entry: LedgerEntry) -> list[Hashed]:
    """Return the keyed hashes of an entry; raises SealBroken under another key."""
    return [(bytes.fromhex(lookup), namespace, scope) for lookup, namespace, scope in sealer.open_json(entry.sealed)]


class ErasureLedger:
    """The file: appended and synced line by line, never rewritten; several processes may append."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def append(self, entry: LedgerEntry) -> None:
        """Write a line and wait until it is on the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = msgspec.json.encode(entry) + b"\n"
        with self._lock:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                # a line that a crash tore is ended, so that it cannot swallow this one
                os.write(handle, b"\n" + line if self._is_torn() else line)
                os.fsync(handle)
            finally:
                os.close(handle)

    def _is_torn(self) -> bool:
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def read(self, note_torn: Callable[[int], None] = lambda _: None) -> list[LedgerEntry]:
        """Return every entry in order; a line that cannot be read is told by its number and left out."""
        if not self.path.exists():
            return []
        entries: list[LedgerEntry] = []
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            try:
                entries.append(_line.decode(line))
            except (msgspec.DecodeError, msgspec.ValidationError):
                note_torn(number)
        return entries
