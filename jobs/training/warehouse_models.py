"""Model sets in the warehouse, and the files that a training leaves there."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from jobs.common import files
from jobs.common.tables import Warehouse
from models.imputation import Imputer
from models.label_training import LabelResult
from models.store import IMPORTANCES, IMPUTER, METRICS, PREDICTIONS


@dataclass(frozen=True)
class WarehouseFiles:
    """The folder ``models`` of a warehouse, on any Hadoop path."""

    spark: SparkSession
    root: str

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return files.read_bytes(self.spark, f"{self.root}/{path}")

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file."""
        files.write_bytes(self.spark, f"{self.root}/{path}", content)

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty if there is no such folder."""
        return files.list_folder(self.spark, f"{self.root}/{folder}")


def model_files(warehouse: Warehouse) -> WarehouseFiles:
    """Where the models of a warehouse are."""
    return WarehouseFiles(warehouse.spark, f"{warehouse.root.rstrip('/')}/models")


def contents_of(
    results: Sequence[LabelResult], imputer: Imputer, predictions: pd.DataFrame
) -> dict[str, bytes]:
    """File name -> bytes of a finished training; the same results give the same bytes."""
    contents = {f"{result.label}.ubj": result.model for result in results}
    contents[IMPUTER] = imputer.to_bytes()
    contents[METRICS] = _json([{"label": r.label, **r.metrics} for r in results])
    contents[IMPORTANCES] = _json({r.label: r.importances for r in results})
    buffer = io.BytesIO()
    predictions.to_parquet(buffer, index=False)
    contents[PREDICTIONS] = buffer.getvalue()
    return contents


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()
