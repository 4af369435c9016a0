"""Raw light curves -> light curves fit for the warehouse, and records for the quarantine."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.common.config import Survey
from udfs.checks.epochs import Bounds
from udfs.checks.light_curves import EPOCH_COLUMNS, PROBLEM, check_light_curves
from udfs.checks.reasons import DUPLICATE_SOURCE
from udfs.positions import HEALPIX_ORDER, healpix_nested, iau_names
from udfs.schemas import LIGHT_CURVES

NO_FIELD = -1
_CHECKED = pa.schema(
    [
        ("input_file", pa.string()),
        ("row", pa.int64()),
        ("survey", pa.string()),
        ("field", pa.int32()),
        ("ccd", pa.int8()),
        ("quad", pa.int8()),
        ("filter", pa.int16()),
        ("source_id", pa.int64()),
        ("object_id", pa.string()),
        ("ra", pa.float64()),
        ("dec", pa.float64()),
        ("healpix", pa.int64()),
        ("n_epochs", pa.int32()),
        ("hmjd", pa.list_(pa.float64())),
        ("mag", pa.list_(pa.float32())),
        ("magerr", pa.list_(pa.float32())),
        ("catflags", pa.list_(pa.int32())),
        ("n_epochs_in", pa.int32()),
        ("keep", pa.bool_()),
        ("problems", pa.list_(PROBLEM)),
    ]
)


def with_checks(raw: DataFrame, survey: Survey) -> DataFrame:
    """One row per raw light curve: identity, usable epochs, ``keep`` and ``problems``."""
    bounds = Bounds(
        survey.ingest.min_hmjd,
        survey.ingest.max_hmjd,
        survey.ingest.min_mag,
        survey.ingest.max_mag,
    )

    def check(batches: Iterable[Any]) -> Iterable[Any]:
        for batch in batches:
            if batch.num_rows:
                yield from _check_batch(pa.Table.from_batches([batch]), survey, bounds)

    return raw.mapInArrow(check, from_arrow_schema(_CHECKED))


def with_source_id(raw: DataFrame, survey: Survey) -> DataFrame:
    """A number for the light curves of surveys that have none.

    63 bits of the hash of survey, object and band: among 210 million light curves two share a
    number with a probability of 0.2%, and the second would be quarantined as a duplicate.
    """
    named = F.concat_ws("/", F.lit(survey.name), "object_id", "filter")
    hashed = F.xxhash64(named).bitwiseAND(F.lit(2**63 - 1))
    return raw.withColumn("source_id", F.when(F.col("object_id").isNotNull(), hashed))


def _check_batch(batch: Any, survey: Survey, bounds: Bounds) -> Iterator[Any]:
    checked = check_light_curves(batch, survey.filters, bounds)
    ra = _with_nan(batch["ra"])
    dec = _with_nan(batch["dec"])
    placed = checked.keep & np.isfinite(ra) & np.isfinite(dec)
    fields = _fields(batch, survey, placed, ra, dec)
    healpix = np.zeros(len(ra), dtype=np.int64)
    healpix[placed] = healpix_nested(ra[placed], dec[placed], order=HEALPIX_ORDER)
    size = batch.num_rows
    columns = {
        "input_file": batch["input_file"],
        "row": batch["row"],
        "survey": pa.array([survey.name] * size),
        "field": pa.array(fields),
        "ccd": batch["ccd"].cast(pa.int8(), safe=False),
        "quad": batch["quad"].cast(pa.int8(), safe=False),
        "filter": pa.array([survey.filters.get(f) for f in batch["filter"].to_pylist()]),
        "source_id": batch["source_id"],
        "object_id": _object_ids(batch, survey, placed, ra, dec),
        "ra": pa.array(ra, mask=~placed),
        "dec": pa.array(dec, mask=~placed),
        "healpix": pa.array(healpix, mask=~placed),
        "n_epochs": pa.array(np.diff(checked.epochs["hmjd"].offsets.to_numpy())),
        **{name: checked.epochs[name] for name in EPOCH_COLUMNS},
        "n_epochs_in": pa.array(np.maximum(checked.n_epochs_in, 0)),
        "keep": pa.array(checked.keep),
        "problems": pa.array(checked.problems, type=pa.list_(PROBLEM)),
    }
    arrays = [columns[field.name].cast(field.type) for field in _CHECKED]
    yield from pa.Table.from_arrays(arrays, schema=_CHECKED).combine_chunks().to_batches()


def _fields(
    batch: Any, survey: Survey, placed: NDArray[Any], ra: NDArray[Any], dec: NDArray[Any]
) -> NDArray[Any]:
    if survey.fields.source == "healpix":
        fields = np.full(len(ra), NO_FIELD, dtype=np.int64)
        fields[placed] = healpix_nested(ra[placed], dec[placed], order=survey.fields.healpix_order)
        return fields
    return np.asarray(batch["field"].fill_null(NO_FIELD), dtype=np.int64)


def _object_ids(
    batch: Any, survey: Survey, placed: NDArray[Any], ra: NDArray[Any], dec: NDArray[Any]
) -> Any:
    ids = batch["object_id"].to_pylist()
    unnamed = np.array([i is None for i in ids]) & placed
    names = iter(iau_names(ra[unnamed], dec[unnamed], prefix=survey.name.upper()))
    return pa.array([next(names) if u else i for u, i in zip(unnamed, ids, strict=True)])


def _with_nan(column: Any) -> NDArray[Any]:
    return np.asarray(column, dtype=np.float64)


def light_curves(checked: DataFrame) -> DataFrame:
    """The rows that go on, as the table ``light_curves`` wants them."""
    kept = checked.where("keep").withColumn("content_hash", F.xxhash64(*EPOCH_COLUMNS))
    return kept.select(*LIGHT_CURVES.schema.names)


def mark_duplicates(checked: DataFrame) -> DataFrame:
    """Of several rows with one source_id, the first by file and row number stays."""
    by_source = Window.partitionBy("source_id").orderBy("input_file", "row")
    again = F.col("keep") & (F.row_number().over(by_source) > 1)
    record = F.struct(
        F.lit("light_curve").alias("extent"),
        F.lit(DUPLICATE_SOURCE.name).alias("reason"),
        F.lit(DUPLICATE_SOURCE.column).alias("column"),
        F.col("source_id").cast("string").alias("value"),
        F.lit(DUPLICATE_SOURCE.expected).alias("expected"),
        F.col("n_epochs").alias("n_epochs"),
        *[F.col(c).alias(c) for c in EPOCH_COLUMNS],
    )
    marked = checked.withColumn("again", again)
    return marked.select(
        *[c for c in checked.columns if c not in ("keep", "problems")],
        (F.col("keep") & ~F.col("again")).alias("keep"),
        F.when(F.col("again"), F.concat("problems", F.array(record)))
        .otherwise(F.col("problems"))
        .alias("problems"),
    )


def quarantine(checked: DataFrame, *, job: str, unit: Column) -> DataFrame:
    """One row per problem, as the table ``quarantine`` wants it."""
    return (
        checked.select(
            F.lit(job).alias("job"),
            unit.alias("unit"),
            "survey",
            "input_file",
            "row",
            "source_id",
            "object_id",
            F.explode("problems").alias("problem"),
        )
        .select("*", "problem.*")
        .drop("problem")
    )
