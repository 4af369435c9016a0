"""Published alerts as Kafka messages: each an Avro object container with its schema inside.

As ZTF sends its own alerts: whoever gets one message can read it with any Avro library.
"""

import hashlib
import io
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import fastavro
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
_AVRO = {
    "boolean": "boolean", "smallint": "int", "int": "int", "bigint": "long", "float": "float",
    "double": "double", "string": "string",
}  # fmt: skip
_SYNC_BYTES = 16


class Message(NamedTuple):
    """What Kafka gets."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


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


def message_of(record: Mapping[str, Any]) -> Message:
    """The message of a record with RECORD_COLUMNS, TOLD and TOPIC.

    The key is ``objectId``, so that alerts of one source stay in order; the headers candid, filter
    and filter_version let a consumer tell a message that it has had without opening it.
    """
    headers = [(name, str(record[name]).encode()) for name in ("candid", *TOLD)]
    return Message(record[TOPIC], record["objectId"].encode(), encode(record), headers)


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
