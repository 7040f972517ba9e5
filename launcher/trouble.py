"""The one exception of the launcher: what is wrong and what to do about it."""


class Trouble(Exception):
    """Something outside the program stands in the way; printed as one line, never as a traceback."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(f"{what} {cure}".strip())
        self.what = what
        self.cure = cure
