"""Known stars at random in one field: ``python benchmarks/made_stars.py WAREHOUSE NUMBER``."""

import sys

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from jobs.common.session import open_session
from jobs.common.tables import Warehouse
from udfs.alert_schemas import KNOWN_SOURCES
from udfs.positions import FOLDER_ORDER, HEALPIX_ORDER, healpix_nested

# Corner and side of a field of ZTF.
FIELD_RA, FIELD_DEC, FIELD_DEG = 150.0, 20.0, 6.9


def main() -> None:
    """Write the table, sorted as build_known_sources does."""
    spark = open_session("made_stars")
    rng = np.random.default_rng(1)
    ra, dec = (
        corner + FIELD_DEG * rng.random(int(sys.argv[2])) for corner in (FIELD_RA, FIELD_DEC)
    )
    healpix = healpix_nested(ra, dec, order=HEALPIX_ORDER)
    stars = spark.createDataFrame(pa.table({"healpix": healpix, "ra": ra, "dec": dec}))
    rows = stars.select(
        F.shiftright("healpix", 2 * (HEALPIX_ORDER - FOLDER_ORDER)).cast("int").alias("pixel"),
        "healpix",
        F.lit("made").alias("survey"),
        F.col("healpix").cast("string").alias("object_id"),
        "ra",
        "dec",
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
