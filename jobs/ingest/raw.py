"""Any form of input as one data frame of raw light curves, not yet checked."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.common.config import Form, Survey
from udfs.errors import ContractError

_ELEMENTS = {"hmjd": "double", "mag": "double", "magerr": "double", "catflags": "int"}


def read_raw(
    spark: SparkSession, paths: Sequence[str], survey: Survey, *, form: Form, positions: str | None
) -> DataFrame:
    """One row per light curve: identity, position, the four arrays, and where it came from.

    Columns: ``input_file, row, source_id, object_id, field, ccd, quad, filter`` (text),
    ``ra, dec, hmjd, mag, magerr, catflags``; null for what the form does not have.
    """
    rows = spark.read.parquet(*paths).select(
        F.col("_metadata.file_path").alias("input_file"),
        F.col("_metadata.row_index").alias("row"),
        *[F.col(f"`{theirs}`").alias(ours) for ours, theirs in form.columns.items()],
    )
    curves = _per_light_curve(rows, form) if form.layout == "epochs" else rows
    if positions is not None:
        curves = curves.join(_read_positions(spark, positions), on="object_id", how="left")
    return curves.select(
        "input_file",
        "row",
        _optional(curves, "source_id", "bigint"),
        _optional(curves, "object_id", "string"),
        _optional(curves, "field", "int"),
        *_ccd_and_quad(curves),
        F.col("filter").cast("string").alias("filter"),
        _optional(curves, "ra", "double"),
        _optional(curves, "dec", "double"),
        _shifted(F.col("hmjd").cast("array<double>"), form.time_offset_day).alias("hmjd"),
        *[F.col(c).cast(f"array<{_ELEMENTS[c]}>").alias(c) for c in ("mag", "magerr")],
        _catflags(curves).alias("catflags"),
    )


def _per_light_curve(rows: DataFrame, form: Form) -> DataFrame:
    """Collect the epochs of each source; the first row of the source gives its position."""
    arrays = [c for c in _ELEMENTS if c in form.columns]
    keys = [c for c in ("source_id", "object_id", "field", "ccd", "quad", "rcid", "filter")
            if c in form.columns]  # fmt: skip
    # A null inside collect_list would be dropped and shift its neighbours: it travels in a struct.
    epochs = F.sort_array(F.collect_list(F.struct("input_file", "row", *arrays)))
    first = [F.min_by(c, F.struct("input_file", "row")).alias(c) for c in ("ra", "dec")
             if c in form.columns]  # fmt: skip
    grouped = rows.groupBy(*keys).agg(epochs.alias("epochs"), *first)
    return grouped.select(
        *keys,
        *[c for c in ("ra", "dec") if c in form.columns],
        F.col("epochs")[0]["input_file"].alias("input_file"),
        F.col("epochs")[0]["row"].alias("row"),
        *[F.col(f"epochs.{c}").alias(c) for c in arrays],
    )


def _read_positions(spark: SparkSession, path: str) -> DataFrame:
    table = spark.read.parquet(path)
    missing = [c for c in ("object_id", "ra", "dec") if c not in table.columns]
    if missing:
        raise ContractError(
            f"--positions {path}: columns {missing} are missing; there are: "
            f"{', '.join(table.columns)}; expected object_id, ra [deg], dec [deg]"
        )
    # A catalogue may list a star twice; its first position will do.
    return table.groupBy(F.col("object_id").cast("string").alias("object_id")).agg(
        F.first("ra").alias("ra"), F.first("dec").alias("dec")
    )


def _ccd_and_quad(curves: DataFrame) -> list[Column]:
    """Ccd = rcid // 4 + 1, quad = rcid % 4 + 1 (udfs.quadrants); 0 where there are none."""
    if "rcid" in curves.columns:
        rcid = F.col("rcid").cast("int")
        known = rcid.between(0, 63)
        return [
            F.when(known, F.floor(rcid / 4) + 1).otherwise(-1).cast("int").alias("ccd"),
            F.when(known, rcid % 4 + 1).otherwise(-1).cast("int").alias("quad"),
        ]
    if "ccd" in curves.columns:
        return [F.col(c).cast("int").alias(c) for c in ("ccd", "quad")]
    return [F.lit(0).alias("ccd"), F.lit(0).alias("quad")]


def _catflags(curves: DataFrame) -> Column:
    if "catflags" in curves.columns:
        return F.col("catflags").cast("array<int>")
    return F.transform("hmjd", lambda _: F.lit(0))


def _shifted(times: Column, offset_day: float) -> Column:
    return times if offset_day == 0 else F.transform(times, lambda t: t + F.lit(offset_day))


def _optional(curves: DataFrame, name: str, dtype: str) -> Column:
    column = F.col(name) if name in curves.columns else F.lit(None)
    return column.cast(dtype).alias(name)
