"""Submitted by test_standalone_cluster.py: writes a Delta table, works on it, prints what it saw.

Rows go through a function of ``udfs`` on the workers, which therefore must find that package.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import functions as F

import udfs
from jobs.common.session import open_session
from udfs.ragged import from_arrow


def sum_curves(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One row per curve: its number, the sum of its values, the executor that added them."""
    for batch in batches:
        values, offsets = from_arrow(batch.column("mag"), name="mag")
        sums = [float(values[a:b].sum()) for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
        executor = Path.cwd().name
        yield pa.RecordBatch.from_pydict(
            {
                "source_id": batch.column("source_id"),
                "total": sums,
                "executor": [executor] * len(sums),
                "package": [udfs.__file__] * len(sums),
            }
        )


def main(table: str) -> None:
    """Write 40 curves, read them back, and print settings and sums as one JSON line."""
    spark = open_session("cluster_script")
    curves = spark.range(0, 40, numPartitions=4).select(
        F.col("id").alias("source_id"),
        F.transform(F.sequence(F.lit(0), F.col("id").cast("int")), lambda x: x + 0.5).alias("mag"),
    )
    curves.write.format("delta").mode("overwrite").save(table)
    sums = (
        spark.read.format("delta")
        .load(table)
        .repartition(4, "source_id")
        .mapInArrow(
            sum_curves,
            "source_id long, total double, executor string, package string",
        )
    )
    report = {
        "master": spark.sparkContext.master,
        "settings": dict(spark.sparkContext.getConf().getAll()),
        "rows": [row.asDict() for row in sums.collect()],
    }
    sys.stdout.write(json.dumps(report) + "\n")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
