"""The verbs of `./rapport`: one file each, with `run(words) -> exit status`; its docstring is the help text."""
