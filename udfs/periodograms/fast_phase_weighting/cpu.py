"""FPW with one pass over the epochs of each frequency."""

import numpy as np

from udfs.jit import jit
from udfs.periodograms.fast_phase_weighting.formula import gain_from_bins
from udfs.periodograms.fast_phase_weighting.weighted import sums_per_bin
from udfs.ragged import FloatArray

_gain = jit(gain_from_bins)


def one_curve(
    elapsed: FloatArray,
    centred: FloatArray,
    weight: FloatArray,
    freq: FloatArray,
    *,
    phase_bins: int,
) -> FloatArray:
    """Gain of one curve; see :mod:`udfs.periodograms.fast_phase_weighting`."""
    return _one_curve(elapsed, weight * centred, weight, freq, phase_bins)


@jit
def _one_curve(
    elapsed: FloatArray, weighted: FloatArray, weight: FloatArray, freq: FloatArray, phase_bins: int
) -> FloatArray:
    out = np.empty(freq.size)
    columns, bins = np.empty(elapsed.size, np.int32), np.empty((2, phase_bins))
    for f in range(freq.size):
        sums_per_bin(elapsed, weighted, weight, freq[f], columns, bins)
        out[f] = _gain(bins.T)
    return out
