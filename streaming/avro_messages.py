"""Published alerts as Kafka messages: each an Avro object container with its schema inside.

As ZTF sends its own alerts: whoever gets one message can read it with any Avro library.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import fastavro
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DataType, MapType, StructField

from udfs.alert_schemas import SCORED_ALERTS

# What is told of the filter; the name of the topic goes with the message, not into it.
TOLD = ("filter", "filter_version")
TOPIC = "kafka_topic"
# Where the alert's own message stood is our own affair.
_OURS = ("topic", "partition", "offset", "message_time")
_PUBLISHED = [
    field
    for field in SCORED_ALERTS.schema
    if field.name not in _OURS and not isinstance(field.dataType, ArrayType)
]
RECORD_COLUMNS = tuple(field.name for field in _PUBLISHED)
_MESSAGE = (
    "topic string, key binary, value binary, headers array<struct<key: string, value: binary>>"
)
_AVRO = {
    "boolean": "boolean", "smallint": "int", "int": "int", "bigint": "long", "float": "float",
    "double": "double", "string": "string",
}  # fmt: skip
_SYNC_BYTES = 16


def avro_schema() -> dict[str, Any]:
    """The schema of published alerts: the columns of ``scored_alerts`` without arrays, and TOLD."""
    fields = [_avro_field(field) for field in _PUBLISHED]
    told = [{"name": name, "type": "string", "doc": f"{name} of the stream"} for name in TOLD]
    return {
        "type": "record",
        "name": "scored_alert",
        "namespace": "lambdasky",
        "doc": SCORED_ALERTS.comment,
        "fields": [*fields, *told],
    }


def encode(record: Mapping[str, Any]) -> bytes:
    """One record as an Avro object container; the same record always gives the same bytes.

    The marker between blocks, which Avro libraries draw at random, is the hash of the content.
    """
    header, schema = _prepared()
    known = record["known_labels"]
    # A map has no order of its own.
    labels = None if known is None else dict(sorted(dict(known).items()))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, {**record, "known_labels": labels})
    datum = body.getvalue()
    sync = hashlib.sha256(header + datum).digest()[:_SYNC_BYTES]
    size = io.BytesIO()
    fastavro.schemaless_writer(size, "long", len(datum))
    # One block of one record; Avro writes a count of 1 as 2.
    return b"".join([header, sync, b"\x02", size.getvalue(), datum, sync])


def messages(rows: DataFrame) -> DataFrame:
    """Rows with RECORD_COLUMNS, TOLD and TOPIC -> rows for Spark's Kafka sink.

    The key is ``objectId``, so that alerts of one source stay in order; the headers candid, filter
    and filter_version let a consumer tell a message that it has had without opening it.
    """
    return rows.select(*RECORD_COLUMNS, *TOLD, TOPIC).mapInArrow(_encode_batches, _MESSAGE)


def _encode_batches(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        rows = batch.to_pylist()
        headers = [
            [{"key": name, "value": str(row[name]).encode()} for name in ("candid", *TOLD)]
            for row in rows
        ]
        header = pa.struct([("key", pa.string()), ("value", pa.binary())])
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([row[TOPIC] for row in rows], pa.string()),
                pa.array([row["objectId"].encode() for row in rows], pa.binary()),
                pa.array([encode(row) for row in rows], pa.binary()),
                pa.array(headers, pa.list_(header)),
            ],
            names=["topic", "key", "value", "headers"],
        )


@cache
def _prepared() -> tuple[bytes, Any]:
    """What every message begins with, up to the first marker, and the parsed schema."""
    schema = fastavro.parse_schema(avro_schema())
    buffer = io.BytesIO()
    fastavro.writer(buffer, avro_schema(), [], codec="null")
    return buffer.getvalue()[:-_SYNC_BYTES], schema


def _avro_field(field: StructField) -> dict[str, Any]:
    kind = _avro_type(field.dataType)
    told = {"name": field.name, "doc": field.metadata["comment"]}
    if not field.nullable:
        return {**told, "type": kind}
    return {**told, "type": ["null", kind], "default": None}


def _avro_type(dtype: DataType) -> Any:
    if isinstance(dtype, MapType):
        return {"type": "map", "values": _avro_type(dtype.valueType)}
    return _AVRO[dtype.simpleString()]
