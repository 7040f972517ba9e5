"""What has to be known of a workspace before its events can be read: whose rows say another owner than there is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Moved:
    """Subjects have other owners than their rows say; with a `squash_no` their rows are being laid under them.

    Until it is `copied` the copies are nobody's, afterwards the rows they were made from are.
    """

    squash_no: int = 0
    copied: bool = False

    @property
    def copies(self) -> int:
        """Return the generation of the copies; news since the beginning is of the next, all before of smaller ones."""
        return copies_of(self.squash_no)


def copies_of(squash_no: int) -> int:
    """Return the generation of what a squash copies."""
    return 2 * squash_no - 1


def news_since(squash_no: int) -> int:
    """Return the generation of what is staged after a squash began (0: none ever did)."""
    return 2 * squash_no
