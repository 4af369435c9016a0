"""Rows of the table scored_alerts made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from udfs.alert_schemas import SCORED_ALERTS

FIRST_CANDID = 3_000_000_000_000_000_001  # float64 cannot hold it
NEEDED = {
    "night": 60000, "objectId": "ZTF20aaaaaaa", "jd": 2460000.75, "topic": "ztf_alerts",
    "partition": 0, "offset": 0,
}  # fmt: skip


def scored_alerts(spark: SparkSession, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """One alert per row, numbered from FIRST_CANDID; columns that are not given are null."""
    names = SCORED_ALERTS.schema.names
    filled = [{**NEEDED, "candid": FIRST_CANDID + i, **row} for i, row in enumerate(rows)]
    return spark.createDataFrame(
        [[row.get(name) for name in names] for row in filled], SCORED_ALERTS.schema
    )
