"""Fast periodicity weighting (FPW): weighted means of phase bins."""

from udfs.periodograms.curves import backend_of
from udfs.periodograms.fast_phase_weighting.weighted import each_weighted_curve
from udfs.ragged import FloatArray, IntArray


def fast_phase_weighting(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    backend: str,
    phase_bins: int = 20,
) -> FloatArray:
    """Gain in log-likelihood by a free magnitude for each phase bin, at each frequency.

    With weights w = 1 / err^2 and y the magnitude less the weighted mean of the curve,

        S = sum over bins of (sum of w y in the bin)^2 / (2 sum of w in the bin).

    Higher is better. Empty bins add nothing. Half the chi-square that the folded curve explains:
    any shape counts the same.

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

    Returns
    -------
    (n_lc, n_freq) float64, dimensionless, in [0, half the chi-square of the mean]. NaN for a
    curve of ``phase_bins`` epochs or fewer (every epoch may have its own bin), of constant
    magnitude, with a value that is not finite or an error that is not positive.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive, there are fewer
        than two bins or the backend is unknown.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.

    References
    ----------
    Finkbeiner, Prince and Whitebook (2025), arXiv:2502.00243.
    """
    if phase_bins < 2:
        raise ValueError(f"phase_bins={phase_bins!r}, expected 2 or more")
    one_curve = backend_of("fast_phase_weighting", backend)

    def gain(
        elapsed: FloatArray, centred: FloatArray, weight: FloatArray, freq: FloatArray
    ) -> FloatArray:
        return one_curve(elapsed, centred, weight, freq, phase_bins=phase_bins)

    return each_weighted_curve(
        time, mag, magerr, offsets, freq, one_curve=gain, min_points=phase_bins + 1
    )
