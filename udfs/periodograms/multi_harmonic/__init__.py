"""Weighted multi-harmonic Fourier periodogram with a free mean."""

import numpy as np

from udfs.periodograms.curves import backend_of, check_curves
from udfs.ragged import FloatArray, IntArray, check_offsets


def multi_harmonic(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    backend: str,
    harmonics: int = 3,
) -> FloatArray:
    """Reduction of chi-square by Fourier series of 1, 2, .. harmonics at each frequency.

    At each frequency f and for each K the series

        y = a + sum over k = 1..K of A_k cos(2 pi k f t) + B_k sin(2 pi k f t)

    is fitted by least squares with weights 1 / err^2, with the penalty
    ``RIDGE sum(1 / err^2) sum(A_k^2 + B_k^2)`` added to chi-square, which matters only where
    the phases leave a gap. The result is the chi-square of the weighted mean less the penalised
    chi-square of the series. Higher is better, and more harmonics never lower it.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another. Any epoch: each curve is referred to its own first
        time before phases are formed.
    mag, magerr : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day
        In any order; evenly spaced stretches are computed faster.
    backend : {"reference", "cpu", "cuda"}
        Set by configuration. There is no silent fallback.
    harmonics : int
        Largest K, 1 or more.

    Returns
    -------
    (n_lc, n_freq, harmonics) float64, dimensionless, in [0, chi-square of the mean]. NaN for a
    curve with fewer epochs than the largest K has parameters, 2 K + 1, with values that are not
    finite, or with an error that is not positive. 0 for a curve of constant magnitude.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive, harmonics is not
        positive or the backend is unknown.

    References
    ----------
    Schwarzenberg-Czerny (1996), ApJ 460, L107. doi:10.1086/309985
    Zechmeister and Kurster (2009), A&A 496, 577, equations 4 to 5 (K = 1, no penalty).
    doi:10.1051/0004-6361:200811296
    """
    check_curves(time, mag, offsets, freq)
    check_offsets(offsets, magerr=magerr)
    if harmonics < 1:
        raise ValueError(f"harmonics={harmonics!r}, expected 1 or more")
    one_curve = backend_of("multi_harmonic", backend)
    out = np.full((offsets.size - 1, freq.size, harmonics), np.nan)
    for i in range(offsets.size - 1):
        curve = slice(offsets[i], offsets[i + 1])
        t, m, e = (np.asarray(a[curve], np.float64) for a in (time, mag, magerr))
        if t.size < 2 * harmonics + 1 or not np.all(np.isfinite(t + m + e) & (e > 0)):
            continue
        weight = 1.0 / e**2
        centred = m - np.sum(weight * m) / np.sum(weight)
        out[i] = one_curve(t - np.min(t), centred, weight, freq, harmonics=harmonics)
    return out
