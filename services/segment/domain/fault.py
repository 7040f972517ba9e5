"""What is wrong with a definition, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason a definition is refused (or doubtful), with the JSON pointer to it."""

    pointer: str
    detail: str


class InvalidDefinition(Exception):
    """The definition is not a valid segment."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults
