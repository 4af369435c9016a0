"""Which light curves are searched together over shared exposures, and which one by one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from udfs.periodograms.engines import Engine, OwnTimes, shared_engine
from udfs.periodograms.exposures import (
    SAME_EXPOSURE_DAY,
    Exposures,
    exposure_block,
    shared_exposures,
)
from udfs.periodograms.grid import AUTO, EXACT, SHARED, PeriodSearchSettings
from udfs.periodograms.tiles import TILE
from udfs.ragged import BoolArray, FloatArray, IntArray, take_rows

# Sharing times may move a phase by a tenth of a phase bin at most [cycles].
_LARGEST_SHIFT = 0.005
# One cell of a block costs about a tenth of what one epoch costs alone.
_CELLS_PER_EPOCH = 8


@dataclass(frozen=True)
class Part:
    """Light curves that one engine computes.

    Attributes
    ----------
    curves : (n,) int64
        Their numbers.
    times : {"shared", "exact"}
    engine : Engine
    points_per_chi2 : (n,) float64
        Epochs over the chi-square of the weighted mean.
    """

    curves: IntArray
    times: str
    engine: Engine
    points_per_chi2: FloatArray


def usable_curves(
    time: FloatArray, mag: FloatArray, offsets: IntArray, *, min_points: int
) -> BoolArray:
    """Which curves can be searched: enough epochs, finite, at more than one time, not constant."""
    usable = np.diff(offsets) >= min_points
    for i in np.flatnonzero(usable):
        curve = slice(offsets[i], offsets[i + 1])
        spans = np.ptp(time[curve]) + np.ptp(mag[curve])
        usable[i] = np.isfinite(spans) and np.ptp(time[curve]) > 0 and np.ptp(mag[curve]) > 0
    return usable


def plan_parts(
    time: FloatArray,
    mag: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    *,
    band: IntArray,
    chosen: BoolArray,
    settings: PeriodSearchSettings,
    backend: str,
    top_freq: float,
) -> list[Part]:
    """Divide the chosen light curves: a part for each band that shares exposures, one for the rest.

    Curves of a band that were not observed at one time are parts of their own: they share nothing,
    and what a part needs grows with its time span (Julian dates beside modified ones: 2.4 million
    days).

    With ``settings.times`` "auto", the curves of a band share exposures if the block is cheaper
    than its curves and no phase moves by more than 0.005 cycles at ``top_freq``; "shared" demands
    it, "exact" forbids it. The "reference" backend has no blocks.

    Raises
    ------
    ValueError
        If shared exposures are demanded of curves that do not share any.
    """
    parts, alone = [], []
    for name, curves in _at_one_time(time, offsets, band=band, chosen=chosen):
        t, m, w, bounds = _select(time, mag, weight, offsets, curves)
        exposures = shared_exposures(t)
        wanted = settings.times == SHARED or (settings.times == AUTO and backend != "reference")
        problem = _problem(exposures, bounds, top_freq) if wanted else None
        cells = exposures.time.size * TILE * -(-curves.size // TILE)
        if settings.times == SHARED and problem:
            raise ValueError(f"times='shared', but in band {name} {problem}; set times='auto'")
        if wanted and not problem and (
            settings.times == SHARED or cells <= _CELLS_PER_EPOCH * t.size
        ):  # fmt: skip
            block = exposure_block(exposures, t, m, w, bounds)
            engine = shared_engine(backend)(block, settings)
            parts.append(Part(curves, SHARED, engine, _points_per_chi2(m, w, bounds)))
        else:
            alone.append(curves)
    if alone:
        curves = np.concatenate(alone)
        t, m, w, bounds = _select(time, mag, weight, offsets, curves)
        own = OwnTimes(t, m, w, bounds, settings=settings, backend=backend)
        parts.append(Part(curves, EXACT, own, _points_per_chi2(m, w, bounds)))
    return parts


def _at_one_time(
    time: FloatArray, offsets: IntArray, *, band: IntArray, chosen: BoolArray
) -> Iterator[tuple[int, IntArray]]:
    """Band and curves whose time ranges overlap, directly or by way of others."""
    for name in np.unique(band[chosen]):
        curves = np.flatnonzero(chosen & (band == name))
        ranges = [time[offsets[i] : offsets[i + 1]] for i in curves]
        first, last = (np.array([extreme(t) for t in ranges]) for extreme in (np.min, np.max))
        order = np.argsort(first, kind="stable")
        reached = np.maximum.accumulate(last[order])
        apart = first[order][1:] > reached[:-1] + SAME_EXPOSURE_DAY
        group = np.empty(curves.size, np.int64)
        group[order] = np.concatenate([[0], np.cumsum(apart)])
        for number in range(group.max() + 1):
            yield int(name), curves[group == number]


def _problem(exposures: Exposures, offsets: IntArray, top_freq: float) -> str | None:
    """Why these curves cannot share their exposures."""
    shift = exposures.largest_shift_day * top_freq
    if shift > _LARGEST_SHIFT:
        return f"an epoch lies {shift:.3g} cycles at {top_freq:.3g}/day from its exposure"
    curve = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    pairs = exposures.index * offsets.size + curve
    if np.unique(pairs).size < pairs.size:
        return "a light curve has two epochs in one exposure"
    return None


def _select(
    time: FloatArray, mag: FloatArray, weight: FloatArray, offsets: IntArray, curves: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """The chosen curves, with offsets of their own."""
    epochs, bounds = take_rows(offsets, curves)
    return time[epochs], mag[epochs], weight[epochs], bounds


def _points_per_chi2(mag: FloatArray, weight: FloatArray, offsets: IntArray) -> FloatArray:
    curve = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    mean = np.bincount(curve, weight * mag) / np.bincount(curve, weight)
    return np.asarray(np.diff(offsets) / np.bincount(curve, weight * (mag - mean[curve]) ** 2))
