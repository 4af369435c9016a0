"""Candidate frequencies of a star: the highest local maxima of the statistics on the grid."""

import numpy as np

from udfs.jit import jit
from udfs.periodograms.multi_harmonic.cpu import one_curve
from udfs.periods.curves import StarCurves
from udfs.ragged import FloatArray

HARMONICS = 3
TOP_N = 30


def star_statistic(star: StarCurves, freq: FloatArray) -> FloatArray:
    """What series of 1 .. HARMONICS harmonics explain of all curves of a star together.

    The sum over the curves of n R_K / chi2, R_K being the reduction of the chi-square of a curve
    by K harmonics. Dividing by chi2 makes the errors of each curve only relative ones: their
    scale is often wrong, and differs between bands.

    Parameters
    ----------
    star : StarCurves
    freq : (n_freq,) float64, cycles/day

    Returns
    -------
    (n_freq, HARMONICS) float64, in [0, number of epochs]
    """
    total = np.zeros((freq.size, HARMONICS))
    for i in range(star.chi2.size):
        curve = slice(star.offsets[i], star.offsets[i + 1])
        t, y, w = star.time[curve], star.y[curve], star.weight[curve]
        total += t.size / star.chi2[i] * one_curve(t, y, w, freq, harmonics=HARMONICS)
    return total


def top_maxima(statistic: FloatArray, freq: FloatArray, top_n: int = TOP_N) -> FloatArray:
    """Frequencies of the highest local maxima of each column, in descending order of the height.

    A local maximum is not lower than the point before it and higher than the one after it. The
    first and the last grid point are none: a trend must not become a period. Of equal
    maxima the lower frequency comes first.

    Parameters
    ----------
    statistic : (n_freq, n_column) float64
    freq : (n_freq,) float64, cycles/day, ascending
    top_n : int

    Returns
    -------
    (n_column, top_n) float64, cycles/day; NaN where there are fewer maxima
    """
    out = np.full((statistic.shape[1], top_n), np.nan)
    for k in range(statistic.shape[1]):
        column = statistic[:, k]
        middle = column[1:-1]
        peaks = 1 + np.flatnonzero((middle >= column[:-2]) & (middle > column[2:]))
        best = peaks[np.argsort(-column[peaks], kind="stable")[:top_n]]
        out[k, : best.size] = freq[best]
    return out


@jit
def interleaved(candidates: FloatArray, out: FloatArray) -> int:
    """Fill ``out`` with the finite candidates by rank: first those that lead a column."""
    n = 0
    for rank in range(candidates.shape[1]):
        for k in range(candidates.shape[0]):
            if candidates[k, rank] > 0.0:
                out[n] = candidates[k, rank]
                n += 1
    return n
