"""Reductions of chi-square from sums over the epochs; plain Python, compiled by the backends."""

import math
from typing import Any

# Added to the square of each harmonic term, as a share of the total weight. It is the prior that an
# amplitude is not many times the scatter: where the phases leave a gap, a series of several
# harmonics would otherwise swing through it at no cost. It also outweighs the rounding of sums
# taken in single precision.
RIDGE = 1e-3


def chi2_reductions(
    cos_sum: Any, sin_sum: Any, y_cos: Any, y_sin: Any, factor: Any, ridge: float, out: Any
) -> None:
    """Fill ``out[K - 1]`` with the reduction of chi-square by K harmonics beside a free mean.

    With w = 1 / err^2, x = 2 pi f t and H the number of harmonics, ``cos_sum[k]`` and
    ``sin_sum[k]`` are the sums of w cos k x and w sin k x for k = 0 .. 2H (so ``cos_sum[0]`` is the
    total weight), ``y_cos[k]`` and ``y_sin[k]`` those of w y cos k x and w y sin k x for
    k = 0 .. H. ``factor`` is work space of (2H + 1) x (2H + 1).

    One Cholesky factorisation of the normal equations in the order 1, cos x, sin x, cos 2x, ...
    serves all K: the forward substitution z does not look ahead, and each z_i^2 is what the term
    i takes from chi-square after the terms before it.
    """
    size = 2 * out.shape[0] + 1
    weight = cos_sum[0]
    gained = 0.0
    for i in range(size):
        m = (i + 1) // 2
        is_sine = i > 0 and i % 2 == 0
        z = y_sin[m] if is_sine else y_cos[m]
        for j in range(i + 1):
            n = (j + 1) // 2
            # Products of sines and cosines are those of the sum and the difference of the angles.
            if is_sine:
                if j > 0 and j % 2 == 0:
                    value = 0.5 * (cos_sum[m - n] - cos_sum[m + n])
                else:
                    value = 0.5 * (sin_sum[m + n] + sin_sum[m - n])
            elif j > 0 and j % 2 == 0:
                value = 0.5 * (sin_sum[m + n] - sin_sum[m - n])
            else:
                value = 0.5 * (cos_sum[m - n] + cos_sum[m + n])
            if j == i:
                if i > 0:
                    value += ridge * weight
                for k in range(i):
                    value -= factor[i, k] * factor[i, k]
                # Not more than rounding error is left: the term adds nothing.
                pivot = 1.0 / math.sqrt(value) if value > 1e-12 * weight else 0.0
                factor[i, i] = pivot
                for k in range(i):
                    z -= factor[i, k] * factor[k, size]
                factor[i, size] = z * pivot
            else:
                for k in range(j):
                    value -= factor[i, k] * factor[j, k]
                factor[i, j] = value * factor[j, j]
        if i > 0:
            gained += factor[i, size] * factor[i, size]
            out[m - 1] = gained
