"""Networks of many labels: side by side as Spark tasks, or each on all ranks of Horovod."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pyspark import Broadcast, SparkFiles
from pyspark.sql import SparkSession

from jobs.training.node_table import TableRecipe
from jobs.training.tasks import RESULT, as_row, from_row
from models.dnn import MULTI, DnnPlan, train_multi, train_separate
from models.label_training import LabelResult
from models.networks.ranks import HorovodRanks, Ranks
from models.networks.table import NetworkTable
from models.networks.training import Surroundings
from udfs.errors import ContractError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkTask:
    """One network: of one label, or of several together."""

    name: str
    labels: tuple[str, ...]


class Recipe(Protocol):
    """What a machine needs to make its copy of a training table."""

    def open(self, below: Path) -> Any:
        """The table, made in that folder by the first process that asks."""


class Job(Protocol):
    """What every process of a training is told: networks of light curves, or of alerts."""

    @property
    def recipe(self) -> Recipe:
        """Of the table that ``run`` is given."""

    @property
    def checkpoints(self) -> str:
        """A folder that all processes reach."""

    @property
    def threads(self) -> int:
        """Threads of one process."""

    def run(
        self,
        task: NetworkTask,
        table: Any,
        *,
        ranks: Ranks | None = None,
        on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    ) -> list[LabelResult]:
        """Train one network; a result per label."""


@dataclass(frozen=True)
class NetworkJob:
    """A ``Job`` that trains SCoPe's networks on light curves."""

    recipe: TableRecipe
    plan: DnnPlan
    checkpoints: str
    threads: int

    def run(
        self,
        task: NetworkTask,
        table: NetworkTable,
        *,
        ranks: Ranks | None = None,
        on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    ) -> list[LabelResult]:
        """Train one network; a result per label."""
        sets, taxonomy = self.recipe.sets, self.recipe.taxonomy
        where = Surroundings(ranks, self.checkpoints, on_epoch)
        if task.name == MULTI:
            return train_multi(table, task.labels, plan=self.plan, where=where)
        (label,) = task.labels
        kind = taxonomy.label(label).kind
        columns = np.array([sets.ontological.index(name) for name in sets.of_kind(kind)])
        return [
            train_separate(table, label, columns=columns, kind=kind, plan=self.plan, where=where)
        ]


def train_networks(
    spark: SparkSession,
    job: Job,
    tasks: Sequence[NetworkTask],
    *,
    ranks: int,
    in_process: bool,
) -> Iterator[list[LabelResult]]:
    """Train the networks in the one of three ways that was asked for; a list per network."""
    if ranks > 1:
        yield from train_on_ranks(spark, job, tasks, ranks=ranks)
    elif in_process:
        yield from train_in_process(job, tasks)
    else:
        yield from train_as_tasks(spark, job, tasks)


def train_as_tasks(
    spark: SparkSession, job: Job, tasks: Sequence[NetworkTask]
) -> Iterator[list[LabelResult]]:
    """Train the networks side by side, each in one Spark task; each comes back when it is done.

    All tasks of a machine read one copy of the table. One thread each beats all threads on one
    network: its layers are too small to share.
    """
    shared = spark.sparkContext.broadcast(job)

    def run(task: NetworkTask) -> list[LabelResult]:
        rows = spark.range(1, numPartitions=1).mapInPandas(_task_of(shared, task), RESULT)
        return [from_row(row) for row in rows.collect()]

    try:
        # Threads only wait here; the tasks queue in Spark's scheduler.
        with ThreadPoolExecutor(max_workers=max(len(tasks), 1)) as pool:
            for future in as_completed([pool.submit(run, task) for task in tasks]):
                yield future.result()
    finally:
        shared.destroy()


def _task_of(
    shared: "Broadcast[Job]", task: NetworkTask
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def run(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for _ in batches:
            job = shared.value
            _use_threads(job.threads)
            for result in job.run(task, job.recipe.open(application_folder())):
                yield as_row(result)

    return run


def train_in_process(job: Job, tasks: Sequence[NetworkTask]) -> Iterator[list[LabelResult]]:
    """Train the networks one after the other in this process, on all its cores."""
    table = job.recipe.open(application_folder())
    for task in tasks:
        yield job.run(task, table)


def train_on_ranks(
    spark: SparkSession, job: Job, tasks: Sequence[NetworkTask], *, ranks: int
) -> list[list[LabelResult]]:
    """Train the networks one after the other, each on all ranks, which are Spark tasks.

    Raises
    ------
    ContractError
        If a rank is lost, or Spark cannot run so many tasks at once. What was trained is kept in
        the checkpoints: the same command goes on from there.
    """
    import horovod.spark

    slots = spark.sparkContext.defaultParallelism
    if slots < ranks:
        raise ContractError(
            f"--ranks {ranks}: Spark runs {slots} tasks at once; lower --ranks or add cores"
        )

    def rank() -> list[list[LabelResult]]:
        _use_threads(job.threads)
        together = HorovodRanks()
        # A rank is no Spark worker and knows no folder of the application.
        folder = Path(tempfile.gettempdir()) / "lambdasky-ranks"
        table = job.recipe.open(folder)
        results = [job.run(task, table, ranks=together) for task in tasks]
        # All ranks have the table open by now: removing its files takes it from none of them.
        shutil.rmtree(folder, ignore_errors=True)
        return results

    try:
        by_rank = horovod.spark.run(rank, num_proc=ranks, use_gloo=True, verbose=0)
    except Exception as error:
        raise ContractError(
            f"a rank of the training was lost ({_first_line(error)}); what was trained until "
            f"then is in {job.checkpoints}: the same command goes on from there"
        ) from error
    results: list[list[LabelResult]] = by_rank[0]
    return results


def application_folder() -> Path:
    """The folder of the Spark application on this machine, which goes with it."""
    return Path(SparkFiles.getRootDirectory())


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def _use_threads(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # The worker is used again: its threads were set by the first task.
        log.debug("threads of TensorFlow are set already")
