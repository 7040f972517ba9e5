"""List the commands."""

import ast

from launcher import __main__ as dispatch


def run(_words: list[str]) -> int:
    """Print a line for each command: the first sentence of its file."""
    print("usage: ./rapport COMMAND [...]\n")
    for verb in dispatch.verbs():
        print(f"  {verb:<8} {summary(verb)}")
    print("\nData is kept in .rapport (or RAPPORT_HOME). Own servers: RAPPORT_DATABASE_URL, RAPPORT_NATS_URL.")
    return 0


def summary(verb: str) -> str:
    """Read the first line of a command's file without running it."""
    source = next(path for path in dispatch.COMMANDS.glob("*.py") if path.stem.removesuffix("_") == verb)
    return (ast.get_docstring(ast.parse(source.read_text())) or "").splitlines()[0]
