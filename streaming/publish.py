"""Alerts that pass a filter: onto the filter's Kafka topic, and into the table ``published``."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from kafka.errors import KafkaError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, FloatType

from jobs.common.broker import open_producer
from jobs.common.kafka import KafkaSettings
from jobs.common.keyed import KeyedTable
from jobs.common.tables import Warehouse, local_frame
from streaming.avro_messages import RECORD_COLUMNS, TOPIC, Message, message_of
from streaming.filters import AlertFilter
from udfs.alert_schemas import PUBLISHED
from udfs.errors import ContractError

_KEY = ("filter", "candid")
_ALERT = ("night", "candid", "objectId")
Record = dict[str, Any]


class KafkaSink:
    """Where published alerts go.

    A message is sent at least once. It is sent again only if the stream dies after the broker has
    it and before the table ``published`` says so; then with the same key, bytes and headers, so
    that a consumer that remembers (filter, candid) sees each alert once. The broker itself drops
    what a connection repeats.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: Any = None

    def send(self, messages: Sequence[Message]) -> None:
        """Send the messages; all are acknowledged when this returns.

        Raises
        ------
        kafka.errors.KafkaError, ConnectionError
            If the broker does not take one, or does not answer.
        """
        if self._producer is None:
            # Every message has the schema in it: compressed together they shrink to a fraction.
            # gzip is what every client can read.
            try:
                self._producer = open_producer(self._settings, compression="gzip")
            except ContractError as error:
                # It was there when the stream began: it will be there again.
                raise ConnectionError(str(error)) from None
        try:
            sent = [
                self._producer.send(m.topic, key=m.key, value=m.value, headers=m.headers)
                for m in messages
            ]
            self._producer.flush()
            for each in sent:
                each.get()
        except KafkaError:
            self.close()
            raise

    def close(self) -> None:
        """Leave the broker."""
        if self._producer is not None:
            self._producer.close(timeout=0)
        self._producer = None


class Publisher:
    """Sends each alert that passes a filter once, as far as the table ``published`` knows.

    Parameters
    ----------
    filters : sequence of AlertFilter
        All of them are evaluated in one pass.
    """

    def __init__(self, filters: Sequence[AlertFilter], sink: KafkaSink) -> None:
        self._filters = {each.name: each for each in filters}
        self._sink = sink
        self._published = KeyedTable(PUBLISHED, key=_KEY, partition="night")

    def publish(self, rows: DataFrame, warehouse: Warehouse, *, batch_id: int) -> dict[str, int]:
        """Send what passes a filter and was not sent for it before, then note it in the table.

        Parameters
        ----------
        rows : DataFrame
            Columns of ``scored_alerts``, at most one row per candid.

        Returns
        -------
        Filter -> number of alerts sent, 0 where there was none.
        """
        sent = dict.fromkeys(self._filters, 0)
        if not sent:
            return {}
        passed = matching(rows, list(self._filters.values())).toArrow().to_pylist()
        keys, nights = [_key(row) for row in passed], [row["night"] for row in passed]
        new = self._published.is_new(warehouse, keys, nights) if keys else []
        chosen = [row for row, is_new in zip(passed, new, strict=True) if is_new]
        if not chosen:
            return sent
        # Few pass: their records travel by way of the driver.
        records = _records(rows, {row["candid"] for row in chosen})
        fresh = [self._addressed(row | records[row["candid"]]) for row in chosen]
        self._sink.send([message_of(row) for row in fresh])
        told = {"batch_id": batch_id, "published": datetime.now(UTC)}
        noted = [row | told | {"topic": row[TOPIC]} for row in fresh]
        self._published.append(
            warehouse,
            local_frame(warehouse.spark, noted, PUBLISHED),
            keys=[_key(row) for row in fresh],
            partitions=[row["night"] for row in fresh],
        )
        return sent | Counter(row["filter"] for row in fresh)

    def close(self) -> None:
        """Leave the broker."""
        self._sink.close()

    def _addressed(self, row: Record) -> Record:
        passed = self._filters[row["filter"]]
        return row | {"filter_version": passed.version, TOPIC: passed.topic}


def matching(rows: DataFrame, filters: Sequence[AlertFilter]) -> DataFrame:
    """One row per alert and filter that lets it through: night, candid, objectId and ``filter``."""
    told = (*_ALERT, *(each.where for each in filters))
    # Of 200 columns a few: to plan them all takes longer than to compare them.
    named = set(re.findall(r"\w+", " ".join(told)))
    # Spark takes NaN for larger than any number: an undefined one would pass every lower limit.
    defined = [
        f"nanvl(`{f.name}`, NULL) AS `{f.name}`"
        if isinstance(f.dataType, DoubleType | FloatType)
        else f"`{f.name}`"
        for f in rows.schema
        if f.name in named
    ]
    passes = [F.when(F.expr(each.where), F.lit(each.name)) for each in filters]
    return (
        rows.selectExpr(*defined)
        .select(*_ALERT, F.array_compact(F.array(*passes)).alias("filters"))
        .where("size(filters) > 0")
        .select(*_ALERT, F.explode("filters").alias("filter"))
    )


def _records(rows: DataFrame, candids: Iterable[int]) -> dict[int, Record]:
    """RECORD_COLUMNS of each of these alerts, by candid; NaN as null."""
    wanted = rows.where(f"candid IN ({', '.join(map(str, candids))})").selectExpr(*RECORD_COLUMNS)
    return {
        row["candid"]: {name: None if value != value else value for name, value in row.items()}
        for row in wanted.toArrow().to_pylist()
    }


def _key(row: Record) -> tuple[str, int]:
    return row["filter"], row["candid"]
