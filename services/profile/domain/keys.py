"""How rows of several workspaces are named in one batch."""

from typing import NamedTuple


class PersonKey(NamedTuple):
    """A person of a workspace."""

    workspace_id: int
    person_no: int


class SubjectKey(NamedTuple):
    """An identifier of a workspace."""

    workspace_id: int
    subject_no: int


class TraitKey(NamedTuple):
    """One trait of a person."""

    workspace_id: int
    person_no: int
    trait: str

    @property
    def person(self) -> PersonKey:
        """Return whose trait it is."""
        return PersonKey(self.workspace_id, self.person_no)
