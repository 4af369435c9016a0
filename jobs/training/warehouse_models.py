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
