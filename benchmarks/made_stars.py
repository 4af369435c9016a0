"""A table of known stars at random: ``python benchmarks/made_stars.py WAREHOUSE NUMBER``."""

import sys

from pyspark.sql import functions as F

from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from udfs.alert_schemas import KNOWN_SOURCES
from udfs.positions import FOLDER_ORDER, HEALPIX_ORDER


def main() -> None:
    """Write the table, sorted as build_known_sources does."""
    spark = open_session("made_stars")
    stars = spark.range(int(sys.argv[2])).select(
        (F.rand(1) * 12 * 4**HEALPIX_ORDER).cast("long").alias("healpix"), "id"
    )
    rows = stars.select(
        F.shiftright("healpix", 2 * (HEALPIX_ORDER - FOLDER_ORDER)).cast("int").alias("pixel"),
        "healpix",
        F.lit("made").alias("survey"),
        F.col("id").cast("string").alias("object_id"),
        # Not the positions of the pixels: none of these stars is near an alert, as most are not.
        (F.rand(2) * 360).alias("ra"),
        (F.rand(3) * 180 - 90).alias("dec"),
        F.rand(4).alias("period_day"),
        F.rand(5).cast("float").alias("amp"),
        F.create_map(F.lit("rrab"), F.rand(6).cast("float")).alias("labels"),
        F.lit("xgb-made").alias("model_version"),
    )
    Warehouse(spark, sys.argv[1]).replace(
        rows.repartitionByRange(4, "healpix").sortWithinPartitions("healpix"),
        KNOWN_SOURCES,
        where="survey = 'made'",
    )


if __name__ == "__main__":
    main()
