"""AOV statistic from sums of squares; plain Python, compiled by the backends."""

import math


def theta_from_squares(n: int, phase_bins: int, between: float, total: float) -> float:
    """Theta from the sums of squares between bins and in all, over n epochs.

    Both must be taken about the mean of the curve: then the sum within bins is their difference.
    """
    within = total - between
    if within <= 0.0:
        return math.inf
    return (n - phase_bins) / (phase_bins - 1) * between / within
