"""What is measured of each micro-batch, and the table ``stream_batches`` that keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from jobs.common.tables import Warehouse, local_frame
from udfs.alert_schemas import STREAM_BATCHES

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class BatchReport:
    """One micro-batch: the columns of ``stream_batches``, whose comments say what they are.

    None is what was not measured, such as a rate before the second micro-batch; NaN what has no
    value, such as the latency of a batch without alerts.
    """

    query_id: str
    batch_id: int
    started: datetime
    committed: datetime
    n_messages: int
    n_alerts: int
    n_duplicates: int
    n_dead_letters: int
    n_published: Mapping[str, int]
    input_rate: float | None
    processed_rate: float | None
    lag_offsets: int | None
    lag_s: float
    latency_p50_s: float
    latency_p95_s: float
    latency_p99_s: float
    seconds: Mapping[str, float]
    model_version: str
    refused_models: str | None
    code_version: str


@dataclass(frozen=True)
class Latencies:
    """From the arrival of messages at the broker to the commit of their alerts.

    Attributes
    ----------
    seconds : (n,) float64, s
        Per message, never below 0.
    n_early : int
        Messages that arrived, by the broker's clock, after the commit: clocks that jumped or
        differ. They count as 0 s.
    """

    seconds: FloatArray
    n_early: int

    @property
    def oldest(self) -> float:
        """The longest [s]; NaN without messages, as all below."""
        return float(self.seconds.max()) if self.seconds.size else float("nan")

    @property
    def p50(self) -> float:
        """The median [s]."""
        return self._percentile(50)

    @property
    def p95(self) -> float:
        """Of 100 messages, 95 took no longer [s]."""
        return self._percentile(95)

    @property
    def p99(self) -> float:
        """Of 100 messages, 99 took no longer [s]."""
        return self._percentile(99)

    def _percentile(self, percent: float) -> float:
        """A latency that occurred: an interpolated one would hide how far out the last are."""
        if not self.seconds.size:
            return float("nan")
        return float(np.percentile(self.seconds, percent, method="higher"))


def latencies(message_ms: NDArray[np.int64], commit_ms: int) -> Latencies:
    """How long each message waited.

    Parameters
    ----------
    message_ms : (n,) int64, ms since 1970
        When the broker got each message.
    commit_ms : int, ms since 1970
        When the alerts were in the table.
    """
    waited = commit_ms - np.asarray(message_ms, dtype=np.int64)
    return Latencies(np.maximum(waited, 0) / 1000.0, int(np.count_nonzero(waited < 0)))


class BatchLog:
    """Writes the reports of a stream to ``stream_batches``."""

    def __init__(self) -> None:
        self._last: int | None = None

    def record(self, warehouse: Warehouse, report: BatchReport) -> None:
        """Write one row; a micro-batch that is done again, by query and number, adds no second one.

        Only the first micro-batch after a start can be a repetition: the others need not look.
        """
        values = {field.name: getattr(report, field.name) for field in fields(report)}
        row = local_frame(warehouse.spark, [values], STREAM_BATCHES)
        if self._last is not None and report.batch_id == self._last + 1:
            warehouse.append(row, STREAM_BATCHES)
        else:
            # Constants, so that Delta opens none of the files of other micro-batches.
            where = f"t.query_id = '{report.query_id}' AND t.batch_id = {report.batch_id:d}"
            warehouse.insert_new(row, STREAM_BATCHES, key=("query_id", "batch_id"), where=where)
        self._last = report.batch_id
