"""Shapiro-Wilk and Anderson-Darling statistics of sorted values."""

import math

import numpy as np

from udfs.features import normality_formula as formula
from udfs.jit import jit, jit_reordered
from udfs.ragged import FloatArray

log_normal_cdf = jit(formula.log_normal_cdf)
_log_tails = jit(formula.log_tails)
_normal_quantile = jit(formula.normal_quantile)
_corrected_weights = jit(formula.corrected_weights)
shapiro_wilk = jit_reordered(formula.shapiro_wilk)


@jit
def shapiro_weights(n: int) -> FloatArray:
    """The n // 2 weights of the upper half of n values, largest first.

    Royston (1995), Appl. Stat. 44, 547, algorithm AS R94.
    """
    weights = np.empty(n // 2)
    if n == formula.SHAPIRO_MIN_POINTS:
        weights[0] = math.sqrt(0.5)
    if n <= formula.SHAPIRO_MIN_POINTS:
        return weights
    squares = 0.0
    for i in range(n // 2):
        score = _normal_quantile((i + 1 - 0.375) / (n + 0.25))
        weights[i] = score
        squares += 2.0 * score * score
    largest, second, factor = _corrected_weights(n, weights[0], weights[1], squares)
    weights *= factor
    weights[0], weights[1] = largest, second
    return weights


@jit
def anderson_darling(ordered: FloatArray) -> float:
    """A squared of ascending values against a normal law with their own mean and deviation."""
    n = ordered.size
    if n < 2:
        return math.nan
    mean = np.sum(ordered) / n
    deviation = math.sqrt(np.sum((ordered - mean) ** 2) / (n - 1))
    if not deviation > 0:
        return math.nan
    total = 0.0
    for i in range(n):
        z = (ordered[i] - mean) / deviation
        if abs(z) < formula.BOTH_TAILS:
            outside, inside = _log_tails(z)
        else:
            outside, inside = log_normal_cdf(-abs(z)), 0.0
        below, above = (outside, inside) if z < 0 else (inside, outside)
        total += (2 * i + 1) * below + (2 * (n - i) - 1) * above
    return -n - total / n
