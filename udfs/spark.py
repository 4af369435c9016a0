"""The border between data frames and the array mathematics: the only Arrow UDFs of features."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructType

from udfs.arrow_groups import tables_by_key
from udfs.light_curve_features import FeatureSettings, cleaned_baseline, light_curve_features
from udfs.ragged import from_arrow, to_arrow
from udfs.schemas import DMDT_SIDE, FEATURES, LIGHT_CURVES
from udfs.stars import blocks_of_stars, same_star
from udfs.usable import OK

BASELINE, STATUS = "baseline_day", "status"
STAR, BLOCK = "star", "block"
QUADRANT = ("field", "ccd", "quad")
PASSED_ON = ("survey", *QUADRANT, "filter", "source_id", "object_id",
             "ra", "dec", "healpix", "content_hash")  # fmt: skip
_MEASURED_KEYS = (*QUADRANT, "source_id", "object_id", "ra", "dec", "input_file")


def measure_baselines(light_curves: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Clean epochs, their span [day] and ``status`` of each light curve: the cheap first pass."""

    def measure(batches: Iterable[Any]) -> Iterable[Any]:
        for batch in batches:
            arrays, offsets = _epochs(batch)
            n_clean, span_day = cleaned_baseline(*arrays, offsets, settings=settings)
            yield pa.RecordBatch.from_arrays(
                [
                    *[batch[name] for name in _MEASURED_KEYS],
                    pa.array(n_clean.astype(np.int32)),
                    pa.array(span_day),
                    pa.array(settings.usable.status(n_clean, span_day).tolist(), pa.string()),
                ],
                names=schema.names,
            )

    keys = StructType([LIGHT_CURVES.schema[name] for name in _MEASURED_KEYS])
    schema = (
        keys.add("n_clean", IntegerType()).add("span_day", DoubleType()).add(STATUS, StringType())
    )
    return light_curves.mapInArrow(measure, schema)


def plan_blocks(measured: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Star and block of each light curve that gets features, and the quadrant's baseline.

    Parameters
    ----------
    measured : DataFrame
        From :func:`measure_baselines`.

    Returns
    -------
    DataFrame
        field, ccd, quad, source_id, ``star`` and ``block`` (numbers within the quadrant), and
        ``baseline_day``: the longest clean span of the quadrant.
    """

    def plan(rows: Any) -> Any:
        rows = rows.sort_by("source_id")
        ra, dec = (rows[name].to_pandas().to_numpy(np.float64) for name in ("ra", "dec"))
        star = same_star(rows["object_id"].to_pandas().to_numpy(str), ra, dec)
        block = blocks_of_stars(star, rows["n_clean"].to_numpy().astype(np.int64), settings.blocks)
        baseline_day = rows["span_day"].to_numpy().max()
        columns = {name: rows[name] for name in (*QUADRANT, "source_id")}
        columns[STAR], columns[BLOCK] = pa.array(star), pa.array(block)
        columns[BASELINE] = pa.array(np.full(star.size, baseline_day))
        return pa.table(columns)

    keys = [LIGHT_CURVES.schema[name] for name in (*QUADRANT, "source_id")]
    schema = StructType(keys).add(STAR, LongType()).add(BLOCK, LongType())
    usable = measured.where(F.col(STATUS) == OK)
    return usable.groupBy(*QUADRANT).applyInArrow(plan, schema.add(BASELINE, DoubleType()))


def with_light_curve_features(
    light_curves: DataFrame, settings: FeatureSettings, *, partitions: int
) -> DataFrame:
    """All features of a light curve from the curves of its star, for those that are usable.

    A block of stars is computed at once: it holds all curves of its stars, so that a star is
    searched in all its bands and curves that share exposures are searched together.

    Parameters
    ----------
    light_curves : DataFrame
        The table's columns and those of :func:`plan_blocks`.
    settings : FeatureSettings
    partitions : int
        Among which the blocks are divided. More than there are blocks: two blocks in one partition
        are computed one after the other.

    Returns
    -------
    DataFrame
        Identity, position, ``content_hash``, then the computed columns of ``schemas.FEATURES``.
    """
    computed = _computed_columns()

    def compute(batches: Iterable[Any]) -> Iterable[Any]:
        for rows in tables_by_key(batches, (*QUADRANT, BLOCK)):
            yield from _features_of(rows, settings, computed).to_batches()

    passed_on = [LIGHT_CURVES.schema[name] for name in PASSED_ON]
    schema = StructType([*passed_on, *[FEATURES.schema[name] for name in computed]])
    # The number of partitions is given because Spark would else merge them by their bytes, not by
    # their work. Sums of a block must not depend on the order of rows: it is fixed here.
    by_block = light_curves.repartition(partitions, *QUADRANT, BLOCK)
    ordered = by_block.sortWithinPartitions(*QUADRANT, BLOCK, "source_id")
    return ordered.mapInArrow(compute, schema)


def _computed_columns() -> list[str]:
    """From the first statistic to the dmdt image, and what the search says of itself."""
    names = FEATURES.schema.names
    first, last = names.index("n"), names.index("dmdt")
    return [*names[first : last + 1], "mode", "backend", "times", "n_freq"]


def _features_of(rows: Any, settings: FeatureSettings, computed: list[str]) -> Any:
    arrays, offsets = _epochs(rows)
    features = light_curve_features(
        *arrays,
        offsets,
        band=rows["filter"].to_numpy().astype(np.int64),
        star=rows[STAR].to_numpy(),
        baseline_day=float(rows[BASELINE][0].as_py()),
        settings=settings,
    )
    kept = rows.take(pa.array(features.kept))
    columns = {name: kept[name] for name in PASSED_ON}
    for name in computed:
        dtype = to_arrow_type(FEATURES.schema[name].dataType)
        if name == "dmdt":
            values = features.columns[name]
            cells = DMDT_SIDE**2 * np.arange(len(values) + 1)
            columns[name] = to_arrow(values.ravel(), cells, value_type=pa.float32())
        elif name in features.columns:
            columns[name] = pa.array(features.columns[name], type=dtype)
        else:
            columns[name] = pa.nulls(features.kept.size, dtype)
    return pa.table(columns)


def _epochs(batch: Any) -> tuple[tuple[Any, Any, Any, Any], Any]:
    """Times, magnitudes, errors and flags as flat arrays, and the offsets that they share."""
    hmjd, offsets = from_arrow(batch["hmjd"], name="hmjd")
    mag, magerr, catflags = (
        from_arrow(batch[name], name=name)[0] for name in ("mag", "magerr", "catflags")
    )
    return (hmjd, mag, magerr, catflags.astype(np.int64)), offsets
