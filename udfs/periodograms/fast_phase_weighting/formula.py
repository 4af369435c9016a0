"""FPW statistic from sums per phase bin; plain Python, compiled by the backends."""

from udfs.ragged import FloatArray


def gain_from_bins(bins: FloatArray) -> float:
    """Gain in log-likelihood from the sums of w y and of w of each bin, shape (phase_bins, 2)."""
    gain = 0.0
    for b in range(bins.shape[0]):
        if bins[b, 1] > 0.0:
            gain += bins[b, 0] * bins[b, 0] / bins[b, 1]
    return 0.5 * gain
