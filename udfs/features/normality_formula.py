"""Formulas of the two tests for a normal law; plain Python, compiled by the backends."""

import math

from udfs.ragged import FloatArray

SHAPIRO_MIN_POINTS = 3
# Below this, erfc leaves the range of normal numbers and its logarithm needs the tail series.
_TAIL = -30.0
# Within this, one erfc gives both tails to rounding error.
BOTH_TAILS = 30.0


def log_normal_cdf(x: float) -> float:
    """Logarithm of the standard normal distribution function, without underflow."""
    if x > _TAIL:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    # Abramowitz and Stegun 26.2.12; three terms give 1e-9 of the logarithm here.
    inverse = 1.0 / (x * x)
    series = 1.0 - inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse))
    return -0.5 * x * x - math.log(-x) - 0.5 * math.log(2.0 * math.pi) + math.log(series)


def log_tails(x: float) -> tuple[float, float]:
    """Logarithms of the normal distribution function at -abs(x), and of its complement.

    One erfc serves both. Where it underflows (abs(x) > 30) use :func:`log_normal_cdf`.
    """
    outside = 0.5 * math.erfc(abs(x) / math.sqrt(2.0))
    return math.log(outside), math.log1p(-outside)


def normal_quantile(p: float) -> float:
    """Standard normal quantile of Beasley and Springer (1977), Appl. Stat. 26, 118, AS 111.

    Royston's weights are defined with this approximation: a better one would give other
    values of the published statistic.
    """
    q = p - 0.5
    if abs(q) <= 0.42:
        r = q * q
        above = ((-25.44106049637 * r + 41.39119773534) * r - 18.61500062529) * r + 2.50662823884
        below = (
            ((3.13082909833 * r - 21.06224101826) * r + 23.08336743743) * r - 8.47351093090
        ) * r + 1.0
        return q * above / below
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    above = ((2.32121276858 * r + 4.85014127135) * r - 2.29796479134) * r - 2.78718931138
    tail = above / ((1.63706781897 * r + 3.54388924762) * r + 1.0)
    return math.copysign(tail, q)


def corrected_weights(n: int, first: float, second: float, squares: float) -> tuple[float, ...]:
    """Royston's largest two weights, and the factor of the quantiles for the others.

    ``first`` and ``second`` are the two lowest normal scores (negative), ``squares`` the sum of
    squares of all n. Below 6 points only the largest weight is corrected.
    """
    length = math.sqrt(squares)
    u = 1.0 / math.sqrt(n)
    largest = (
        ((((-2.706056 * u + 4.434685) * u - 2.07119) * u - 0.147981) * u + 0.221157) * u
    ) - first / length
    if n <= 5:
        rest = (squares - 2.0 * first**2) / (1.0 - 2.0 * largest**2)
        return largest, -second / math.sqrt(rest), -1.0 / math.sqrt(rest)
    next_one = (
        ((((-3.582633 * u + 5.682633) * u - 1.752461) * u - 0.293762) * u + 0.042981) * u
    ) - second / length
    rest = squares - 2.0 * first**2 - 2.0 * second**2
    rest /= 1.0 - 2.0 * largest**2 - 2.0 * next_one**2
    return largest, next_one, -1.0 / math.sqrt(rest)


def shapiro_wilk(ordered: FloatArray, weights: FloatArray) -> float:
    """W of ascending values with the n // 2 upper weights; NaN for equal values or too few."""
    n = ordered.size
    if n < SHAPIRO_MIN_POINTS or not ordered[n - 1] > ordered[0]:
        return math.nan
    middle = ordered[n // 2]
    mean = 0.0
    for i in range(n):
        mean += ordered[i] - middle
    mean = middle + mean / n
    squares = weight_squares = projection = 0.0
    for i in range(n):
        squares += (ordered[i] - mean) ** 2
    for i in range(n // 2):
        projection += weights[i] * (ordered[n - 1 - i] - ordered[i])
        weight_squares += weights[i] ** 2
    # 1 - W, because W is near 1.
    length = math.sqrt(2.0 * weight_squares * squares)
    w = 1.0 - (length - projection) * (length + projection) / (length * length)
    # What three values can reach; rounding may fall below it.
    return max(w, 0.75) if n == SHAPIRO_MIN_POINTS else w
