"""A micro-batch as the driver sees it: which message is what, and nothing heavy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_TYPES = {"good": pa.bool_(), "ra": pa.float64(), "dec": pa.float64()}


@dataclass(frozen=True)
class Overview:
    """One entry per message, by partition and offset.

    Attributes
    ----------
    partition, offset : (n,) int64
    message_ms : (n,) int64
        When the broker got it [ms since 1970].
    candid, night : (n,) int64
        0 where the message names none.
    ra, dec : (n,) float64, deg, ICRS
        NaN where the message names none.
    good : (n,) bool
        Whether it is a valid alert.
    first : (n,) bool
        Valid, and the first message of its alert in this batch.
    """

    partition: IntArray
    offset: IntArray
    message_ms: IntArray
    candid: IntArray
    night: IntArray
    ra: FloatArray
    dec: FloatArray
    good: NDArray[np.bool_]
    first: NDArray[np.bool_]

    @property
    def nights(self) -> list[int]:
        """Nights of the valid alerts, ascending."""
        return sorted(set(self.night[self.good].tolist()))

    @property
    def positions(self) -> Any:
        """Arrow table of candid, ra and dec: the new alerts, one row each."""
        return pa.table({n: getattr(self, n)[self.first] for n in ("candid", "ra", "dec")})

    @property
    def next_offsets(self) -> dict[int, int]:
        """Partition -> offset behind the last message that was read."""
        last: dict[int, int] = {}
        for partition, offset in zip(self.partition.tolist(), self.offset.tolist(), strict=True):
            last[partition] = max(last.get(partition, 0), offset + 1)
        return last

    @property
    def repeated(self) -> list[tuple[int, int]]:
        """Partition and offset of messages whose alert came before in this batch."""
        again = self.good & ~self.first
        return list(zip(self.partition[again].tolist(), self.offset[again].tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.candid)


def overview_of(rows: DataFrame) -> Overview:
    """Collect the overview: this runs the stage that makes ``rows``."""
    told: Any = (
        rows.select(
            "partition",
            "offset",
            F.unix_millis("message_time").alias("message_ms"),
            F.coalesce("candid", F.lit(0)).alias("candid"),
            F.coalesce("night", F.lit(0)).cast("long").alias("night"),
            *[F.coalesce(name, F.lit(float("nan"))).alias(name) for name in ("ra", "dec")],
            F.col("reason").isNull().alias("good"),
        )
        .toArrow()
        .sort_by([("partition", "ascending"), ("offset", "ascending")])
    )
    columns = {
        name: told[name].cast(_TYPES.get(name, pa.int64())).to_numpy() for name in told.column_names
    }
    return Overview(**columns, first=_first(columns["candid"], columns["good"]))


def _first(candid: IntArray, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    first = np.zeros(len(candid), dtype=np.bool_)
    valid = np.flatnonzero(good)
    _, at = np.unique(candid[valid], return_index=True)
    first[valid[at]] = True
    return first
