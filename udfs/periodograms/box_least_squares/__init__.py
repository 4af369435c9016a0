"""Box least squares (BLS) periodogram."""

import math

from udfs.periodograms.curves import backend_of
from udfs.periodograms.fast_phase_weighting.weighted import each_weighted_curve
from udfs.ragged import FloatArray, IntArray


def box_least_squares(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    backend: str,
    phase_bins: int = 50,
    shortest: float = 0.01,
    longest: float = 0.5,
) -> FloatArray:
    """Share of chi-square explained by the best box in the folded curve, at each frequency.

    With weights w = 1 / err^2 that add up to 1, y the magnitude less its weighted mean, and for a
    box of consecutive phase bins r = sum of w and s = sum of w y over its epochs,

        SR^2 = max over boxes of s^2 / (r (1 - r)),   returned as SR^2 / sum of w y^2.

    Higher is better. A box may be brighter or fainter than the rest, as in the paper. Its length
    is a whole number of bins from floor(shortest * phase_bins), at least 1, to
    ceil(longest * phase_bins).

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another. Any epoch: each curve is referred to its own first
        time before phases are formed.
    mag, magerr : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day
    backend : {"reference", "cpu", "cuda"}
        Set by configuration. There is no silent fallback.
    phase_bins : int
    shortest, longest : float
        Length of the box as a share of the period.

    Returns
    -------
    (n_lc, n_freq) float64, dimensionless, in [0, 1]. NaN for a curve of fewer than 3 epochs, of
    constant magnitude, with a value that is not finite or an error that is not positive.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive, the lengths are
        not in order within (0, 1), there are fewer than two bins or the backend is unknown.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.

    References
    ----------
    Kovacs, Zucker and Mazeh (2002), A&A 391, 369, equation 5. doi:10.1051/0004-6361:20020802
    """
    if phase_bins < 2:
        raise ValueError(f"phase_bins={phase_bins!r}, expected 2 or more")
    if not 0 < shortest <= longest < 1:
        raise ValueError(
            f"shortest={shortest!r} and longest={longest!r}, expected 0 < shortest <= longest < 1"
        )
    one_curve = backend_of("box_least_squares", backend)
    fewest = max(math.floor(shortest * phase_bins), 1)
    most = min(math.ceil(longest * phase_bins), phase_bins - 1)

    def share(
        elapsed: FloatArray, centred: FloatArray, weight: FloatArray, freq: FloatArray
    ) -> FloatArray:
        return one_curve(
            elapsed, centred, weight, freq, phase_bins=phase_bins, fewest=fewest, most=most
        )

    return each_weighted_curve(time, mag, magerr, offsets, freq, one_curve=share, min_points=3)
