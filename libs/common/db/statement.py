"""SQL with `:named` parameters, compiled once to PostgreSQL's `$1`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TOKEN = re.compile(
    r"""
      --[^\n]*                                   # line comment
    | /\*.*?\*/                                  # block comment
    | \b[eE]'(?:\\.|''|[^'\\])*'                 # string with backslash escapes
    | '(?:''|[^'])*'                             # string
    | "(?:""|[^"])*"                             # quoted identifier
    | \$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$  # dollar-quoted string
    | ::                                         # cast
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)          # parameter
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement in PostgreSQL's own parameter style, and the names its parameters had."""

    text: str
    names: tuple[str, ...]
    source: str = "inline"

    def bind(self, parameters: dict[str, object]) -> list[object]:
        """Return the arguments in the statement's order; TypeError when a name is missing or unknown."""
        try:
            arguments = [parameters[name] for name in self.names]
        except KeyError as missing:
            raise TypeError(f"{self.source}: parameter {missing.args[0]!r} is not given") from None
        if len(arguments) != len(parameters):
            unknown = sorted(set(parameters) - set(self.names))
            raise TypeError(f"{self.source}: unknown parameters {unknown}")
        return arguments


def compile_sql(sql: str, source: str = "inline") -> Statement:
    """Replace each `:name` outside strings, comments and casts by `$n`; a name used twice keeps its number."""
    names: dict[str, int] = {}

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        return f"${names.setdefault(name, len(names) + 1)}"

    return Statement(text=_TOKEN.sub(replace, sql).strip(), names=tuple(names), source=source)


@cache
def statement(sql: str) -> Statement:
    """Compile a short inline statement; the same text is compiled once."""
    return compile_sql(sql)


def load_sql(module_file: str, name: str) -> Statement:
    """Compile the `.sql` file that lies beside the module (`load_sql(__file__, "claim_due_runs.sql")`)."""
    path = Path(module_file).with_name(name)
    return compile_sql(path.read_text(encoding="utf-8"), source=path.name)
