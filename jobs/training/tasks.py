"""Many labels of modest size: one Spark task each, all reading one broadcast training set."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import numpy as np
import pandas as pd
from pyspark.sql import Row, SparkSession

from models.label_training import LabelResult, Plan, Prepared, train_label

log = logging.getLogger(__name__)

_RESULT = (
    "label string, model binary, told string, rows array<bigint>, target array<tinyint>, "
    "score array<float>"
)


def train_as_tasks(
    spark: SparkSession, prepared: Prepared, labels: Sequence[str], plan: Plan
) -> Iterator[LabelResult]:
    """Train the labels side by side; each comes back as soon as it is done.

    Every label is a Spark job of one task, so the cluster works on as many labels as it has task
    slots, and a lost executor costs the labels it was working on.
    """
    threads = int(spark.conf.get("spark.task.cpus", "1") or "1")
    shared = spark.sparkContext.broadcast(prepared)
    shared_plan = replace(plan, settings=replace(plan.settings, threads=threads))

    def run(label: str) -> LabelResult:
        def task(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for _ in batches:
                yield _as_row(train_label(shared.value, label, shared_plan))

        return _from_row(_only(spark.range(1, numPartitions=1).mapInPandas(task, _RESULT).collect))

    try:
        # Threads only wait here; the tasks queue in Spark's scheduler.
        with ThreadPoolExecutor(max_workers=max(len(labels), 1)) as pool:
            futures = [pool.submit(run, label) for label in labels]
            for future in as_completed(futures):
                yield future.result()
    finally:
        shared.destroy()


def _only(collect: Callable[[], list[Row]]) -> Row:
    (row,) = collect()
    return row


def _as_row(result: LabelResult) -> pd.DataFrame:
    told = json.dumps([result.summary, result.metrics, result.importances])
    return pd.DataFrame({
        "label": [result.label],
        "model": [result.model],
        "told": [told],
        "rows": [result.rows],
        "target": [result.target],
        "score": [result.score],
    })  # fmt: skip


def _from_row(row: Row) -> LabelResult:
    summary, metrics, importances = json.loads(row["told"])
    return LabelResult(
        label=row["label"],
        model=bytes(row["model"]),
        summary=summary,
        metrics=metrics,
        importances=importances,
        rows=np.array(row["rows"], dtype=np.int64),
        target=np.array(row["target"], dtype=np.int8),
        score=np.array(row["score"], dtype=np.float32),
    )
