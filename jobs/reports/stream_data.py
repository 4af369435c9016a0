"""What the tables of the stream say of its state, small enough for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from udfs.alert_schemas import DEAD_LETTERS, PUBLISHED, SCORED_ALERTS, STREAM_BATCHES
from udfs.table import Table

FloatArray = NDArray[np.float64]
_NUMBERS = ("input_rate", "processed_rate", "lag_offsets", "lag_s", "latency_p50_s",
            "latency_p95_s", "latency_p99_s")  # fmt: skip


@dataclass(frozen=True)
class Batches:
    """The latest micro-batches, by time.

    Attributes
    ----------
    committed : (n,) datetime64[ms], UTC
    numbers : column of ``stream_batches`` -> (n,) float64, NaN where it was not measured
    seconds : stage -> (n,) float64, s; 0 in a batch without this stage
    last : the last one's row
    """

    committed: NDArray[np.datetime64]
    numbers: Mapping[str, FloatArray]
    seconds: Mapping[str, FloatArray]
    last: Mapping[str, Any]


@dataclass(frozen=True)
class DeadLetters:
    """Messages put aside for one reason, and the latest of them."""

    reason: str
    count: int
    latest: datetime | None
    place: str
    value: str | None
    expected: str | None


@dataclass(frozen=True)
class StreamStatus:
    """Everything that the page shows; ``batches`` is None before the first one.

    ``totals`` are sums over all micro-batches, not only those drawn; ``nights`` and ``published``
    count the rows that the tables hold.
    """

    batches: Batches | None = None
    totals: Mapping[str, int] = field(default_factory=dict)
    nights: Mapping[int, int] = field(default_factory=dict)
    published: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    dead_letters: Sequence[DeadLetters] = ()


def gather_stream(warehouse: Warehouse, *, latest: int) -> StreamStatus:
    """Read the state of the stream; ``latest`` micro-batches are drawn."""
    return StreamStatus(
        _batches(warehouse, latest),
        _totals(warehouse),
        _nights(warehouse),
        _published(warehouse),
        _dead_letters(warehouse),
    )


def _batches(warehouse: Warehouse, latest: int) -> Batches | None:
    if not warehouse.exists(STREAM_BATCHES):
        return None
    by_time = warehouse.read(STREAM_BATCHES).orderBy(F.col("committed").desc(), "batch_id")
    # Spark hands over times in the zone of this process: as a number they have none.
    ms = F.unix_millis("committed").alias("committed_ms")
    rows = [r.asDict() for r in reversed(by_time.limit(latest).select("*", ms).collect())]
    if not rows:
        return None
    stages = list(dict.fromkeys(stage for row in rows for stage in row["seconds"] or {}))
    return Batches(
        np.array([row["committed_ms"] for row in rows], dtype="datetime64[ms]"),
        {name: _with_nan([row[name] for row in rows]) for name in _NUMBERS},
        {s: _with_nan([(row["seconds"] or {}).get(s, 0.0) for row in rows]) for s in stages},
        rows[-1],
    )


def _totals(warehouse: Warehouse) -> dict[str, int]:
    names = ("n_messages", "n_alerts", "n_duplicates", "n_dead_letters")
    if not warehouse.exists(STREAM_BATCHES):
        return dict.fromkeys((*names, "n_batches"), 0)
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in names]
    return (
        warehouse.read(STREAM_BATCHES)
        .agg(*sums, F.count("*").alias("n_batches"))
        .collect()[0]
        .asDict()
    )


def _nights(warehouse: Warehouse) -> dict[int, int]:
    return {row[0]: row[1] for row in _counts(warehouse, SCORED_ALERTS, "night")}


def _published(warehouse: Warehouse) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for name, night, count in _counts(warehouse, PUBLISHED, "filter", "night"):
        found.setdefault(name, {})[night] = count
    return found


def _counts(warehouse: Warehouse, table: Table, *by: str) -> list[Any]:
    if not warehouse.exists(table):
        return []
    return warehouse.read(table).groupBy(*by).count().orderBy(*by).collect()


def _dead_letters(warehouse: Warehouse) -> list[DeadLetters]:
    if not warehouse.exists(DEAD_LETTERS):
        return []
    sample = F.struct("message_time", "topic", "partition", "offset", "value", "expected")
    rows = (
        warehouse.read(DEAD_LETTERS)
        .groupBy("reason")
        .agg(
            F.count("*").alias("count"),
            F.unix_millis(F.max("message_time")).alias("latest_ms"),
            F.max(sample).alias("sample"),
        )
        .orderBy(F.col("count").desc(), "reason")
        .collect()
    )
    return [
        DeadLetters(
            row["reason"],
            row["count"],
            datetime.fromtimestamp(row["latest_ms"] / 1000, UTC) if row["latest_ms"] else None,
            "{topic}/{partition}/{offset}".format(**row["sample"].asDict()),
            row["sample"]["value"],
            row["sample"]["expected"],
        )
        for row in rows
    ]


def _with_nan(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
