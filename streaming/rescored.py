"""A past night scored again: what the stream would say of its alerts today."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructField, StructType

from jobs.common.tables import Warehouse
from jobs.common.version import code_version
from streaming.enrich import with_anomaly, with_quality_cuts
from streaming.filters import AlertFilter
from streaming.known import with_known_source
from streaming.publish import matching
from streaming.score import KAFKA, score_columns
from streaming.scorers import ScorerSource
from udfs.alert_schemas import (
    ALERT_SCORES,
    ALERTS,
    FORCED_COLUMNS,
    HISTORY_COLUMNS,
    KNOWN_SOURCES,
    MORE_NUMBERS,
    SCORED_ALERTS,
    STAMPS,
    scored_alerts_table,
)
from udfs.alerts.columns import batch_of
from udfs.alerts.cutouts import read_triplets
from udfs.alerts.light_curve import LIGHT_CURVE_FEATURES
from udfs.alerts.metadata import FEATURES
from udfs.errors import ContractError

_LIKE = scored_alerts_table("rescored_alerts")
RESCORED_ALERTS = replace(
    _LIKE,
    # An alert that was read from a file came by no topic.
    schema=StructType([
        StructField(f.name, f.dataType, f.nullable or f.name in KAFKA, f.metadata)
        for f in _LIKE.schema
    ]),
    comment="Alerts scored again, one row per candid; model_version says by what",
)  # fmt: skip
# Of the packet, but not in the table alerts: taken as the stream stored them.
_STORED = (*MORE_NUMBERS, "ssnamenr", *HISTORY_COLUMNS, *FORCED_COLUMNS, *LIGHT_CURVE_FEATURES,
           *KAFKA)  # fmt: skip
_OWN = [n for n in ALERTS.schema.names if n not in (*STAMPS, "input_file", "code_version")]
_KEY = ("night", "candid")
_FRESH = to_arrow_schema(
    StructType([SCORED_ALERTS.schema[name] for name in (*_OWN, *ALERT_SCORES)])
)
# Alerts whose stars are looked up at once; the driver holds nine rows for each.
LOOKED_UP = 20_000


@dataclass(frozen=True)
class Account:
    """Where the alerts of some nights are.

    Attributes
    ----------
    streamed
        Rescored, and in ``scored_alerts``.
    from_files
        Rescored, and only in ``alerts``: ingested from files.
    without_stamps
        Only in ``scored_alerts``: the stream kept no stamps to score again.
    """

    streamed: int = 0
    from_files: int = 0
    without_stamps: int = 0

    @property
    def rescored(self) -> int:
        """Rows in ``rescored_alerts``."""
        return self.streamed + self.from_files

    def __add__(self, other: "Account") -> "Account":
        return Account(
            self.streamed + other.streamed,
            self.from_files + other.from_files,
            self.without_stamps + other.without_stamps,
        )


def rescore_night(
    warehouse: Warehouse, night: int, scorer: ScorerSource, *, model_version: str
) -> Account:
    """Score the alerts of a night that have stamps, and replace the night in ``rescored_alerts``.

    Scores, quality cuts, anomalies and known stars are made anew, by the stream's own code; the
    rest of a row, such as the features of its light curve, is as the stream stored it, and null for
    an alert that the stream has not seen.

    Raises
    ------
    ContractError
        If the table ends up with another number of alerts than were scored.
    """
    alerts = warehouse.read(ALERTS).where(F.col("night") == night)
    stored = stored_alerts(warehouse, [night])
    fresh = scored_again(alerts, scorer).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        account = _account(fresh, stored)
        rows = (
            _with_known(fresh, warehouse)
            .join(stored.select(*_KEY, *_STORED), on=list(_KEY), how="left")
            .withColumn("model_version", F.lit(model_version))
            .withColumn("code_version", F.lit(code_version()))
        )
        flagged = with_anomaly(with_quality_cuts(rows))
        warehouse.replace(flagged, RESCORED_ALERTS, where=f"night = {night:d}")
    finally:
        fresh.unpersist()
    written = warehouse.read(RESCORED_ALERTS).where(F.col("night") == night).count()
    if written != account.rescored:
        raise ContractError(
            f"night {night}: {account.rescored:,} alerts were scored, {written:,} are in "
            f"{RESCORED_ALERTS.name}; two rows of alerts or scored_alerts share a candid"
        )
    return account


def stored_alerts(warehouse: Warehouse, nights: Sequence[int]) -> DataFrame:
    """What the stream has said of these nights; no rows if there has been no stream."""
    if not warehouse.exists(SCORED_ALERTS):
        return warehouse.spark.createDataFrame([], SCORED_ALERTS.schema)
    return warehouse.read(SCORED_ALERTS).where(F.col("night").isin(list(nights)))


def selections(now: DataFrame, before: DataFrame, filters: Sequence[AlertFilter]) -> DataFrame:
    """One row per alert and filter that lets it through in either frame.

    Returns
    -------
    DataFrame
        night, candid, objectId, filter, ``passed``: whether it does in ``before``, and ``passes``:
        in ``now``.
    """
    columns = (*_KEY, "objectId", "filter")
    old = matching(before, filters).select(*columns, F.lit(True).alias("passed"))
    new = matching(now, filters).select(*columns, F.lit(True).alias("passes"))
    return old.join(new, on=list(columns), how="full").na.fill(False, ["passed", "passes"])


def scored_again(alerts: DataFrame, scorer: ScorerSource) -> DataFrame:
    """Rows of ``alerts`` with their stamps replaced by scores."""

    def score(batches: Iterable[Any]) -> Iterator[Any]:
        networks = scorer()
        for batch in batches:
            if batch.num_rows:
                images = read_triplets(*(batch[name].to_pylist() for name in STAMPS)).images
                features = {name: _with_nan(batch[name]) for name in FEATURES}
                columns = {name: batch[name] for name in _OWN}
                yield batch_of(columns | score_columns(features, images, networks), _FRESH)

    return alerts.select(*_OWN, *STAMPS).mapInArrow(score, from_arrow_schema(_FRESH))


def _with_nan(column: Any) -> Any:
    """A column of numbers as (n,) float64, NaN where it is null."""
    return column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def _account(fresh: DataFrame, stored: DataFrame) -> Account:
    here = fresh.select(*_KEY, F.lit(True).alias("here"))
    there = stored.select(*_KEY, F.lit(True).alias("there"))
    row = (
        here.join(there, on=list(_KEY), how="full")
        .agg(
            F.expr("count_if(here AND there) AS streamed"),
            F.expr("count_if(there IS NULL) AS from_files"),
            F.expr("count_if(here IS NULL) AS without_stamps"),
        )
        .collect()[0]
    )
    return Account(**row.asDict())


def _with_known(fresh: DataFrame, warehouse: Warehouse) -> DataFrame:
    """With the ``known_*`` columns, looked up for a share of the alerts at a time."""
    if not warehouse.exists(KNOWN_SOURCES):
        return with_known_source(fresh, None)
    known = warehouse.read(KNOWN_SOURCES)
    shares = max(-(-fresh.count() // LOOKED_UP), 1)
    share = F.pmod(F.xxhash64("candid"), F.lit(shares))
    return reduce(
        DataFrame.unionByName,
        [with_known_source(fresh.where(share == i), known) for i in range(shares)],
    )
