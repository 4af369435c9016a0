"""Files of alert packets -> rows of the table alerts, and records for the quarantine."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from jobs.common.version import code_version
from udfs.alert_schemas import ALERTS
from udfs.alerts.columns import (
    PROBLEM,
    batch_of,
    identity_columns,
    problem_columns,
    stamp_columns,
)
from udfs.alerts.reasons import DUPLICATE_ALERT
from udfs.alerts.ztf import read_alerts

# An alert that is put aside may lack what the table requires.
_DECODED = pa.schema(
    [
        *[field.with_nullable(True) for field in to_arrow_schema(ALERTS.schema)],
        *[(name, pa.string()) for name in PROBLEM],
    ]
)


def decoded(files: DataFrame) -> DataFrame:
    """One row per file: the columns of ``alerts``, and what is wrong with it (null if nothing).

    Parameters
    ----------
    files : DataFrame
        ``path`` and ``content``, as Spark's source binaryFile gives them.
    """
    version = code_version()

    def decode(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            if batch.num_rows:
                yield _decode_batch(batch, version)

    return files.select("path", "content").mapInArrow(decode, from_arrow_schema(_DECODED))


def mark_duplicates(alerts: DataFrame) -> DataFrame:
    """Of several good packets of one alert, the first by file name stays."""
    by_alert = Window.partitionBy("candid", F.col("reason").isNull()).orderBy("input_file")
    again = F.col("reason").isNull() & (F.row_number().over(by_alert) > 1)
    marked = alerts.withColumn("again", again)
    told = {
        "reason": F.lit(DUPLICATE_ALERT.name),
        "column": F.lit(DUPLICATE_ALERT.column),
        "value": F.col("candid").cast("string"),
        "expected": F.lit(DUPLICATE_ALERT.expected),
    }
    return marked.withColumns(
        {name: F.when(F.col("again"), value).otherwise(F.col(name)) for name, value in told.items()}
    ).drop("again")


def quarantine(alerts: DataFrame, *, job: str, unit: str, survey: str) -> DataFrame:
    """The alerts that are put aside, as the table ``quarantine`` wants them."""
    nothing = {"n_epochs": "int", "hmjd": "array<double>", "mag": "array<float>",
               "magerr": "array<float>", "catflags": "array<int>", "row": "bigint"}  # fmt: skip
    return alerts.where(F.col("reason").isNotNull()).select(
        F.lit(job).alias("job"),
        F.lit(unit).alias("unit"),
        F.lit(survey).alias("survey"),
        F.lit("alert").alias("extent"),
        *[F.col(name) for name in PROBLEM],
        "input_file",
        F.col("candid").alias("source_id"),
        F.col("objectId").alias("object_id"),
        *[F.lit(None).cast(dtype).alias(name) for name, dtype in nothing.items()],
    )


def _decode_batch(batch: Any, version: str) -> Any:
    packets, _, problems = read_alerts(batch["content"].to_pylist())
    columns = {
        **identity_columns(packets),
        **stamp_columns(packets),
        "input_file": batch["path"],
        "code_version": pa.array([version] * len(packets)),
        **problem_columns(problems),
    }
    return batch_of(columns, _DECODED)
