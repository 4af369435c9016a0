"""Classical Lomb-Scargle periodogram."""

from udfs.periodograms.curves import backend_of, check_curves, each_curve
from udfs.ragged import FloatArray, IntArray

_MIN_POINTS = 2


def lomb_scargle(
    time: FloatArray, mag: FloatArray, offsets: IntArray, freq: FloatArray, *, backend: str
) -> FloatArray:
    """Classical, unweighted Lomb-Scargle power of each light curve, not normalised.

    Half the reduction of the sum of squares by the best sine wave of each frequency about the
    arithmetic mean. Higher is better. The magnitudes are first mapped to [0, 1], so
    that a power does not depend on the amplitude; errors are not used.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another. Any epoch: each curve is referred to its own first
        time before phases are formed.
    mag : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day
        In any order; evenly spaced stretches are computed faster.
    backend : {"reference", "cpu", "cuda"}
        Set by configuration. There is no silent fallback.

    Returns
    -------
    (n_lc, n_freq) float64, units of the squared scaled magnitude, in [0, n / 8]. NaN for a curve
    of fewer than 2 epochs or of constant magnitude.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive or the
        backend is unknown.

    References
    ----------
    Lomb (1976), Ap&SS 39, 447, equations 6 to 9. doi:10.1007/BF00648343
    Scargle (1982), ApJ 263, 835, equation 10. doi:10.1086/160554
    """
    check_curves(time, mag, offsets, freq)
    one_curve = backend_of("lomb_scargle", backend)
    return each_curve(time, mag, offsets, freq, one_curve=one_curve, min_points=_MIN_POINTS)
