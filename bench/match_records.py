"""Suggestions on records with known duplicates: trained with Splink, scored by the service's own scorer, clustered.

pip install "splink>=5" duckdb pandas   # an environment of its own
PYTHONPATH=. python -P bench/match_records.py SHARED/data fake_1000 febrl1 febrl2 febrl3
"""

import csv
import gzip
import sys
import time
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from launcher.match_training import score_with_splink, train
from services.identity.domain.components import Components
from services.identity.domain.matching.blocking import candidate_pairs
from services.identity.domain.matching.model import score
from services.identity.domain.matching.preparing import FieldKind, prepare

Pair = tuple[str, str]
ACCEPTED, APART = 0.0, -20.0
"""Match weights from which on a pair is taken for one person, and below which it is taken for two."""
FAKE: dict[str, FieldKind] = {
    "first_name": "name", "surname": "name", "dob": "date", "city": "category", "email": "email",
}  # fmt: skip
FEBRL: dict[str, FieldKind] = {
    "given_name": "name", "surname": "name", "date_of_birth": "date", "soc_sec_id": "number",
    "street_number": "category", "address_1": "text", "suburb": "text", "postcode": "number",
}  # fmt: skip


def fake_1000(data: Path) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return records and the true cluster of each."""
    with (data / "splink_er/fake_1000.csv").open(encoding="utf-8") as file:
        rows = {row["unique_id"]: row for row in csv.DictReader(file)}
    return rows, {name: row["cluster"] for name, row in rows.items()}


def febrl(data: Path, number: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return records and the true cluster of each, which their ids carry."""
    with gzip.open(data / f"febrl/dataset{number}.csv.gz", "rt", encoding="utf-8") as file:
        rows = [
            {name.strip(): value.strip() for name, value in row.items()}
            for row in csv.DictReader(file, skipinitialspace=True)
        ]
    return {row["rec_id"]: row for row in rows}, {row["rec_id"]: row["rec_id"].split("-")[1] for row in rows}


def pairs_of(clusters: Mapping[str, object]) -> set[Pair]:
    """Return all pairs within clusters."""
    members: dict[object, list[str]] = {}
    for name, cluster in clusters.items():
        members.setdefault(cluster, []).append(name)
    return {pair for group in members.values() for pair in combinations(sorted(group), 2)}


def clustered(names: list[str], weights: Mapping[Pair, float]) -> dict[str, int]:
    """Return clusters by the assignment rule: the strongest link first, none across two who are taken for two."""
    number = {name: position for position, name in enumerate(names)}
    components = Components(len(names))
    for (one, other), weight in weights.items():
        if weight < APART:
            components.keep_apart(number[one], number[other])
    for (one, other), weight in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        a, b = number[one], number[other]
        may_join = weight >= ACCEPTED and components.root(a) != components.root(b)
        if may_join and components.refusal(a, b, 4, is_leaf=False) is None:
            components.join(a, b)
    return {name: components.root(position) for name, position in number.items()}


def quality(found: set[Pair], true: set[Pair]) -> str:
    """Return precision, recall and F1 of pairs."""
    right = len(found & true)
    precision, recall = right / max(1, len(found)), right / len(true)
    return f"precision {precision:.4f} recall {recall:.4f} F1 {2 * right / (len(found) + len(true)):.4f}"


def main(data: Path, chosen: list[str]) -> None:
    """Measure each data set and print what was found."""
    for name in chosen:
        is_fake = name == "fake_1000"
        rows, truth = fake_1000(data) if is_fake else febrl(data, name[-1])
        fields = FAKE if is_fake else FEBRL
        records = {key: prepare(row, fields) for key, row in rows.items()}
        begun = time.perf_counter()
        if is_fake:
            blocking = [["first_name"], ["surname"], ["dob"], ["email"], ["email_user"], ["city"]]
            certain = [["first_name", "surname", "dob"], ["email"]]
            model, trained = train(
                records, fields, blocking=blocking, certain=certain,
                train_on=[["first_name", "surname"], ["dob"], ["email"]], recall=0.7,
            )  # fmt: skip
        else:
            blocking = [
                ["given_name", "surname"], ["soc_sec_id"], ["date_of_birth"], ["surname", "postcode"],
                ["given_name", "postcode"], ["address_1"], ["given_name", "suburb"],
            ]  # fmt: skip
            certain = [["soc_sec_id"], ["given_name", "surname", "date_of_birth"]]
            model, trained = train(
                records, fields, blocking=blocking, certain=certain, train_on=[["date_of_birth"], ["postcode"]],
                recall=0.9,
            )  # fmt: skip
        trained_at = time.perf_counter()
        weights = {
            (one, other): score(records[one], records[other], model).weight
            for one, other in candidate_pairs(records, model.blocking)
        }
        scored_at = time.perf_counter()
        theirs = score_with_splink(records, trained)
        worst = max(abs(weights[pair] - weight) for pair, weight in theirs.items())
        true = pairs_of(truth)
        found = {pair for pair, weight in weights.items() if weight >= ACCEPTED}
        each = 1e6 * (scored_at - trained_at) / len(weights)
        print(f"{name}: {len(records)} records, {len(true)} true pairs, {len(weights)} candidates,"
              f" {len(true & weights.keys()) / len(true):.4f} of the true ones among them")  # fmt: skip
        print(f"  trained in {trained_at - begun:.1f} s, scored at {each:.0f} us a pair")
        print(f"  pairs    {quality(found, true)}")
        print(f"  clusters {quality(pairs_of(clustered(sorted(records), weights)), true)}")
        print(f"  {len(theirs)} weights of Splink's, greatest difference {worst:.1e}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
