"""What the periodograms of phase bins with errors have in common."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from udfs.jit import jit
from udfs.periodograms.curves import check_curves
from udfs.ragged import FloatArray, IntArray, check_offsets

Bins = npt.NDArray[np.int32]
# (time from the first epoch, magnitude less its weighted mean, weight, frequencies) -> periodogram
WeightedCurve = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]


def each_weighted_curve(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    one_curve: WeightedCurve,
    min_points: int,
) -> FloatArray:
    """Apply ``one_curve`` to each centred light curve; NaN for short, constant or bad ones."""
    check_curves(time, mag, offsets, freq)
    check_offsets(offsets, magerr=magerr)
    out = np.full((offsets.size - 1, freq.size), np.nan)
    for i in range(offsets.size - 1):
        curve = slice(offsets[i], offsets[i + 1])
        t, m, e = (np.asarray(a[curve], np.float64) for a in (time, mag, magerr))
        if t.size < min_points or not np.all(np.isfinite(t + m + e) & (e > 0)):
            continue
        if np.ptp(m) > 0:
            weight = 1.0 / e**2
            out[i] = one_curve(t - np.min(t), m - np.average(m, weights=weight), weight, freq)
    return out


@jit
def _columns(elapsed: FloatArray, freq: float, columns: Bins, phase_bins: int) -> None:
    last = phase_bins - 1.0
    # A loop without branches or stores to shared cells: the compiler turns it into vectors.
    for k in range(elapsed.size):
        cycles = freq * elapsed[k]
        phase = cycles - np.floor(cycles)
        columns[k] = np.int32(min(np.floor(phase * phase_bins), last))


@jit
def sums_per_bin(
    elapsed: FloatArray,
    weighted: FloatArray,
    weight: FloatArray,
    freq: float,
    columns: Bins,
    bins: FloatArray,
) -> None:
    """Fill ``bins[0, b]`` and ``bins[1, b]`` with the sums of w y and of w over phase bin b.

    ``columns`` is work space, one per epoch.
    """
    _columns(elapsed, freq, columns, bins.shape[1])
    bins[:] = 0.0
    total, weights = bins[0], bins[1]
    for k in range(columns.size):
        column = columns[k]
        total[column] += weighted[k]
        weights[column] += weight[k]
