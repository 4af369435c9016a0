"""The files that a training leaves."""

import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from models.imputation import Imputer
from models.label_training import LabelResult
from models.store import IMPORTANCES, IMPUTER, METRICS, PREDICTIONS, VALIDATION

_ORDER = ["label", "survey", "object_id", "source_id"]


def contents_of(results: Sequence[LabelResult], imputer: Imputer) -> dict[str, bytes]:
    """File name -> bytes of finished trees; the same results give the same bytes."""
    contents = {f"{result.label}.ubj": result.model for result in results}
    contents[IMPUTER] = imputer.to_bytes()
    contents[METRICS] = as_json([{"label": r.label, **r.metrics} for r in results])
    contents[IMPORTANCES] = as_json({r.label: r.importances for r in results})
    return contents


def scores_of(told: Iterable[tuple[LabelResult, pd.DataFrame]]) -> dict[str, bytes]:
    """The files with the scores of the validation and of the test part.

    Parameters
    ----------
    told : pairs of a label and the survey, object_id and source_id of the rows that it numbers
    """
    parts: dict[str, list[pd.DataFrame]] = {VALIDATION: [], PREDICTIONS: []}
    for result, keys in told:
        for name, part in ((VALIDATION, result.validation), (PREDICTIONS, result.test)):
            rows = keys.iloc[part.rows].assign(
                label=result.label, target=part.target.astype("int32"), score=part.score
            )
            parts[name].append(rows[[*_ORDER, "target", "score"]])
    return {
        name: as_parquet(pd.concat(rows).sort_values(_ORDER, kind="stable"))
        for name, rows in parts.items()
    }


def as_parquet(rows: pd.DataFrame) -> bytes:
    """Rows as a Parquet file."""
    buffer = io.BytesIO()
    rows.to_parquet(buffer, index=False)
    return buffer.getvalue()


def as_json(value: Any) -> bytes:
    """A value as an indented JSON file."""
    return json.dumps(value, indent=1).encode()
