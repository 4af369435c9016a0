"""Likelihood of a Fourier series when some epochs may lie far off it: Student's t for the noise."""

import math

import numpy as np

from udfs.jit import jit
from udfs.periods.harmonic_fit import coefficients, fit_series, means_beside, moments, series_at
from udfs.ragged import FloatArray, IntArray

# Degrees of freedom: 1 in 25 epochs beyond 3 scales, where normal noise has 1 in 370.
_DEGREES = 4.0
# Of expectation and maximisation per number of harmonics; each goes on from the one before.
_STEPS = 4
_LEAST = 1e-6


@jit
def robust_log_likelihoods(
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    cosine: FloatArray,
    sine: FloatArray,
    harmonics: IntArray,
    out: FloatArray,
) -> None:
    """Fill ``out[j]`` with the log-likelihood of ``harmonics[j]`` harmonics, but for a constant.

    The errors have a free scale, and weigh less the farther their epoch is off: a few bad ones
    cannot decide between two frequencies. Each curve has a mean of its own.

    Parameters
    ----------
    y, weight, offsets
        As in :class:`udfs.periods.curves.StarCurves`.
    cosine, sine : (n_obs,) float64
        Of 2 pi frequency time.
    harmonics : (n,) int64, ascending
    out : (n,) float64

    References
    ----------
    Lange, Little and Taylor (1989), JASA 84, 881, section 3. doi:10.1080/01621459.1989.10478852
    """
    n = y.size
    # Squared residuals over squared errors; the noise is at least _LEAST of the spread.
    squared = weight * y * y
    least = _LEAST * np.mean(squared) + 1e-300
    trust = np.ones(n)
    for j in range(harmonics.size):
        top = harmonics[j]
        sums = np.empty((4, offsets.size - 1, 2 * top + 1))
        factor, reduction = np.zeros((2 * top, 2 * top + 1)), np.empty(top)
        scale = least
        for _ in range(_STEPS):
            moments(y, weight * trust, offsets, cosine, sine, sums)
            fit_series(sums, 1, factor, reduction)
            series = coefficients(factor)
            mean = means_beside(sums, 1, series)
            for i in range(offsets.size - 1):
                for k in range(offsets[i], offsets[i + 1]):
                    off = y[k] - mean[i] - series_at(series, cosine[k], sine[k])[0]
                    squared[k] = weight[k] * off * off
            scale = max(np.mean(trust * squared), least)
            trust = (_DEGREES + 1.0) / (_DEGREES + squared / scale)
        tails = np.sum(np.log1p(squared / (_DEGREES * scale)))
        out[j] = -0.5 * (n * math.log(scale) + (_DEGREES + 1.0) * tails)
