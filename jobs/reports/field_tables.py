"""What the warehouse holds on one field, in counts and short lists small enough for a page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from jobs.reports.plots_scores import BINS
from udfs.errors import ContractError
from udfs.schemas import FEATURES, LIGHT_CURVES, QUARANTINE, SCORE_KINDS
from udfs.table import Table


@dataclass(frozen=True)
class LabelScores:
    """One column of scores: of how many light curves, how many above the threshold, the best."""

    label: str
    model: str
    n_scored: int
    n_above: int
    best: float

    @property
    def column(self) -> str:
        """Name of the column in the scores table."""
        return f"{self.label}_{self.model}"


@dataclass(frozen=True)
class Quarantined:
    """Rows put aside for one reason; ``epochs`` is None where whole light curves were."""

    job: str
    extent: str
    reason: str
    rows: int
    epochs: int | None


@dataclass(frozen=True)
class TopSource:
    """One of the highest scores of a column, and whose it is."""

    column: str
    score: float
    source_id: int
    object_id: str | None
    ra: float | None
    dec: float | None
    period: float | None


def scored_fields(
    warehouse: Warehouse, scores: Table, *, survey: str, wanted: Sequence[int] | None
) -> list[int]:
    """The wanted fields, or all that have scores, ascending.

    Raises
    ------
    ContractError
        If one has no scores, naming the survey, the field and those that have.
    """
    rows = warehouse.read(scores).select("survey", "field").distinct().collect()
    there = sorted(row["field"] for row in rows if row["survey"] == survey)
    if not there:
        known = ", ".join(sorted({row["survey"] for row in rows})) or "none"
        raise ContractError(
            f"no scores of survey {survey!r} in {warehouse.path(scores)}; surveys with scores: "
            f"{known}; run infer_fields first"
        )
    for field in wanted or ():
        if field not in there:
            raise ContractError(
                f"no scores of survey {survey!r} field {field} in {warehouse.path(scores)}; fields "
                f"with scores: {', '.join(map(str, there))}; run infer_fields for it first"
            )
    return list(wanted) if wanted is not None else there


def one_field(warehouse: Warehouse, table: Table, *, survey: str, field: int) -> DataFrame | None:
    """The rows of one field; None where the table does not exist yet."""
    if not warehouse.exists(table):
        return None
    return warehouse.read(table).where((F.col("survey") == survey) & (F.col("field") == field))


def stage_counts(
    warehouse: Warehouse, scores: DataFrame, *, survey: str, field: int
) -> list[tuple[str, int]]:
    """Number of light curves after each step, in the order of the steps."""
    counts = []
    for words, table in (("ingested", LIGHT_CURVES), ("with features", FEATURES)):
        rows = one_field(warehouse, table, survey=survey, field=field)
        counts.append((words, rows.count() if rows is not None else 0))
    by_status = scores.groupBy("status").count().orderBy("status").collect()
    counts += [(f"scored, status {row['status']}", row["count"]) for row in by_status]
    return counts


def quarantine_counts(warehouse: Warehouse, *, survey: str, field: int) -> list[Quarantined]:
    """Rows and epochs put aside, by job, extent and reason.

    What was refused on ingest is counted over the input files that light curves of the field came
    from: a row without a position belongs to no field.
    """
    curves = one_field(warehouse, LIGHT_CURVES, survey=survey, field=field)
    if curves is None or not warehouse.exists(QUARANTINE):
        return []
    files = curves.select(F.col("input_file").alias("unit"), F.lit(True).alias("is_file"))
    found = (
        warehouse.read(QUARANTINE)
        .where(F.col("survey") == survey)
        .join(F.broadcast(files.distinct()), "unit", "left")
        .where(F.col("is_file") | F.col("unit").startswith(f"{survey}/{field}/"))
        .groupBy("job", "extent", "reason")
        .agg(F.count(F.lit(1)).alias("rows"), F.sum("n_epochs").alias("epochs"))
        .orderBy(F.desc("rows"), "job", "reason")
    )
    return [Quarantined(*row) for row in found.collect()]


def label_scores(
    scores: DataFrame, labels: Sequence[str], *, threshold: float
) -> list[LabelScores]:
    """The columns of scores that hold any, in the order of the labels, XGBoost first."""
    wanted = [(label, model) for model in SCORE_KINDS for label in labels]
    sums = []
    for label, model in wanted:
        column = F.col(f"{label}_{model}")
        sums += [F.count(column), F.count_if(column > threshold), F.max(column)]
    row = scores.agg(*sums).first()
    assert row is not None  # an aggregate without groups has one row
    found = [
        LabelScores(label, model, *row[3 * n : 3 * n + 3])
        for n, (label, model) in enumerate(wanted)
    ]
    return [one for one in found if one.n_scored]


def histogram_counts(
    scores: DataFrame, columns: Sequence[LabelScores]
) -> dict[str, npt.NDArray[np.int64]]:
    """Score column -> (BINS,) int64 counts of its scores in equal steps from 0 to 1."""
    if not columns:
        return {}
    bin_of = F.least(F.floor(F.col("score") * BINS), F.lit(BINS - 1)).cast("int")
    rows = _long(scores, columns).groupBy("column", bin_of.alias("bin")).count().collect()
    counts = {one.column: np.zeros(BINS, np.int64) for one in columns}
    for row in rows:
        counts[row["column"]][row["bin"]] = row["count"]
    return counts


def top_sources(
    scores: DataFrame, columns: Sequence[LabelScores], n: int
) -> dict[str, list[TopSource]]:
    """Score column -> its ``n`` highest scores, highest first; ties by source_id."""
    if not columns:
        return {}
    best_first = Window.partitionBy("column").orderBy(F.desc("score"), "source_id")
    ranked = _long(scores, columns).withColumn("rank", F.row_number().over(best_first))
    names = ("column", "score", "source_id", "object_id", "ra", "dec", "period")
    found: dict[str, list[TopSource]] = {one.column: [] for one in columns}
    for row in ranked.where(F.col("rank") <= n).orderBy("column", "rank").select(*names).collect():
        found[row["column"]].append(TopSource(*row))
    return found


def _long(scores: DataFrame, columns: Sequence[LabelScores]) -> DataFrame:
    """One row per light curve and score column."""
    pairs = [
        F.struct(F.lit(one.column).alias("column"), F.col(one.column).alias("score"))
        for one in columns
    ]
    rows = scores.select(
        F.col("_id").alias("source_id"),
        F.col("obj_id").alias("object_id"),
        *("ra", "dec", "period"),
        F.explode(F.array(*pairs)).alias("pair"),
    )
    return rows.select("*", "pair.column", "pair.score").where(F.col("score").isNotNull())
