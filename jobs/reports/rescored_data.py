"""What changed when nights were scored again, small enough for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from udfs.alert_schemas import ALERT_SCORES

BINS = 40
_KEY = ["night", "candid"]


@dataclass(frozen=True)
class Changed:
    """One alert whose score is another now."""

    night: int
    object_id: str
    candid: int
    before: float
    now: float
    before_version: str
    now_version: str


@dataclass(frozen=True)
class ScoreChange:
    """One label, on the alerts that have its score before and now.

    Attributes
    ----------
    threshold
        A score above it is a yes.
    n_both, mean_difference
        Alerts with both scores, and the mean of |now - before|; NaN without any.
    n_up, n_down
        Of these, those that became a yes, and a no.
    n_gained, n_lost
        Alerts that have a score only now, or had one only before.
    counts : (BINS, BINS) int64
        Alerts per pair of scores: rows before, columns now.
    most
        Those that changed most, the largest change first.
    """

    label: str
    threshold: float
    n_both: int
    mean_difference: float
    n_up: int
    n_down: int
    n_gained: int
    n_lost: int
    counts: NDArray[np.int64]
    most: Sequence[Changed]


@dataclass(frozen=True)
class FilterChange:
    """What a filter lets through; ``new`` and ``gone`` are the first ``(objectId, candid)``."""

    name: str
    n_before: int
    n_now: int
    n_new: int
    n_gone: int
    new: Sequence[tuple[str, int]]
    gone: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Rescored:
    """Some nights before and now.

    Attributes
    ----------
    account
        Name of each part of the alerts -> how many.
    versions_before, versions_now
        ``model_version`` -> alerts.
    anomalies
        Anomaly before and now -> alerts that the stream had seen; None: none.
    """

    nights: Sequence[int]
    account: Mapping[str, int]
    versions_before: Mapping[str, int]
    versions_now: Mapping[str, int]
    scores: Sequence[ScoreChange]
    anomalies: Mapping[tuple[str | None, str | None], int]
    filters: Sequence[FilterChange]


def gather_rescored(
    now: DataFrame,
    before: DataFrame,
    selections: DataFrame | None,
    *,
    nights: Sequence[int],
    account: Mapping[str, int],
    thresholds: Mapping[str, float],
    top: int,
) -> Rescored:
    """Compare two versions of the same nights.

    Parameters
    ----------
    now, before : DataFrame
        Columns of ``scored_alerts``; alerts that are in ``before`` only are left out.
    selections : DataFrame, optional
        filter, candid, objectId, and whether it ``passed`` before and ``passes`` now.
    thresholds : label -> threshold of the models now; the labels that are compared.
    top : int
        How many alerts are listed per label and filter.
    """
    pairs = _pairs(now, before).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        labels = [label for label in ALERT_SCORES if label in thresholds]
        return Rescored(
            nights=list(nights),
            account=dict(account),
            versions_before=_counted(pairs.where("seen"), "before_version"),
            versions_now=_counted(pairs, "now_version"),
            scores=_score_changes(pairs, {n: thresholds[n] for n in labels}, top) if labels else [],
            anomalies=_anomalies(pairs),
            filters=[] if selections is None else _filter_changes(selections, top),
        )
    finally:
        pairs.unpersist()


def _pairs(now: DataFrame, before: DataFrame) -> DataFrame:
    """One row per alert of ``now``, both scores side by side."""
    told = {**{name: name for name in ALERT_SCORES}, "anomaly": "anomaly",
            "model_version": "version"}  # fmt: skip
    old = before.select(
        *_KEY, *[F.col(n).alias(f"before_{as_}") for n, as_ in told.items()],
        F.lit(True).alias("seen"),
    )  # fmt: skip
    new = now.select(*_KEY, "objectId", *[F.col(n).alias(f"now_{as_}") for n, as_ in told.items()])
    return new.join(old, on=_KEY, how="left").na.fill(False, ["seen"])


def _counted(rows: DataFrame, column: str) -> dict[str, int]:
    counts = rows.groupBy(column).count().orderBy(F.col("count").desc(), column).collect()
    return {row[column] or "unknown": row["count"] for row in counts}


def _score_changes(
    pairs: DataFrame, thresholds: Mapping[str, float], top: int
) -> list[ScoreChange]:
    each = ", ".join(
        f"'{label}', before_{label}, now_{label}, {value!r}D" for label, value in thresholds.items()
    )
    long = pairs.selectExpr(
        "night", "objectId", "candid", "before_version", "now_version",
        f"stack({len(thresholds)}, {each}) AS (label, before, now, threshold)",
    )  # fmt: skip
    sums = {row["label"]: row.asDict() for row in _sums(long).collect()}
    both = long.where("before IS NOT NULL AND now IS NOT NULL")
    counts = {label: np.zeros((BINS, BINS), np.int64) for label in thresholds}
    for row in _binned(both).collect():
        counts[row["label"]][row["x"], row["y"]] = row["count"]
    most: dict[str, list[Changed]] = {label: [] for label in thresholds}
    for row in _most(both, top).collect():
        most[row["label"]].append(_changed(row))
    nothing = {"n_both": 0, "n_up": 0, "n_down": 0, "n_gained": 0, "n_lost": 0}
    return [
        ScoreChange(
            label=label, threshold=thresholds[label],
            mean_difference=_nan_for_none(sums.get(label, {}).get("mean_difference")),
            **{name: sums.get(label, nothing)[name] for name in nothing},
            counts=counts[label], most=most[label],
        )
        for label in thresholds
    ]  # fmt: skip


def _sums(long: DataFrame) -> DataFrame:
    return long.groupBy("label").agg(
        F.expr("count_if(before IS NOT NULL AND now IS NOT NULL) AS n_both"),
        F.expr("avg(abs(double(now) - before)) AS mean_difference"),
        F.expr("count_if(before <= threshold AND now > threshold) AS n_up"),
        F.expr("count_if(before > threshold AND now <= threshold) AS n_down"),
        F.expr("count_if(before IS NULL AND now IS NOT NULL) AS n_gained"),
        F.expr("count_if(before IS NOT NULL AND now IS NULL) AS n_lost"),
    )


def _binned(both: DataFrame) -> DataFrame:
    # A score of 1 is in the last bin.
    at = {
        axis: F.least(F.floor(F.col(name).cast("double") * BINS), F.lit(BINS - 1)).cast("int")
        for axis, name in (("x", "before"), ("y", "now"))
    }
    return both.withColumns(at).groupBy("label", "x", "y").count()


def _most(both: DataFrame, top: int) -> DataFrame:
    """Those with the largest change of each label; scores that are the same are none."""
    change = F.expr("abs(double(now) - before)")
    by_change = Window.partitionBy("label").orderBy(change.desc(), "candid")
    return (
        both.where(change > 0)
        .withColumn("place", F.row_number().over(by_change))
        .where(F.col("place") <= top)
        .orderBy("label", "place")
    )


def _changed(row: Any) -> Changed:
    return Changed(
        row["night"], row["objectId"], row["candid"], row["before"], row["now"],
        row["before_version"] or "unknown", row["now_version"] or "unknown",
    )  # fmt: skip


def _anomalies(pairs: DataFrame) -> dict[tuple[str | None, str | None], int]:
    counts = pairs.where("seen").groupBy("before_anomaly", "now_anomaly").count().collect()
    return {(row["before_anomaly"], row["now_anomaly"]): row["count"] for row in counts}


def _filter_changes(selections: DataFrame, top: int) -> list[FilterChange]:
    listed = "slice(sort_array(collect_list(IF({}, struct(candid, objectId), NULL))), 1, {})"
    rows = (
        selections.groupBy("filter")
        .agg(
            F.expr("count_if(passed) AS n_before"),
            F.expr("count_if(passes) AS n_now"),
            F.expr("count_if(passes AND NOT passed) AS n_new"),
            F.expr("count_if(passed AND NOT passes) AS n_gone"),
            F.expr(listed.format("passes AND NOT passed", top)).alias("new"),
            F.expr(listed.format("passed AND NOT passes", top)).alias("gone"),
        )
        .orderBy("filter")
    )
    return [
        FilterChange(
            row["filter"], row["n_before"], row["n_now"], row["n_new"], row["n_gone"],
            *([(one["objectId"], one["candid"]) for one in row[name]] for name in ("new", "gone")),
        )
        for row in rows.collect()
    ]  # fmt: skip


def _nan_for_none(value: float | None) -> float:
    return float("nan") if value is None else float(value)
