"""The border between data frames and the array mathematics: the only Arrow UDFs of features."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import DoubleType, IntegerType, StructType

from udfs.light_curve_features import FeatureSettings, cleaned_baseline, light_curve_features
from udfs.ragged import from_arrow, to_arrow
from udfs.schemas import DMDT_SIDE, FEATURES, LIGHT_CURVES

BASELINE = "baseline_day"
PASSED_ON = ("survey", "field", "ccd", "quad", "filter", "source_id", "object_id",
             "ra", "dec", "healpix", "content_hash")  # fmt: skip
_MEASURED_KEYS = ("field", "ccd", "quad", "source_id", "object_id", "input_file")


def measure_baselines(light_curves: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Clean epochs and their span [day] of each light curve: the cheap first pass."""

    def measure(batches: Iterable[Any]) -> Iterable[Any]:
        for batch in batches:
            arrays, offsets = _epochs(batch)
            n_clean, span_day = cleaned_baseline(*arrays, offsets, settings=settings)
            yield pa.RecordBatch.from_arrays(
                [
                    *[batch[name] for name in _MEASURED_KEYS],
                    pa.array(n_clean.astype(np.int32)),
                    pa.array(span_day),
                ],
                names=schema.names,
            )

    keys = StructType([LIGHT_CURVES.schema[name] for name in _MEASURED_KEYS])
    schema = keys.add("n_clean", IntegerType()).add("span_day", DoubleType())
    return light_curves.mapInArrow(measure, schema)


def with_light_curve_features(light_curves: DataFrame, settings: FeatureSettings) -> DataFrame:
    """All features of a light curve from the curve alone, for those with enough clean epochs.

    Parameters
    ----------
    light_curves : DataFrame
        The table's columns, and ``baseline_day``: the longest clean span of the quadrant.
    settings : FeatureSettings

    Returns
    -------
    DataFrame
        Identity, position, ``content_hash``, then the computed columns of ``schemas.FEATURES``.
    """
    computed = _computed_columns()

    def compute(batches: Iterable[Any]) -> Iterable[Any]:
        for batch in batches:
            baselines = np.asarray(batch[BASELINE])
            for baseline_day in np.unique(baselines):
                rows = pa.array(np.flatnonzero(baselines == baseline_day))
                yield _features_of(batch.take(rows), float(baseline_day), settings, computed)

    passed_on = [LIGHT_CURVES.schema[name] for name in PASSED_ON]
    schema = StructType([*passed_on, *[FEATURES.schema[name] for name in computed]])
    return light_curves.mapInArrow(compute, schema)


def _computed_columns() -> list[str]:
    """From the first statistic to the dmdt image, and what the search says of itself."""
    names = FEATURES.schema.names
    first, last = names.index("n"), names.index("dmdt")
    return [*names[first : last + 1], "mode", "backend", "n_freq"]


def _features_of(
    batch: Any, baseline_day: float, settings: FeatureSettings, computed: list[str]
) -> Any:
    arrays, offsets = _epochs(batch)
    block = light_curve_features(*arrays, offsets, baseline_day=baseline_day, settings=settings)
    kept = batch.take(pa.array(block.kept))
    columns = {name: kept[name] for name in PASSED_ON}
    for name in computed:
        values = block.columns[name]
        dtype = to_arrow_type(FEATURES.schema[name].dataType)
        if name == "dmdt":
            cells = DMDT_SIDE**2 * np.arange(len(values) + 1)
            columns[name] = to_arrow(values.ravel(), cells, value_type=pa.float32())
        else:
            columns[name] = pa.array(values, type=dtype)
    return pa.RecordBatch.from_pydict(columns)


def _epochs(batch: Any) -> tuple[tuple[Any, Any, Any, Any], Any]:
    """Times, magnitudes, errors and flags as flat arrays, and the offsets that they share."""
    hmjd, offsets = from_arrow(batch["hmjd"], name="hmjd")
    mag, magerr, catflags = (
        from_arrow(batch[name], name=name)[0] for name in ("mag", "magerr", "catflags")
    )
    return (hmjd, mag, magerr, catflags.astype(np.int64)), offsets
