"""Decoded packets as Arrow columns, named as in the tables of alerts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.alerts.metadata import FEATURES
from udfs.alerts.packets import Packets
from udfs.alerts.reasons import BadAlert
from udfs.alerts.ztf import CONTEXT, STAMP_PATHS, candids, nights

PROBLEM = ("reason", "column", "value", "expected")
_FLAG = "isdiffpos"


def identity_columns(packets: Packets) -> dict[str, Any]:
    """Identifiers, night, the networks' features and their context; null for gaps."""
    candid, known = candids(packets)
    return {
        "candid": pa.array(candid, mask=~known),
        "night": pa.array(nights(packets.numbers["candidate.jd"])),
        **{name: pa.array(packets.texts[name], pa.string()) for name in ("objectId", "schemavsn")},
        **number_columns(packets, (*CONTEXT, *FEATURES, _FLAG)),
    }


def number_columns(packets: Packets, names: Sequence[str]) -> dict[str, Any]:
    """Numbers of the candidate; null where the packet says nothing.

    NaN and infinity are as good as nothing: Spark takes NaN for larger than any number, and it
    would pass every lower limit.
    """
    columns = {}
    for name in names:
        values = packets.numbers[f"candidate.{name}"]
        present = packets.has_number[f"candidate.{name}"] & np.isfinite(values)
        columns[name] = pa.array(values, mask=~present)
    return columns


def stamp_columns(packets: Packets) -> dict[str, Any]:
    """The three stamps as they came."""
    return {
        path.partition(".")[0]: pa.array(packets.blobs[path], pa.binary()) for path in STAMP_PATHS
    }


def history_columns(
    packets: Packets, array: str, names: Sequence[str], prefix: str
) -> dict[str, Any]:
    """The elements of one array of the packet, a list per alert; NaN for what an element lacks."""
    offsets = pa.array(packets.offsets[array].astype(np.int32))
    return {
        f"{prefix}{name}": pa.ListArray.from_arrays(
            offsets, pa.array(packets.history[f"{array}.{name}"])
        )
        for name in names
    }


def problem_columns(problems: Sequence[BadAlert | None]) -> dict[str, Any]:
    """What is wrong with each alert; null for a good one."""
    rows = [
        (p.reason.name, p.reason.column, p.value, p.reason.expected) if p else (None,) * 4
        for p in problems
    ]
    return {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(PROBLEM)}


def batch_of(columns: dict[str, Any], schema: Any) -> Any:
    """A record batch of the columns that the schema names, each cast to its type.

    A number that does not fit into an integer is null: wrapped around it would be another one.

    Raises
    ------
    KeyError
        If a column is missing.
    """
    arrays = [_cast(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast(column: Any, dtype: Any) -> Any:
    if pa.types.is_floating(column.type) and pa.types.is_integer(dtype):
        limits = np.iinfo(dtype.to_pandas_dtype())
        fits = pc.and_(pc.greater_equal(column, limits.min), pc.less_equal(column, limits.max))
        column = pc.if_else(fits, column, None)
    return column.cast(dtype, safe=False)
