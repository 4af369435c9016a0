"""The alert topic as a stream of messages."""

from collections.abc import Sequence

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.common.kafka import KafkaSettings
from jobs.common.tables import Warehouse
from udfs.alert_schemas import STREAM_BATCHES

FEWEST, MOST = 500, 20_000
# Before anything has been measured: a few seconds of work on two cores.
FIRST = 4_000
_RECENT = 50
_TASKS_PER_CORE = 3
_FETCH_BYTES = 16 << 20


def read_topic(
    spark: SparkSession, settings: KafkaSettings, *, topic: str, max_offsets: int
) -> DataFrame:
    """The messages of a topic, from its beginning or from where the checkpoint stands.

    Parameters
    ----------
    max_offsets
        Messages of one micro-batch at most. They are split among all cores, whatever the number
        of partitions.
    """
    return (
        spark.readStream.format("kafka")
        .options(**settings.for_spark())
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", max_offsets)
        # Several tasks per core: three partitions of a topic on two cores would leave one idle.
        .option("minPartitions", _TASKS_PER_CORE * spark.sparkContext.defaultParallelism)
        # Alerts have 70 kB: the default of 1 MB is a question to the broker for every 14 of them.
        .option("kafka.max.partition.fetch.bytes", _FETCH_BYTES)
        # Messages that the broker has deleted unread are lost alerts: stop and say so.
        .option("failOnDataLoss", "true")
        .load()
    )


def measured_rates(warehouse: Warehouse) -> list[float]:
    """Messages per second of the latest micro-batches that had enough of them to tell."""
    if not warehouse.exists(STREAM_BATCHES):
        return []
    latest = (
        warehouse.read(STREAM_BATCHES)
        .where(F.col("n_messages") >= FEWEST)
        .orderBy(F.col("committed").desc())
        .limit(_RECENT)
    )
    return [row["processed_rate"] for row in latest.select("processed_rate").collect()]


def choose_max_offsets(rates: Sequence[float], *, batch_s: float) -> int:
    """Messages that a micro-batch can hold to take about ``batch_s``, by its median rate."""
    if not rates:
        return FIRST
    return int(np.clip(np.median(rates) * batch_s, FEWEST, MOST))
