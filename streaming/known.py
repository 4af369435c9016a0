"""What the batch layer knows of the star of an alert, found by position."""

from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import LongType, StructField, StructType

from udfs.alert_schemas import SCORED_ALERTS
from udfs.positions import FOLDER_ORDER, HEALPIX_ORDER, cells_around, separation_arcsec

RADIUS_ARCSEC = 1.5
# Cells have a side of 3.2 arcsec: one and those around it hold all stars within 1.5.
_CELL_ORDER = 16
_SEPARATION = "known_sep_arcsec"
# Column of an alert -> of known_sources.
_LOOKED_UP = {
    "known_object_id": "object_id",
    "known_period_day": "period_day",
    "known_amp": "amp",
    "known_labels": "labels",
    "known_version": "model_version",
}
_KNOWN = [field for field in SCORED_ALERTS.schema if field.name.startswith("known_")]


def with_known_source(
    rows: DataFrame, known: DataFrame | None, *, positions: Any = None
) -> DataFrame:
    """The same rows with the ``known_*`` columns: the nearest star within 1.5 arcsec, or nulls.

    The stars are looked up at once, in two small jobs; the wide rows themselves are not shuffled.
    An alert without a valid position has no star.

    Parameters
    ----------
    rows : DataFrame
        With candid, ra and dec [deg, ICRS]; some 20,000 at most, best persisted. Rows that share
        a candid share its star.
    known : DataFrame, optional
        Rows of ``known_sources``; None if there is no such table.
    positions : Arrow table, optional
        candid, ra and dec of the rows; without it they are collected.
    """
    found = None
    if known is not None:
        found = _nearest(_positions(rows) if positions is None else positions, known)
    if found is None or not found.num_rows:
        return rows.withColumns({f.name: F.lit(None).cast(f.dataType) for f in _KNOWN})
    schema = StructType([StructField("candid", LongType()), *_KNOWN])
    stars = rows.sparkSession.createDataFrame(
        found.select(schema.names).cast(to_arrow_schema(schema)), schema
    )
    joined = rows.join(F.broadcast(stars), on="candid", how="left")
    # As text: select() asks Java for each of some 200 columns.
    return joined.selectExpr(*rows.columns, *[f.name for f in _KNOWN])


def _nearest(positions: Any, known: DataFrame) -> Any:
    """Arrow table of candid and the known columns, one row per alert that has a star."""
    cells = _cells(positions)
    if not cells.num_rows:
        return None
    near = _stars_in(cells, known)
    distance = separation_arcsec(
        near["ra"].to_numpy(),
        near["dec"].to_numpy(),
        other_ra=near["star_ra"].to_numpy(),
        other_dec=near["star_dec"].to_numpy(),
    )
    near = near.append_column(_SEPARATION, pa.array(distance)).filter(distance <= RADIUS_ARCSEC)
    # Of two surveys' entries of one star at one position, always the same.
    order = ("candid", _SEPARATION, "survey", "known_object_id")
    near = near.sort_by([(name, "ascending") for name in order])
    _, first = np.unique(near["candid"].to_numpy(), return_index=True)
    return near.take(first)


def _positions(rows: DataFrame) -> Any:
    return rows.select("candid", "ra", "dec").where("candid IS NOT NULL").toArrow()


def _cells(alerts: Any) -> Any:
    """Arrow table of candid, ra, dec and cell: nine rows per alert with a position."""
    ra, dec = (alerts[name].to_numpy().astype(np.float64) for name in ("ra", "dec"))
    placed = np.isfinite(ra) & (np.abs(dec) <= 90)
    alerts = alerts.filter(placed)
    cells = cells_around(ra[placed], dec[placed], order=_CELL_ORDER)
    return alerts.take(np.repeat(np.arange(len(cells)), cells.shape[1])).append_column(
        "cell", pa.array(cells.ravel())
    )


def _stars_in(cells: Any, known: DataFrame) -> Any:
    """The stars in those cells, with the alerts that the cells belong to."""
    folders = np.unique(cells["cell"].to_numpy() >> 2 * (_CELL_ORDER - FOLDER_ORDER))
    # As text: every value of isin() is a call to Java.
    wanted = ", ".join(str(folder) for folder in folders if folder >= 0)
    stars = known.where(f"pixel IN ({wanted})").select(
        F.shiftright("healpix", 2 * (HEALPIX_ORDER - _CELL_ORDER)).alias("cell"),
        F.col("ra").alias("star_ra"),
        F.col("dec").alias("star_dec"),
        "survey",
        *[F.col(column).alias(name) for name, column in _LOOKED_UP.items()],
    )
    near = known.sparkSession.createDataFrame(cells)
    return stars.join(F.broadcast(near), on="cell", how="inner").toArrow()
