"""One Parquet file per field in the form of SCoPe's published predictions."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from jobs.common.files import exists, write_bytes
from jobs.inference.score import model_version, output_columns
from models.store import ModelSet
from udfs.schemas import CATALOGUE_IDS

TOLD = (
    "_id", "obj_id", *CATALOGUE_IDS, "ra", "dec", "period", "field", "ccd", "quad", "filter",
)  # fmt: skip


def export_path(folder: str, survey: str, field: int, *, models: Sequence[ModelSet]) -> str:
    """Where the file of a field goes; fields of different surveys may share a number."""
    of = "_".join(["preds", *_algorithms(models)])
    return f"{folder.rstrip('/')}/{survey}/{of}/field_{field}/field_{field}.parquet"


def scope_table(rows: DataFrame, models: Sequence[ModelSet], *, code_version: str) -> pa.Table:
    """Rows of the scores table with SCoPe's columns in SCoPe's order, scores to two decimals.

    The columns of the networks come first, as in SCoPe's combined files. The schema's metadata
    hold, under ``scope``, a JSON text that says what made the file.

    Parameters
    ----------
    rows : DataFrame
        Scores of one field; they must fit into the driver (10 million rows take 3 GB).
    models : sequence of ModelSet
        The sets that gave the scores.
    """
    filled = set(output_columns(models))
    labels = {
        algorithm: [
            column.removesuffix(f"_{algorithm}")
            for column in rows.columns
            if column in filled and column.endswith(f"_{algorithm}")
        ]
        for algorithm in _algorithms(models)
    }
    names = [f"{label}_{algorithm}" for algorithm, of in labels.items() for label in of]
    table = rows.select(*TOLD, *names).orderBy("_id", "filter", "ccd", "quad").toArrow()
    for name in names:
        score = table.column(name).to_numpy().astype(np.float32)
        rounded = pa.array(np.round(score, 2), pa.float32(), from_pandas=True)
        table = table.set_column(table.schema.get_field_index(name), name, rounded)
    told = {
        "scope": {
            "code": "lambdasky",
            "code_version": code_version,
            "model_version": model_version(models),
            **{f"{algorithm}_models": of for algorithm, of in labels.items()},
            "total": table.num_rows,
        }
    }
    return table.replace_schema_metadata({k: json.dumps(v) for k, v in told.items()})


def write_field(
    rows: DataFrame, path: str, *, models: Sequence[ModelSet], code_version: str
) -> None:
    """Write the file of one field whole, on any Hadoop path."""
    table = scope_table(rows, models, code_version=code_version)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    if "://" in path:
        write_bytes(rows.sparkSession, path, buffer.getvalue())
        return
    # Through Spark, large files would pass a text socket to the JVM.
    where = Path(path)
    where.parent.mkdir(parents=True, exist_ok=True)
    partial = where.with_suffix(".partial")
    partial.write_bytes(buffer.getvalue())
    partial.replace(where)


def is_exported(rows: DataFrame, path: str) -> bool:
    """Whether the file is there."""
    return exists(rows.sparkSession, path)


def _algorithms(models: Sequence[ModelSet]) -> list[str]:
    return sorted({each.algorithm for each in models})
