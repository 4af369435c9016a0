"""The files that a training leaves."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from models.imputation import Imputer
from models.label_training import LabelResult
from models.store import IMPORTANCES, IMPUTER, METRICS, PREDICTIONS


def contents_of(
    results: Sequence[LabelResult], imputer: Imputer, predictions: pd.DataFrame
) -> dict[str, bytes]:
    """File name -> bytes of a finished training; the same results give the same bytes."""
    contents = {f"{result.label}.ubj": result.model for result in results}
    contents[IMPUTER] = imputer.to_bytes()
    contents[METRICS] = as_json([{"label": r.label, **r.metrics} for r in results])
    contents[IMPORTANCES] = as_json({r.label: r.importances for r in results})
    contents[PREDICTIONS] = as_parquet(predictions)
    return contents


def as_parquet(rows: pd.DataFrame) -> bytes:
    """Rows as a Parquet file."""
    buffer = io.BytesIO()
    rows.to_parquet(buffer, index=False)
    return buffer.getvalue()


def as_json(value: Any) -> bytes:
    """A value as an indented JSON file."""
    return json.dumps(value, indent=1).encode()
