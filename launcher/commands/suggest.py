"""Train the model that suggests who may be one person, from records in a file (extra `suggestions`): suggest."""

import argparse
import csv
import importlib.util
import json
from pathlib import Path
from typing import get_args

from launcher.trouble import Trouble
from services.identity.domain.matching.preparing import FieldKind, prepare


def run(words: list[str]) -> int:
    """Read records (CSV), train without any truth, write the model that `PUT /v1/identity/match-model` takes."""
    parser = argparse.ArgumentParser(prog="./rapport suggest", description=run.__doc__)
    parser.add_argument("records", type=Path, help="CSV with a header")
    parser.add_argument("--field", action="append", required=True, metavar="COLUMN=KIND", help=kinds())
    parser.add_argument("--id", default="person_id", help="the column that tells records apart (person_id)")
    parser.add_argument("--block", action="append", required=True, metavar="A,B", help="look at pairs equal in these")
    parser.add_argument("--certain", action="append", required=True, metavar="A,B", help="equal in these: surely one")
    parser.add_argument("--learn-on", action="append", required=True, metavar="A,B", help="learn from pairs equal here")
    parser.add_argument("--recall", type=float, default=0.7, help="share of matches that are certain (0.7)")
    parser.add_argument("--out", type=Path, required=True, help="where the model goes")
    chosen = parser.parse_args(words)
    if importlib.util.find_spec("splink") is None:
        raise Trouble(
            "Splink is not installed here.", "Install the extra `suggestions` into an environment of its own."
        )
    from launcher.match_training import as_bytes, train  # noqa: PLC0415 - only with the extra

    fields = fields_of(chosen.field)
    with chosen.records.open(encoding="utf-8", newline="") as file:
        records = {row[chosen.id]: prepare(row, fields) for row in csv.DictReader(file)}
    model, _ = train(
        records,
        fields,
        blocking=columns_of(chosen.block),
        certain=columns_of(chosen.certain),
        train_on=columns_of(chosen.learn_on),
        recall=chosen.recall,
    )
    chosen.out.write_bytes(as_bytes(model))
    print(json.dumps({"records": len(records), "prior": model.prior, "model": str(chosen.out)}))
    return 0


def kinds() -> str:
    """Return the kinds of fields there are, for the reader of the help."""
    return f"a column to compare and its kind: {', '.join(get_args(FieldKind))}"


def fields_of(told: list[str]) -> dict[str, FieldKind]:
    """Return fields by name; raises Trouble for a kind that is none."""
    fields: dict[str, FieldKind] = {}
    for one in told:
        name, _, kind = one.partition("=")
        found = next((each for each in get_args(FieldKind) if each == kind), None)
        if found is None:
            raise Trouble(f"{one} is no field.", f"Write COLUMN=KIND; {kinds()}.")
        fields[name] = found
    return fields


def columns_of(told: list[str]) -> list[list[str]]:
    """Return lists of columns."""
    return [one.split(",") for one in told]
