"""The normal equations of the formula for many sources or frequencies side by side.

The same elimination as in :func:`udfs.periodograms.multi_harmonic.formula.chi2_reductions`, with a
loop over TILE systems innermost: the compiler turns each step into vectors.
"""

from typing import Any

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.tiles import TILE


@jit
def solve_side_by_side(
    w_cos: Any, w_sin: Any, y_cos: Any, y_sin: Any, ridge: float, factor: Any, z: Any
) -> None:
    """Forward substitution into ``z``: its squares are what each term takes from chi-square.

    Parameters
    ----------
    w_cos, w_sin : (2 H + 1, TILE) floating
        Sums of w cos k x and w sin k x for k = 0 .. 2 H.
    y_cos, y_sin : (H + 1, TILE) floating
        Sums of w y cos k x and w y sin k x for k = 0 .. H.
    ridge : float
        As in the formula.
    factor : (2 H + 1, 2 H + 1, TILE) floating
        Work space.
    z : (2 H + 1, TILE) floating
        In the order 1, cos x, sin x, cos 2x, ...
    """
    for i in range(z.shape[0]):
        m = (i + 1) // 2
        z[i] = y_sin[m] if i > 0 and i % 2 == 0 else y_cos[m]
        for j in range(i + 1):
            _product(w_cos, w_sin, i, j, factor[i, j])
            if i == j and i > 0:
                _add_scaled(factor[i, i], w_cos.dtype.type(ridge), w_cos[0])
            for k in range(j):
                _less_product(factor[i, j], factor[i, k], factor[j, k])
            if j < i:
                _scale(factor[i, j], factor[j, j])
        for k in range(i):
            _less_product(z[i], factor[i, k], z[k])
        _invert_pivot(factor[i, i], w_cos[0])
        _scale(z[i], factor[i, i])


@jit_reordered
def add_gain(z: Any, k: int, out: Any, before: Any) -> None:
    """What harmonics 1 .. k + 1 take from chi-square: that of k harmonics, ``before``, and more."""
    for s in range(TILE):
        gained = z[2 * k + 1, s] * z[2 * k + 1, s] + z[2 * k + 2, s] * z[2 * k + 2, s]
        out[s] = gained + before[s] if k > 0 else gained


@jit_reordered
def _product(w_cos: Any, w_sin: Any, i: int, j: int, out: Any) -> None:
    """Weighted sum of the product of terms i >= j of the order 1, cos x, sin x, cos 2x, ..."""
    half = w_cos.dtype.type(0.5)
    m, n = (i + 1) // 2, (j + 1) // 2
    sine_i, sine_j = i > 0 and i % 2 == 0, j > 0 and j % 2 == 0
    for s in range(TILE):
        if sine_i and sine_j:
            value = w_cos[m - n, s] - w_cos[m + n, s]
        elif sine_i:
            value = w_sin[m + n, s] + w_sin[m - n, s]
        elif sine_j:
            value = w_sin[m + n, s] - w_sin[m - n, s]
        else:
            value = w_cos[m - n, s] + w_cos[m + n, s]
        out[s] = half * value


@jit_reordered
def _less_product(out: Any, left: Any, right: Any) -> None:
    for s in range(TILE):
        out[s] -= left[s] * right[s]


@jit_reordered
def _add_scaled(out: Any, factor: Any, values: Any) -> None:
    for s in range(TILE):
        out[s] += factor * values[s]


@jit_reordered
def _scale(out: Any, factor: Any) -> None:
    for s in range(TILE):
        out[s] *= factor[s]


@jit_reordered
def _invert_pivot(pivot: Any, weight: Any) -> None:
    zero, one = pivot.dtype.type(0.0), pivot.dtype.type(1.0)
    # A smaller share of the weight is rounding error.
    nothing = pivot.dtype.type(16.0 * np.finfo(pivot.dtype).eps)
    for s in range(TILE):
        root = np.sqrt(pivot[s] if pivot[s] > zero else one)
        pivot[s] = one / root if pivot[s] > nothing * weight[s] else zero
