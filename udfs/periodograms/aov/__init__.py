"""Analysis of variance (AOV) periodogram with phase bins."""

from udfs.periodograms.curves import backend_of, check_curves, each_curve
from udfs.ragged import FloatArray, IntArray


def aov(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    backend: str,
    phase_bins: int = 20,
) -> FloatArray:
    """Variance between phase bins over variance within, of each light curve at each frequency.

    With n_b, mean_b the epochs of phase bin b, N and mean those of the curve, r phase bins,

        theta = (N - r) / (r - 1) * sum n_b (mean_b - mean)^2 / sum (m - mean_b)^2.

    Higher is better. Empty bins still count in r. Errors are not used.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another. Any epoch: each curve is referred to its own first
        time before phases are formed.
    mag : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day
    backend : {"reference", "cpu", "cuda"}
        Set by configuration. There is no silent fallback.
    phase_bins : int

    Returns
    -------
    (n_lc, n_freq) float64, dimensionless, not negative; infinite where no epoch differs from the
    mean of its bin. NaN for a curve of ``phase_bins`` epochs or fewer, or of constant magnitude.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive or the
        backend is unknown.

    References
    ----------
    Schwarzenberg-Czerny (1989), MNRAS 241, 153, equations 5 to 8. doi:10.1093/mnras/241.2.153
    """
    check_curves(time, mag, offsets, freq)
    theta = backend_of("aov", backend)

    def one_curve(elapsed: FloatArray, scaled: FloatArray, freq: FloatArray) -> FloatArray:
        return theta(elapsed, scaled, freq, phase_bins=phase_bins)

    return each_curve(time, mag, offsets, freq, one_curve=one_curve, min_points=phase_bins + 1)
