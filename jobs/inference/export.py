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
from udfs.schemas import CATALOGUE_IDS

TOLD = (
    "_id", "obj_id", *CATALOGUE_IDS, "ra", "dec", "period", "field", "ccd", "quad", "filter",
)  # fmt: skip


def export_path(folder: str, survey: str, field: int) -> str:
    """Where the file of a field goes; fields of different surveys may share a number."""
    return f"{folder.rstrip('/')}/{survey}/preds_xgb/field_{field}/field_{field}.parquet"


def scope_table(
    rows: DataFrame, labels: Sequence[str], *, version: str, code_version: str
) -> pa.Table:
    """Rows of the scores table with SCoPe's columns in SCoPe's order, scores to two decimals.

    The schema's metadata hold, under ``scope``, a JSON text that says what made the file.

    Parameters
    ----------
    rows : DataFrame
        Scores of one field; they must fit into the driver (10 million rows take 3 GB).
    labels : sequence of str
        The labels with a model, in the order of the columns.
    """
    names = [f"{label}_xgb" for label in labels]
    table = rows.select(*TOLD, *names).orderBy("_id", "filter", "ccd", "quad").toArrow()
    for name in names:
        score = table.column(name).to_numpy().astype(np.float32)
        rounded = pa.array(np.round(score, 2), pa.float32(), from_pandas=True)
        table = table.set_column(table.schema.get_field_index(name), name, rounded)
    told = {
        "scope": {
            "code": "lambdasky",
            "code_version": code_version,
            "model_version": version,
            "xgb_models": list(labels),
            "total": table.num_rows,
        }
    }
    return table.replace_schema_metadata({k: json.dumps(v) for k, v in told.items()})


def write_field(rows: DataFrame, path: str, *, labels: Sequence[str], version: str,
                code_version: str) -> None:  # fmt: skip
    """Write the file of one field whole, on any Hadoop path."""
    table = scope_table(rows, labels, version=version, code_version=code_version)
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
