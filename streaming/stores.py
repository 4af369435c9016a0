"""The tables that a stream fills: every alert once, every message that is none once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.keyed import KeyedTable
from jobs.common.tables import Warehouse
from streaming.overview import Overview
from udfs.alert_schemas import ALERTS, DEAD_LETTERS, SCORED_ALERTS

BoolArray = NDArray[np.bool_]
# A topic that was made anew counts its offsets from 0 again: the time tells its messages apart.
_MESSAGE = ("topic", "partition", "offset", "message_time")


class Stores:
    """Writes the rows of micro-batches to the tables; each call can be repeated."""

    def __init__(self) -> None:
        self._scored = KeyedTable(SCORED_ALERTS, key=("candid",), partition="night")
        self._stamps = KeyedTable(ALERTS, key=("candid",), partition="night")
        self._letters = KeyedTable(DEAD_LETTERS, key=_MESSAGE)

    def add_alerts(self, alerts: DataFrame, overview: Overview, warehouse: Warehouse) -> int:
        """Write those that are new, in one commit; returns how many these are.

        Parameters
        ----------
        alerts : columns of ``scored_alerts``, one row per ``overview.first``
        """
        return _add(self._scored, alerts, overview, warehouse)

    def add_stamps(self, alerts: DataFrame, overview: Overview, warehouse: Warehouse) -> int:
        """Write them with their images to ``alerts``, likewise."""
        origin = F.concat_ws("/", F.lit("kafka:"), "topic", "partition", "offset")
        return _add(self._stamps, alerts.withColumn("input_file", origin), overview, warehouse)

    def add_dead_letters(self, rows: DataFrame, warehouse: Warehouse) -> int:
        """Write the messages that are no alert, likewise."""
        letters = rows.where("reason IS NOT NULL").select(*DEAD_LETTERS.schema.names)
        # As the table's own keys are read: collect() gives times without a zone, equal to none.
        told: Any = letters.select(*_MESSAGE).toArrow()
        keys = list(zip(*(column.to_pylist() for column in told.columns), strict=True))
        new = self._letters.is_new(warehouse, keys)
        fresh = [key for key, is_new in zip(keys, new, strict=True) if is_new]
        if len(fresh) < len(keys):
            wanted = rows.sparkSession.createDataFrame(fresh, letters.select(*_MESSAGE).schema)
            letters = letters.join(F.broadcast(wanted), on=list(_MESSAGE), how="left_semi")
        if fresh:
            self._letters.append(warehouse, letters, keys=fresh)
        return len(fresh)


def first_of_each(rows: DataFrame, overview: Overview) -> DataFrame:
    """The valid alerts of a micro-batch, each once."""
    # A sender repeats a message if its acknowledgement came too late.
    return _without(rows.where("reason IS NULL"), overview, overview.good & ~overview.first)


def stored_alerts(overview: Overview, warehouse: Warehouse) -> DataFrame:
    """The alerts of a micro-batch as they are in ``scored_alerts``."""
    candids = [(candid,) for candid in overview.candid[overview.first].tolist()]
    wanted = warehouse.spark.createDataFrame(candids, "candid long")
    stored = warehouse.read(SCORED_ALERTS).where(F.col("night").isin(overview.nights))
    joined = stored.join(F.broadcast(wanted), on="candid", how="left_semi")
    return joined.selectExpr(*SCORED_ALERTS.schema.names)


def _add(store: KeyedTable, alerts: DataFrame, overview: Overview, warehouse: Warehouse) -> int:
    at = np.flatnonzero(overview.first)
    keys = [(candid,) for candid in overview.candid[at].tolist()]
    nights = overview.night[at].tolist()
    new = np.array(store.is_new(warehouse, keys, nights) if keys else [], dtype=np.bool_)
    if not new.any():
        return 0
    known = np.zeros(len(overview), dtype=np.bool_)
    known[at[~new]] = True
    store.append(
        warehouse,
        # As many files as cores, not as many as tasks that scored.
        _without(alerts, overview, known).coalesce(
            alerts.sparkSession.sparkContext.defaultParallelism
        ),
        keys=[key for key, is_new in zip(keys, new, strict=True) if is_new],
        partitions=overview.night[at[new]].tolist(),
    )
    return int(np.count_nonzero(new))


def _without(rows: DataFrame, overview: Overview, unwanted: BoolArray) -> DataFrame:
    """The rows but for some messages; usually for none."""
    if not unwanted.any():
        return rows
    pairs = zip(
        overview.partition[unwanted].tolist(), overview.offset[unwanted].tolist(), strict=True
    )
    left_out = rows.sparkSession.createDataFrame(list(pairs), "partition int, offset long")
    return rows.join(F.broadcast(left_out), on=["partition", "offset"], how="left_anti")
