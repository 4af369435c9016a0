"""BLS by cumulative sums over the phase bins: each box costs two differences."""

import numpy as np

from udfs.jit import jit
from udfs.periodograms.box_least_squares.formula import best_share
from udfs.periodograms.fast_phase_weighting.weighted import sums_per_bin
from udfs.ragged import FloatArray

_best_share = jit(best_share)


def one_curve(
    elapsed: FloatArray,
    centred: FloatArray,
    weight: FloatArray,
    freq: FloatArray,
    *,
    phase_bins: int,
    fewest: int,
    most: int,
) -> FloatArray:
    """Shares of one curve; see :func:`udfs.periodograms.box_least_squares.box_least_squares`."""
    squares = float(np.sum(weight * centred**2))
    bins = np.empty((2, phase_bins))
    return _one_curve(elapsed, weight * centred, weight, freq, bins, fewest, most, squares)


@jit
def _one_curve(
    elapsed: FloatArray,
    weighted: FloatArray,
    weight: FloatArray,
    freq: FloatArray,
    bins: FloatArray,
    fewest: int,
    most: int,
    squares: float,
) -> FloatArray:
    out = np.empty(freq.size)
    columns = np.empty(elapsed.size, np.int32)
    around = bins.shape[1]
    best = np.empty(around)
    inside_until, weight_until = np.zeros(around + most + 1), np.zeros(around + most + 1)
    for f in range(freq.size):
        sums_per_bin(elapsed, weighted, weight, freq[f], columns, bins)
        for b in range(around + most):
            inside_until[b + 1] = inside_until[b] + bins[0, b % around]
            weight_until[b + 1] = weight_until[b] + bins[1, b % around]
        out[f] = _best_share(inside_until, weight_until, fewest, most, squares, best)
    return out
