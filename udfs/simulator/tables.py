"""Simulated stars as Arrow tables: light curves in the bulk form of ZTF, and the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.positions import iau_names
from udfs.simulator.cadence import Exposures
from udfs.simulator.photometry import Measurements
from udfs.simulator.sky import source_number
from udfs.simulator.spec import FILTER_IDS, QuadrantSpec

# As in the bulk files of the ZTF data releases, except hmjd: theirs is float32, which is
# 0.004 day at MJD 59000 and too coarse for short periods.
LIGHT_CURVE_SCHEMA = pa.schema([
    ("objectid", pa.int64()), ("filterid", pa.uint8()), ("fieldid", pa.int16()),
    ("rcid", pa.uint8()), ("objra", pa.float32()), ("objdec", pa.float32()),
    ("nepochs", pa.int64()), ("hmjd", pa.list_(pa.float64())), ("mag", pa.list_(pa.float32())),
    ("magerr", pa.list_(pa.float32())), ("clrcoeff", pa.list_(pa.float32())),
    ("catflags", pa.list_(pa.uint16())),
])  # fmt: skip
TRUTH_SCHEMA = pa.schema([
    ("source_id", pa.int64()), ("object_id", pa.string()), ("class", pa.string()),
    ("period_day", pa.float64()), ("amplitude", pa.float64()), ("ra", pa.float64()),
    ("dec", pa.float64()), ("filter", pa.int16()), ("labels", pa.list_(pa.string())),
    ("seed", pa.int64()),
])  # fmt: skip


@dataclass(frozen=True)
class SimulatedStars:
    """Light curves and truth, row by row the same sources.

    Attributes
    ----------
    light_curves : pa.Table of ``LIGHT_CURVE_SCHEMA``, one row per star and filter with at
        least one detection
    truth : pa.Table of ``TRUTH_SCHEMA``. ``class`` is a key of the class mix; ``amplitude`` is
        peak to peak of the noise-free light curve at all exposures of the filter [mag];
        ``labels`` holds the most specific labels: the label trees give the ancestors, and
        every other label has probability 0. Constant stars have the label nonvar alone.
    """

    light_curves: pa.Table
    truth: pa.Table


@dataclass(frozen=True)
class Star:
    """One star, observed; ``amplitude`` [mag] by filter id."""

    number: int
    class_name: str
    ra_deg: float
    dec_deg: float
    hmjd: NDArray[np.float64]
    amplitude: dict[int, float]
    labels: tuple[str, ...]
    period_day: float | None
    seen: Measurements


def filter_blocks(filter_id: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(filter id, start, stop) of each filter present; ``filter_id`` is sorted."""
    edges = np.searchsorted(filter_id, [1, 2, 3, 4])
    return [
        (band, int(edges[band - 1]), int(edges[band]))
        for band in FILTER_IDS.values()
        if edges[band] > edges[band - 1]
    ]


def tables_of(spec: QuadrantSpec, shared: Exposures, stars: Sequence[Star]) -> SimulatedStars:
    """The two tables; a star takes one row per filter in which it is seen."""
    truth_rows: list[dict[str, object]] = []
    counts: list[int] = []
    for star in stars:
        for band, start, stop in filter_blocks(shared.filter_id[star.seen.index]):
            counts.append(stop - start)
            truth_rows.append(_truth_row(spec, star, band))
    truth = pa.Table.from_pylist(truth_rows, schema=TRUTH_SCHEMA)
    names = iau_names(truth["ra"].to_numpy(), truth["dec"].to_numpy(), prefix="ZTF")
    truth = truth.set_column(1, TRUTH_SCHEMA.field("object_id"), pa.array(names, pa.string()))
    lists = _epoch_lists(shared, stars, np.array(counts, dtype=np.int64))
    columns = {
        "objectid": truth["source_id"],
        "filterid": truth["filter"].cast(pa.uint8()),
        "fieldid": np.full(truth.num_rows, spec.field),
        "rcid": np.full(truth.num_rows, spec.rcid),
        "objra": truth["ra"].cast(pa.float32()),
        "objdec": truth["dec"].cast(pa.float32()),
        "nepochs": np.array(counts, dtype=np.int64),
        **lists,
    }
    return SimulatedStars(pa.table(columns, schema=LIGHT_CURVE_SCHEMA), truth)


def _truth_row(spec: QuadrantSpec, star: Star, band: int) -> dict[str, object]:
    return {
        "source_id": source_number(spec, band, star.number),
        "class": star.class_name,
        "period_day": star.period_day,
        "amplitude": star.amplitude[band],
        "ra": star.ra_deg,
        "dec": star.dec_deg,
        "filter": band,
        "labels": list(star.labels),
        "seed": spec.seed,
    }


def _epoch_lists(
    shared: Exposures, stars: Sequence[Star], counts: NDArray[np.int64]
) -> dict[str, pa.Array]:
    """The list columns. Exposures are sorted by filter, and so are the epochs of a star."""
    offsets = pa.array(np.append(0, np.cumsum(counts)).astype(np.int32))
    values: dict[str, list[NDArray[np.generic]]] = {
        "hmjd": [s.hmjd[s.seen.index] for s in stars],
        "mag": [s.seen.mag for s in stars],
        "magerr": [s.seen.mag_err for s in stars],
        "clrcoeff": [shared.colour_coefficient[s.seen.index] for s in stars],
        "catflags": [s.seen.catflags for s in stars],
    }
    lists = {}
    for name, parts in values.items():
        item = LIGHT_CURVE_SCHEMA.field(name).type.value_type
        flat = np.concatenate(parts) if parts else np.empty(0)
        lists[name] = pa.ListArray.from_arrays(
            offsets, pa.array(flat.astype(item.to_pandas_dtype()), item)
        )
    return lists
