"""Columns that follow from an alert's own: quality cuts and flags of anomalies."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from udfs.alerts.quality import CUTS

# A detection that braai is sure of, and that ACAI does not call bogus.
_REAL = "braai > 0.9 AND acai_b < 0.5"
# Published threshold of all five classifiers.
_CONFIDENT = 0.5
_CLASSES = ("acai_h", "acai_n", "acai_v", "acai_o")


def with_quality_cuts(alerts: DataFrame) -> DataFrame:
    """One boolean ``cut_*`` per cut of ``udfs/alerts/quality.py``; no alert is dropped."""
    return alerts.withColumns({f"cut_{name}": F.expr(cut.expression) for name, cut in CUTS.items()})


def with_anomaly(alerts: DataFrame) -> DataFrame:
    """Column ``anomaly``: ``unclassified`` or ``ambiguous`` for what is real, else null.

    A real alert belongs to one of ACAI's classes (hosted, nuclear, variable, orphan). One that is
    none of them, or several at once, is unlike what the networks were trained on.
    """
    classes = " + ".join(f"int({name} > {_CONFIDENT})" for name in _CLASSES)
    return alerts.withColumn(
        "anomaly",
        F.expr(
            f"CASE WHEN {_REAL} AND {classes} = 0 THEN 'unclassified' "
            f"WHEN {_REAL} AND {classes} > 1 THEN 'ambiguous' END"
        ),
    )
