"""Lomb-Scargle power from sums over the epochs; plain Python, compiled by the backends."""

import math

# In double precision, a sine wave with less than this share of the weight is not sampled: every
# epoch falls on its zero, and its amplitude would be a quotient of rounding errors.
UNSAMPLED = 1e-12


def power_from_sums(
    n: float, y_cos: float, y_sin: float, cos2: float, sin2: float, unsampled: float
) -> float:
    """Power from the sums of y cos x, y sin x, cos 2x and sin 2x over n epochs.

    Lomb's time shift makes cosine and sine orthogonal. Only the cosine and sine of *twice* its
    phase enter: they are cos2 and sin2 divided by their length.
    """
    length = math.sqrt(cos2 * cos2 + sin2 * sin2)
    cos_shift, sin_shift = 1.0, 0.0
    if length > 0.0:
        cos_shift, sin_shift = cos2 / length, sin2 / length
    mean = 0.5 * (y_cos * y_cos + y_sin * y_sin)
    difference = 0.5 * (y_cos * y_cos - y_sin * y_sin) * cos_shift + y_cos * y_sin * sin_shift
    cos_weight = 0.5 * (n + length)
    sin_weight = 0.5 * (n - length)
    power = (mean + difference) / cos_weight
    if sin_weight > unsampled * n:
        power += (mean - difference) / sin_weight
    return 0.5 * power
