"""Many labels of modest size: one Spark task each, all reading one broadcast training set."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import numpy as np
import pandas as pd
from pyspark.sql import Row, SparkSession

from jobs.training.search import search_as_tasks
from models.label_training import Judged, LabelResult, Plan, Prepared, train_label

log = logging.getLogger(__name__)

RESULT = (
    "label string, model binary, told string, rows array<bigint>, target array<tinyint>, "
    "score array<float>, n_validation int"
)


def train_as_tasks(
    spark: SparkSession, prepared: Prepared, labels: Sequence[str], plan: Plan
) -> Iterator[LabelResult]:
    """Train the labels side by side; each comes back as soon as it is done.

    Every label is a Spark job of one task, so the cluster works on as many labels as it has task
    slots, and a lost executor costs the labels it was working on. A search for the best settings
    goes before, with as many tasks as it has candidates.
    """
    threads = int(spark.conf.get("spark.task.cpus", "1") or "1")
    settings = dict.fromkeys(labels, replace(plan.settings, threads=threads))
    if plan.search:
        settings = search_as_tasks(spark, prepared, labels, plan)
    shared = spark.sparkContext.broadcast(prepared)

    def run(label: str) -> LabelResult:
        own_plan = replace(plan, search=False, settings=settings[label])

        def task(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for _ in batches:
                yield as_row(train_label(shared.value, label, own_plan))

        return from_row(_only(spark.range(1, numPartitions=1).mapInPandas(task, RESULT).collect))

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


def as_row(result: LabelResult) -> pd.DataFrame:
    """A trained label as a row of the schema ``RESULT``."""
    told = json.dumps([result.summary, result.metrics, result.importances])
    parts = (result.validation, result.test)
    return pd.DataFrame({
        "label": [result.label],
        "model": [result.model],
        "told": [told],
        "rows": [np.concatenate([part.rows for part in parts])],
        "target": [np.concatenate([part.target for part in parts])],
        "score": [np.concatenate([part.score for part in parts])],
        "n_validation": [len(result.validation.rows)],
    })  # fmt: skip


def from_row(row: Row) -> LabelResult:
    """The trained label that ``as_row`` wrote."""
    summary, metrics, importances = json.loads(row["told"])
    split = row["n_validation"]
    rows = np.array(row["rows"], dtype=np.int64)
    target = np.array(row["target"], dtype=np.int8)
    score = np.array(row["score"], dtype=np.float32)
    return LabelResult(
        label=row["label"],
        model=bytes(row["model"]),
        summary=summary,
        metrics=metrics,
        importances=importances,
        validation=Judged(rows[:split], target[:split], score[:split]),
        test=Judged(rows[split:], target[split:], score[split:]),
    )
