"""Scores per second of the job: ``python benchmarks/infer_fields.py``, Spark on two cores.

A table of made-up features with gaps is written to Delta, then infer_fields scores it with 44
labels: by boosted trees, by trees and one network for all labels, and by one network per label (of
the small field only, a tenth of the rows). Before each the small field is scored once, which
compiles the kernels and starts the workers; then the job is timed from its first query to the
record of what is done. Some seconds of that are the job's own whatever the number of rows. Start it
on two idle cores.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from periodograms import say
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scoring_models import LABELS, SETS, feature_rows, images, network_set, tree_set

from jobs import infer_fields
from jobs.common.model_files import model_files
from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from udfs.schemas import FEATURES

PER_PART = 10_000
SMALL, LARGE = 487, 488


def made_features(spark: SparkSession, rows: int) -> DataFrame:
    """The features table of two fields, made in parts."""
    names = list(SETS.ontological)

    def make(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in (int(number) for batch in batches for number in batch["id"]):
            n = min(PER_PART, rows - part * PER_PART)
            table = pd.DataFrame(feature_rows(n, seed=100 + part), columns=names)
            yield table.assign(
                source_id=[part * PER_PART + i for i in range(n)],
                dmdt=list(images(n, seed=100 + part).reshape(n, -1)),
            )

    schema = "source_id bigint, dmdt array<float>, " + ", ".join(f"`{n}` double" for n in names)
    parts = -(-rows // PER_PART)
    made = spark.range(0, parts, numPartitions=parts).mapInPandas(make, schema)
    number = F.col("source_id")
    given = {
        "survey": F.lit("ztf"), "field": F.when(number < rows // 10, SMALL).otherwise(LARGE),
        "ccd": F.lit(1), "quad": F.lit(1), "filter": F.lit(1),
        "object_id": number.cast("string"), "ra": number / 1e6, "dec": F.lit(10.0),
        "mode": F.lit("fixed"), "backend": F.lit("cpu"), "input_hash": number,
        "code_version": F.lit("benchmark"),
    }  # fmt: skip
    return made.select(*[
        given.get(f.name, F.col(f"`{f.name}`") if f.name in made.columns else F.lit(None))
        .cast(f.dataType).alias(f.name)
        for f in FEATURES.schema
    ])  # fmt: skip


def main() -> None:
    """Print rows per second of each choice of models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="light curves (default 1000000)"
    )
    parser.add_argument("--rounds", type=int, default=200, help="trees per label (default 200)")
    args = parser.parse_args()
    # The workers import this folder's modules.
    os.environ["PYTHONPATH"] = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    settings = ["spark.master=local[2]", "spark.sql.shuffle.partitions=2"]
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(open_session("benchmark", settings), folder)
        made = made_features(warehouse.spark, args.rows)
        warehouse.replace(made, FEATURES, where="survey = 'ztf'")
        files = model_files(warehouse)
        forest = tree_set(files, args.rounds).name
        separate, multi = (network_set(files, multi=multi).name for multi in (False, True))
        for name, sets, rows in (
            ("XGB", [forest], args.rows),
            ("XGB and the network of all labels", [forest, multi], args.rows),
            (f"{len(LABELS)} networks", [separate], args.rows // 10),
        ):
            flags = ["--warehouse", folder, "--models", ",".join(sets), "--force"]
            few = ["--fields", str(SMALL)]
            infer_fields.main([*flags, *few])
            start = time.perf_counter()
            infer_fields.main([*flags, *(few if rows < args.rows else [])])
            took = time.perf_counter() - start
            say(f"{name}: {rows:,} rows in {took:.1f} s, {rows / took:,.0f} rows/s")


if __name__ == "__main__":
    sys.exit(main())
