"""`./rapport VERB ...`: finds the command's file and runs it."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from launcher.trouble import Trouble

COMMANDS = Path(__file__).with_name("commands")
ASKING_FOR_HELP = ("-h", "--help", "")


def verbs() -> list[str]:
    """List the verbs: one for each file of launcher/commands."""
    return sorted(file.stem.removesuffix("_") for file in COMMANDS.glob("*.py") if file.stem != "__init__")


def main(words: list[str]) -> int:
    """Run one command and give its exit status: 0 done, 1 failed, 2 not understood."""
    verb = words[0] if words else ""
    if verb in ASKING_FOR_HELP:
        verb = "help"
    if verb not in verbs():
        print(f"rapport: there is no command `{verb}`; `./rapport help` lists them.", file=sys.stderr)
        return 2
    try:
        return int(load(verb).run(words[1:]) or 0)
    except Trouble as trouble:
        print(f"rapport: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def load(verb: str) -> ModuleType:
    """Import the command's module; a verb that is a word of Python (`import`) has a file with a trailing underscore."""
    name = verb if (COMMANDS / f"{verb}.py").exists() else f"{verb}_"
    return importlib.import_module(f"launcher.commands.{name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
