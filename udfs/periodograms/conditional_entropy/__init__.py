"""Conditional entropy periodogram."""

import numpy as np
import numpy.typing as npt

from udfs.periodograms.curves import backend_of, check_curves, each_curve
from udfs.ragged import FloatArray, IntArray

# Keeps the magnitude 1 out of the bin beyond the last one.
_SHRINK = 0.999


def conditional_entropy(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    backend: str,
    phase_bins: int = 20,
    mag_bins: int = 10,
) -> FloatArray:
    """Entropy of the magnitude given the phase, of each light curve folded at each frequency.

    With p_ij the share of epochs in phase bin j and magnitude bin i, and p_j its sum over i,

        H = sum over i, j of p_ij ln(p_j / p_ij).

    Lower is better: at the true period, the phase tells the magnitude. Magnitudes are first
    mapped to [0, 1], then to 0.999 x + 0.0005 as in the published features, so that the brightest
    and the faintest epoch fall inside a bin; errors are not used.

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
    phase_bins, mag_bins : int

    Returns
    -------
    (n_lc, n_freq) float64, nats, in [0, ln(mag_bins)]. NaN for an empty curve or one of constant
    magnitude.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive or the
        backend is unknown.

    References
    ----------
    Graham et al. (2013), MNRAS 434, 2629, equation 5. doi:10.1093/mnras/stt1206
    """
    check_curves(time, mag, offsets, freq)
    entropy = backend_of("conditional_entropy", backend)

    def one_curve(elapsed: FloatArray, scaled: FloatArray, freq: FloatArray) -> FloatArray:
        bins = magnitude_bins(scaled, mag_bins)
        return entropy(elapsed, bins, freq, phase_bins=phase_bins, mag_bins=mag_bins)

    return each_curve(time, mag, offsets, freq, one_curve=one_curve, min_points=1)


def magnitude_bins(scaled: FloatArray, mag_bins: int) -> npt.NDArray[np.int32]:
    """Bin of each magnitude in [0, 1]."""
    return ((scaled * _SHRINK + 0.5 * (1 - _SHRINK)) * mag_bins).astype(np.int32)
