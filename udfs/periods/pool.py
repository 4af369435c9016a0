"""The candidates that a choice is made from: refined, told apart, with doubles and halves."""

import numpy as np

from udfs.jit import jit
from udfs.periods.candidates import HARMONICS, interleaved
from udfs.periods.curves import StarCurves
from udfs.periods.harmonic_fit import refined
from udfs.ragged import FloatArray, IntArray

# Grid maxima that are looked at, and how many of them also at twice and half the frequency.
_PEAKS = 16
_DOUBLED = 6
# All in units of 1 / span, the width of a peak: two candidates closer than this are one; the steps
# of the refinement, for three harmonics.
_SAME = 0.25
_STEP = 0.05
_STEPS = 4


def candidate_pool(star: StarCurves, candidates: FloatArray) -> FloatArray:
    """The frequencies to choose between [cycles/day].

    The best ``_PEAKS`` grid maxima over all columns, moved to the maximum of the likelihood at the
    exact times; of each also half the frequency (with twice the harmonics: two unequal
    minima look like one), of the first ``_DOUBLED`` twice the frequency.

    Parameters
    ----------
    star : StarCurves
    candidates : (n_column, top_n) float64, cycles/day
        From :func:`udfs.periods.candidates.top_maxima`, NaN padded.

    Returns
    -------
    (n_pool,) float64, cycles/day, no two closer than a quarter of a peak
    """
    return _pool(star.time, star.y, star.weight, star.offsets, star.chi2, candidates, star.span_day)


@jit
def _add(pool: FloatArray, n: int, freq: float, closest: float) -> int:
    for i in range(n):
        if abs(pool[i] - freq) < closest:
            return n
    pool[n] = freq
    return n + 1


@jit
def _pool(
    time: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    chi2: FloatArray,
    candidates: FloatArray,
    span: float,
) -> FloatArray:
    ordered = np.empty(candidates.size)
    n_grid = interleaved(candidates, ordered)
    pool = np.empty(2 * _PEAKS + _DOUBLED)
    seen = np.empty(n_grid)
    closest, step = _SAME / span, _STEP / span
    n = n_seen = 0
    for i in range(n_grid):
        if n == _PEAKS:
            break
        # The harmonics share most maxima.
        before = n_seen
        n_seen = _add(seen, n_seen, ordered[i], closest)
        if n_seen == before:
            continue
        freq = refined(time, y, weight, offsets, chi2, ordered[i], HARMONICS, step, _STEPS)
        n = _add(pool, n, freq, closest)
    peaks = n
    for i in range(peaks):
        freq = refined(
            time, y, weight, offsets, chi2, pool[i] / 2, 2 * HARMONICS, step / 2, _STEPS - 1
        )
        n = _add(pool, n, freq, closest)
    for i in range(min(peaks, _DOUBLED)):
        freq = refined(time, y, weight, offsets, chi2, 2 * pool[i], 2, step, _STEPS - 1)
        n = _add(pool, n, freq, closest)
    return pool[:n]
