"""The grid search of many labels at once: every candidate of a stage is a Spark task."""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pyspark import Broadcast
from pyspark.sql import SparkSession

from jobs.common.progress import Progress
from models.label_training import Plan, Prepared, parts_of
from models.splits import PART_NAMES, TRAIN
from models.xgb import Settings
from models.xgb_search import STAGES, Folds, walk

log = logging.getLogger(__name__)


def search_as_tasks(
    spark: SparkSession, prepared: Prepared, labels: Sequence[str], plan: Plan
) -> dict[str, Settings]:
    """Label -> the settings that ``xgb_search.search`` finds, from the training part alone.

    The labels walk through their stages side by side. A task judges one candidate with all its
    folds: these stop together, so that a fold in a task of its own would have to grow all trees.
    A lost executor costs the candidates that it was judging.
    """
    threads = int(spark.conf.get("spark.task.cpus", "1") or "1")
    start = replace(plan.settings, threads=threads)
    shared = spark.sparkContext.broadcast(prepared)
    progress = Progress("search", len(labels) * STAGES, of="stages")
    one_at_a_time = threading.Lock()

    def run(label: str) -> Settings:
        def told(stage: int, auc: float, best: Settings) -> None:
            with one_at_a_time:
                log.info(
                    "label=%s stage=%d/%d auc=%.4f max_depth=%d min_child_weight=%d subsample=%g "
                    "colsample_bytree=%g eta=%g", label, stage, STAGES, auc, best.max_depth,
                    best.min_child_weight, best.subsample, best.colsample_bytree, best.eta,
                )  # fmt: skip
                progress.add(1)

        def judge(candidates: list[Settings]) -> list[float]:
            return _judged(spark, shared, label, plan, candidates)

        return walk(start, judge, told=told)

    try:
        # Threads only wait here; the tasks queue in Spark's scheduler.
        with ThreadPoolExecutor(max_workers=max(len(labels), 1)) as pool:
            return dict(zip(labels, pool.map(run, labels), strict=True))
    finally:
        shared.destroy()


def _judged(
    spark: SparkSession,
    shared: Broadcast[Prepared],
    label: str,
    plan: Plan,
    candidates: list[Settings],
) -> list[float]:
    def task(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            folds = _folds_of(shared.value, label, plan)
            aucs = [folds.auc(candidates[i]) for i in batch["id"]]
            yield pd.DataFrame({"id": batch["id"], "auc": aucs})

    numbers = spark.range(len(candidates), numPartitions=len(candidates))
    found = {row["id"]: row["auc"] for row in
             numbers.mapInPandas(task, "id bigint, auc double").collect()}  # fmt: skip
    return [found[i] for i in range(len(candidates))]


@dataclass(frozen=True)
class _Held:
    prepared: Prepared
    label: str
    folds: Folds


_held: list[_Held] = []


def _folds_of(prepared: Prepared, label: str, plan: Plan) -> Folds:
    """The folds of a label, kept for the next candidate that this process judges."""
    for held in _held:
        if held.prepared is prepared and held.label == label:
            return held.folds
    rows = parts_of(prepared, label, plan)[PART_NAMES[TRAIN]]
    columns = prepared.columns[prepared.kinds[label]]
    folds = Folds.of(
        prepared.matrix[np.ix_(rows, columns)],
        prepared.targets[label][rows],
        groups=prepared.stars[rows].astype(str).tolist(),
        seed=plan.settings.seed,
    )
    _held[:] = [_Held(prepared, label, folds)]
    return folds
