"""The order of work of one micro-batch: score, store, put aside, publish, report.

Every step can be repeated. An alert is known by its ``candid``, not by the number of its
micro-batch: a restart from an older copy of the checkpoint plans other batches under numbers that
have been used, and the alerts of those must not be lost.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyspark import StorageLevel, inheritable_thread_target
from pyspark.sql import DataFrame, SparkSession

from jobs.common.kafka import KafkaSettings
from jobs.common.tables import Warehouse
from jobs.common.version import code_version
from streaming import dead_letters
from streaming.enrich import with_anomaly, with_quality_cuts
from streaming.filters import AlertFilter
from streaming.known import with_known_source
from streaming.metrics import BatchLog
from streaming.offsets import planned_offsets
from streaming.overview import Overview, overview_of
from streaming.production import ProductionModels
from streaming.prometheus import PrometheusMetrics
from streaming.publish import KafkaSink, Publisher
from streaming.reporter import Clock, Outcome, Reporter
from streaming.score import score_messages
from streaming.stores import Stores, first_of_each, stored_alerts
from udfs.alert_schemas import KNOWN_SOURCES, SCORED_ALERTS
from udfs.errors import ContractError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamSettings:
    """What one stream reads, and where its results go.

    Attributes
    ----------
    topic, dead_letter_topic
        Where alerts come from, and where messages go that are none.
    checkpoint
        Folder of Spark's own account of what was read.
    filters
        What is published.
    keep_stamps
        Whether to keep the alerts with their images in the table ``alerts``.
    schemas
        Number -> Avro schema, for messages that are framed by its number; None for containers.
    """

    kafka: KafkaSettings
    topic: str
    dead_letter_topic: str
    checkpoint: str
    filters: Sequence[AlertFilter]
    keep_stamps: bool
    schemas: Mapping[int, bytes] | None = None


class AlertBatches:
    """Does the work of each micro-batch; one object per stream."""

    def __init__(
        self, warehouse: Warehouse, settings: StreamSettings, metrics: PrometheusMetrics | None
    ) -> None:
        self._warehouse = warehouse
        self._settings = settings
        self._metrics = metrics
        self._models = ProductionModels(warehouse)
        self._reporter = Reporter(settings.kafka, settings.topic)
        self._stores = Stores()
        self._log = BatchLog()
        self._stopping = threading.Event()
        self.failure: ContractError | None = None
        self._publisher = Publisher(settings.filters, KafkaSink(settings.kafka))

    def check(self) -> None:
        """Raise ContractError unless there are models to score with."""
        self._models.current()

    def stop(self) -> None:
        """Let no further micro-batch begin."""
        self._stopping.set()

    def __call__(self, messages: DataFrame, batch_id: int) -> None:
        """All of one micro-batch; Spark calls it, and again if it did not come to its end.

        Raises
        ------
        ContractError
            Which is kept in ``failure``: Spark passes on its text only.
        """
        if self._stopping.is_set():
            raise InterruptedError("the stream is stopping")
        try:
            self._work(messages, batch_id)
        except ContractError as error:
            self.failure = error
            raise

    def _work(self, messages: DataFrame, batch_id: int) -> None:
        clock = Clock()
        # Spark runs micro-batches in a session of their own.
        warehouse = Warehouse(messages.sparkSession, self._warehouse.root)
        with clock.stage("models"):
            production = self._models.current()
        scored = score_messages(
            messages, production.scorer, code_version=code_version(),
            schemas=self._settings.schemas, stamps=self._settings.keep_stamps,
        )  # fmt: skip
        rows = scored.persist(StorageLevel.MEMORY_AND_DISK)
        try:
            with clock.stage("score"):
                overview = overview_of(rows)
            stored, published = self._keep(rows, overview, warehouse, clock, batch_id)
            outcome = Outcome(overview, stored, published, production)
        finally:
            rows.unpersist()
        read = planned_offsets(
            warehouse.spark, self._settings.checkpoint, batch_id, self._settings.topic
        )
        report, delays = self._reporter.report(
            outcome, clock, read, query_id=_query_id(messages), batch_id=batch_id
        )
        self._log.record(warehouse, report)
        if self._metrics:
            self._metrics.observe(report, delays)
        log.info(
            "batch %d: %d messages = %d new alerts + %d known + %d dead letters in %.1f s, "
            "latency p99 %.1f s", batch_id, report.n_messages, report.n_alerts,
            report.n_duplicates, report.n_dead_letters, clock.elapsed,
            report.latency_p99_s,
        )  # fmt: skip

    def close(self) -> None:
        """Leave the broker."""
        self._reporter.close()
        self._publisher.close()

    def _keep(
        self, rows: DataFrame, overview: Overview, warehouse: Warehouse, clock: Clock, batch_id: int
    ) -> tuple[int, dict[str, int]]:
        """Store what is new, then publish; returns alerts stored, and published by filter."""
        settings, stores = self._settings, self._stores
        valid = first_of_each(rows, overview)
        with clock.stage("enrich"):
            alerts = _enriched(valid, overview, warehouse)
        with clock.stage("store"):
            stored = stores.add_alerts(alerts, overview, warehouse)
        clock.commit()

        def stamps() -> None:
            if settings.keep_stamps:
                with clock.stage("stamps"):
                    stores.add_stamps(valid, overview, warehouse)

        def letters() -> None:
            if not overview.good.all():
                with clock.stage("dead letters"):
                    stores.add_dead_letters(rows, warehouse)
                    dead_letters.send(rows, settings.kafka, topic=settings.dead_letter_topic)

        def published() -> dict[str, int]:
            # An earlier try may have scored some: what is published is what is in the table.
            known = stored < np.count_nonzero(overview.first)
            chosen = stored_alerts(overview, warehouse) if known else alerts
            with clock.stage("publish"):
                return self._publisher.publish(chosen, warehouse, batch_id=batch_id)

        *_, sent = _side_by_side(rows.sparkSession, stamps, letters, published)
        return stored, sent


def _side_by_side(spark: SparkSession, *works: Callable[[], Any]) -> list[Any]:
    """Results of works that do not depend on each other; much of each is waiting for Spark."""
    with ThreadPoolExecutor(len(works)) as pool:
        begun = [pool.submit(inheritable_thread_target(spark)(work)) for work in works]
        return [each.result() for each in begun]


def _enriched(alerts: DataFrame, overview: Overview, warehouse: Warehouse) -> DataFrame:
    """With all columns of ``scored_alerts``."""
    known = warehouse.read(KNOWN_SOURCES) if warehouse.exists(KNOWN_SOURCES) else None
    flagged = with_anomaly(with_quality_cuts(alerts))
    joined = with_known_source(flagged, known, positions=overview.positions)
    return joined.selectExpr(*SCORED_ALERTS.schema.names)


def _query_id(messages: DataFrame) -> str:
    """The number in the checkpoint: the same after every restart from it."""
    return str(messages.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId"))
