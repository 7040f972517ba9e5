"""Training a model of who is who with Splink, offline; the services score with it and never need Splink.

Splink is an extra of its own (`suggestions` in pyproject.toml): any environment with it, DuckDB and pandas will do.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.identity.domain.matching.model import Comparison, Level, MatchModel, Test
from services.identity.domain.matching.preparing import FieldKind, Prepared

_Form = tuple[str, Test, str, float, bool]
"""Label, test, what is appended to the field's name, threshold, whether frequency counts."""

LEVELS: dict[FieldKind, tuple[_Form, ...]] = {
    "name": (
        ("equal", "exact", "", 0, True), ("sounds equal", "exact", "_pinyin", 0, False),
        ("very alike", "jaro_winkler", "", 0.92, False), ("alike", "jaro_winkler", "", 0.88, False),
        ("somewhat alike", "jaro_winkler", "", 0.7, False),
    ),
    "date": (
        ("equal", "exact", "", 0, False), ("one slip", "levenshtein", "", 1, False),
        ("within a month", "days", "", 31, False), ("within a year", "days", "", 366, False),
        ("within ten years", "days", "", 3653, False),
    ),
    "email": (
        ("equal", "exact", "", 0, True), ("same user", "exact", "_user", 0, False),
        ("alike", "jaro_winkler", "", 0.88, False),
    ),
    "category": (("equal", "exact", "", 0, True),),
    "text": (
        ("equal", "exact", "", 0, True), ("very alike", "jaro_winkler", "", 0.92, False),
        ("alike", "jaro_winkler", "", 0.8, False),
    ),
    "number": (
        ("equal", "exact", "", 0, False), ("one slip", "levenshtein", "", 1, False),
        ("two slips", "levenshtein", "", 2, False),
    ),
}  # fmt: skip
_SELDOM = 1e-4
"""Stands for a share that no training pair showed."""


def condition(test: Test, column: str, threshold: float) -> str:
    """Return a level's test in DuckDB's words."""
    left, right = f'"{column}_l"', f'"{column}_r"'
    if test == "exact":
        return f"{left} = {right}"
    if test == "jaro_winkler":
        return f"jaro_winkler_similarity({left}, {right}) >= {threshold}"
    if test == "levenshtein":
        return f"levenshtein({left}, {right}) <= {int(threshold)}"
    if test == "days":
        return f"abs(date_diff('day', cast({left} as date), cast({right} as date))) <= {int(threshold)}"
    return "ELSE"


def settings_of(fields: Mapping[str, FieldKind], blocking: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return what Splink is told: the same comparisons, in the same order, as the services score."""
    comparisons = []
    for name, kind in fields.items():
        null = {"sql_condition": f'"{name}_l" IS NULL OR "{name}_r" IS NULL', "is_null_level": True}
        levels: list[dict[str, Any]] = [{**null, "label_for_charts": "missing"}]
        for label, test, suffix, threshold, by_frequency in LEVELS[kind]:
            level = {"sql_condition": condition(test, name + suffix, threshold), "label_for_charts": label}
            levels.append({**level, "tf_adjustment_column": name} if by_frequency else level)
        levels.append({"sql_condition": "ELSE", "label_for_charts": "other"})
        comparisons.append({"output_column_name": name, "comparison_levels": levels})
    rules = [" AND ".join(f'l."{column}" = r."{column}"' for column in columns) for columns in blocking]
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "blocking_rules_to_generate_predictions": rules,
        "comparisons": comparisons,
        "retain_intermediate_calculation_columns": True,
    }


def train(
    records: Mapping[str, Prepared],
    fields: Mapping[str, FieldKind],
    *,
    blocking: Sequence[Sequence[str]],
    certain: Sequence[Sequence[str]],
    train_on: Sequence[Sequence[str]],
    recall: float,
    seed: int = 1,
) -> tuple[MatchModel, dict[str, Any]]:
    """Return the model learned from records without any truth, and the complete settings Splink scores with.

    Pairs that agree in an entry of `certain` are taken for matches (of which they are the share `recall`); expectation
    maximisation runs once for each entry of `train_on`.
    """
    import pandas as pd  # noqa: PLC0415 - only with the extra
    from splink import DuckDBAPI, Linker, block_on  # noqa: PLC0415 - only with the extra

    logging.getLogger("splink").setLevel(logging.ERROR)
    frame = pd.DataFrame([{"unique_id": name, **record} for name, record in records.items()], dtype="object")
    api = DuckDBAPI()
    linker = Linker(api.register(frame), settings_of(fields, blocking), log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*columns) for columns in certain], recall=recall
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=seed)
    for columns in train_on:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    settings = completed(linker.misc.save_model_to_json())
    return model_of(settings, fields, blocking, records), settings


def completed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return trained settings with a small share in the place of each that no pair showed."""
    done: dict[str, Any] = json.loads(json.dumps(settings))
    for comparison in done["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            for name in ("m_probability", "u_probability"):
                told = level.get(name)
                level[name] = max(float(told), 1e-9) if isinstance(told, (int, float)) else _SELDOM
    return done


def model_of(
    settings: dict[str, Any],
    fields: Mapping[str, FieldKind],
    blocking: Sequence[Sequence[str]],
    records: Mapping[str, Prepared],
) -> MatchModel:
    """Return Splink's settings as the model the services score with, with the frequencies in the records."""
    comparisons = []
    for comparison in settings["comparisons"]:
        name = comparison["output_column_name"]
        told = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        forms: list[_Form] = [*LEVELS[fields[name]], ("other", "else", "", 0, False)]
        levels = [
            Level(label, test, level["m_probability"], level["u_probability"], name + suffix, threshold, by_frequency)
            for (label, test, suffix, threshold, by_frequency), level in zip(forms, told, strict=True)
        ]
        comparisons.append(Comparison(name, tuple(levels)))
    weighed = [name for name, kind in fields.items() if any(form[4] for form in LEVELS[kind])]
    return MatchModel(
        prior=settings["probability_two_random_records_match"],
        fields=dict(fields),
        comparisons=tuple(comparisons),
        blocking=tuple(tuple(columns) for columns in blocking),
        frequencies={name: _shares(records, name) for name in weighed},
    )


def _shares(records: Mapping[str, Prepared], name: str) -> dict[str, float]:
    values = [value for record in records.values() if (value := record[name]) is not None]
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return {value: count / len(values) for value, count in counts.items()}


def as_bytes(model: MatchModel) -> bytes:
    """Return a model as the JSON it is kept and posted in."""
    return msgspec.json.encode(model)


def score_with_splink(records: Mapping[str, Prepared], settings: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Return Splink's own match weights of the pairs it looks at, the smaller id first: what ours are judged by."""
    import pandas as pd  # noqa: PLC0415 - only with the extra
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - only with the extra

    frame = pd.DataFrame([{"unique_id": name, **record} for name, record in records.items()], dtype="object")
    linker = Linker(DuckDBAPI().register(frame), settings, log_level=logging.ERROR)
    found = linker.inference.predict().as_pandas_dataframe()
    return {
        (min(one, other), max(one, other)): float(weight)
        for one, other, weight in zip(found.unique_id_l, found.unique_id_r, found.match_weight, strict=True)
    }
