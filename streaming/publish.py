"""Alerts that pass a filter: onto the filter's Kafka topic, and into the table ``published``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DoubleType, FloatType, StringType, StructField, StructType

from jobs.common.kafka import KafkaSettings
from jobs.common.tables import Warehouse
from streaming.avro_messages import RECORD_COLUMNS, TOPIC, messages
from streaming.filters import AlertFilter
from udfs.alert_schemas import PUBLISHED

_KEY = ("filter", "candid")
# What the driver needs of an alert that passes.
_TOLD = ("night", "candid", "objectId", "model_version")
_PAIR = StructType([PUBLISHED.schema[name] for name in _KEY])
_ADDRESS = StructType([
    *[PUBLISHED.schema[name] for name in (*_KEY, "filter_version")],
    StructField(TOPIC, StringType()),
])  # fmt: skip

Record = dict[str, Any]


@dataclass(frozen=True)
class KafkaSink:
    """Where published alerts go.

    Spark's Kafka sink has no transactions: a message is sent at least once. It is sent again only
    if the stream dies, or a task of Spark fails, after the broker has it and before the table
    ``published`` says so; then with the same key, bytes and headers, so that a consumer that
    remembers (filter, candid) sees each alert once.
    """

    settings: KafkaSettings

    def send(self, rows: DataFrame) -> None:
        """Send rows of :func:`streaming.avro_messages.messages`, each to the topic it names."""
        (
            rows.write.format("kafka")
            .options(**self.settings.for_spark())
            .option("includeHeaders", "true")
            # Every message has the schema in it: compressed together they shrink to a fraction.
            # gzip is what every client can read.
            .option("kafka.compression.type", "gzip")
            .save()
        )


def publish(
    rows: DataFrame,
    filters: Sequence[AlertFilter],
    sink: KafkaSink,
    warehouse: Warehouse,
    *,
    batch_id: int,
) -> dict[str, int]:
    """Send what passes a filter and was not sent for it before, then note it in the table.

    Parameters
    ----------
    rows : DataFrame
        Columns of ``scored_alerts``, at most one row per candid. Read twice: best persisted.
    filters : sequence of AlertFilter
        All of them are evaluated in one pass.

    Returns
    -------
    Filter -> number of alerts sent, 0 where there was none.
    """
    if not filters:
        return {}
    sent = dict.fromkeys((each.name for each in filters), 0)
    passed = matching(rows, filters).select("filter", *_TOLD).toArrow().to_pylist()
    fresh = _not_published(passed, warehouse)
    if not fresh:
        return sent
    versions = {
        each.name: {"topic": each.topic, "filter_version": each.version} for each in filters
    }
    news = [row | versions[row["filter"]] | {"batch_id": batch_id} for row in fresh]
    sink.send(messages(_with_record(rows, news)))
    published = datetime.now(UTC)
    noted = _frame(
        warehouse.spark, [row | {"published": published} for row in news], PUBLISHED.schema
    )
    warehouse.insert_new(noted, PUBLISHED, key=_KEY, where=f"t.night IN ({_nights(fresh)})")
    return sent | Counter(row["filter"] for row in fresh)


def matching(rows: DataFrame, filters: Sequence[AlertFilter]) -> DataFrame:
    """One row per alert and filter that lets it through, with the column ``filter``."""
    numbers = [f.name for f in rows.schema if isinstance(f.dataType, DoubleType | FloatType)]
    # Spark takes NaN for larger than any number: an undefined one would pass every lower limit.
    defined = {name: F.nanvl(name, F.lit(None)) for name in numbers}
    passes = [F.when(F.expr(each.where), F.lit(each.name)) for each in filters]
    return rows.withColumns(defined).withColumn(
        "filter", F.explode(F.array_compact(F.array(*passes)))
    )


def _not_published(passed: Sequence[Record], warehouse: Warehouse) -> list[Record]:
    if not passed or not warehouse.exists(PUBLISHED):
        return list(passed)
    asked = F.broadcast(_frame(warehouse.spark, passed, _PAIR))
    before = warehouse.read(PUBLISHED).where(f"night IN ({_nights(passed)})").select(*_KEY)
    known: Any = before.join(asked, on=list(_KEY), how="left_semi").select(*_KEY).toArrow()
    pairs = set(zip(*(known[name].to_pylist() for name in _KEY), strict=True))
    return [row for row in passed if tuple(row[name] for name in _KEY) not in pairs]


def _with_record(rows: DataFrame, news: Sequence[Record]) -> DataFrame:
    """The alerts to send, one row per filter; the wide rows stay where they are."""
    pairs = _frame(rows.sparkSession, [row | {TOPIC: row["topic"]} for row in news], _ADDRESS)
    return rows.select(*RECORD_COLUMNS).join(F.broadcast(pairs), on="candid", how="inner")


def _frame(spark: SparkSession, records: Sequence[Record], schema: StructType) -> DataFrame:
    # From Arrow, small frames are part of the plan; from rows they would be a job of their own.
    return spark.createDataFrame(
        pa.Table.from_pylist(list(records), to_arrow_schema(schema)), schema
    )


def _nights(passed: Sequence[Record]) -> str:
    return ", ".join(map(str, sorted({row["night"] for row in passed})))
