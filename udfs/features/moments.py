"""Loops behind the basic statistics: all of them but the Shapiro-Wilk test."""

import math

import numpy as np

from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray

MOMENTS = 21
_PERCENTILE_PAIRS = ((0.25, 0.75), (0.2, 0.8), (0.15, 0.85), (0.1, 0.9), (0.05, 0.95))
# Below this, erfc leaves the range of normal numbers and its logarithm needs the tail series.
_TAIL = -30.0


@jit
def _percentile(ordered: FloatArray, q: float) -> float:
    position = q * (ordered.size - 1)
    low = int(math.floor(position))
    high = min(low + 1, ordered.size - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])  # type: ignore[no-any-return]


@jit
def log_normal_cdf(x: float) -> float:
    """Logarithm of the standard normal distribution function, without underflow."""
    if x > _TAIL:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    # Abramowitz and Stegun 26.2.12; three terms give 1e-9 of the logarithm here.
    inverse = 1.0 / (x * x)
    series = 1.0 - inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse))
    return -0.5 * x * x - math.log(-x) - 0.5 * math.log(2.0 * math.pi) + math.log(series)


@jit
def _anderson_darling(values: FloatArray) -> float:
    """A squared of the values against a normal law with their own mean and deviation."""
    n = values.size
    if n < 2:
        return math.nan
    ordered = np.sort(values)
    deviation = math.sqrt(np.sum((values - np.mean(values)) ** 2) / (n - 1))
    if not deviation > 0:
        return math.nan
    z = (ordered - np.mean(values)) / deviation
    total = 0.0
    for i in range(n):
        total += (2 * i + 1) * (log_normal_cdf(z[i]) + log_normal_cdf(-z[n - 1 - i]))
    return -n - total / n


@jit
def _order_statistics(mag: FloatArray, out: FloatArray) -> None:
    ordered = np.sort(mag)
    median = _percentile(ordered, 0.5)
    out[1] = median
    out[8] = _percentile(np.sort(np.abs(mag - median)), 0.5)
    for k in range(len(_PERCENTILE_PAIRS)):
        low, high = _PERCENTILE_PAIRS[k]
        out[9 + k] = _percentile(ordered, high) - _percentile(ordered, low)


@jit
def _weighted_moments(mag: FloatArray, magerr: FloatArray, out: FloatArray) -> None:
    n = mag.size
    median = out[1]
    weight = 1.0 / (magerr * magerr)
    mean = np.sum(weight * mag) / np.sum(weight)
    residual = mag - mean
    chi = residual / magerr
    bright = np.min(mag + magerr)
    faint = np.max(mag - magerr)
    out[2] = mean
    out[5] = math.sqrt(np.sum(weight * residual**2) / np.sum(weight))
    out[6] = (faint - bright) / (faint + bright)
    out[7] = np.sum(residual**2 - magerr**2) / (n * mean * mean)
    if n > 1:
        out[3] = np.sum(weight * residual**2) / (n - 1)
        out[4] = np.sum(np.abs(mag - median) / magerr) / (n - 1)
    if n > 2:
        out[14] = n / ((n - 1.0) * (n - 2.0)) * np.sum(chi**3)
    if n > 3:
        scale = n * (n + 1.0) / ((n - 1.0) * (n - 2.0) * (n - 3.0))
        out[15] = scale * np.sum(chi**4) - 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0))


@jit
def _serial_statistics(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, out: FloatArray
) -> None:
    n = mag.size
    if n < 2:
        return
    mean, variance = out[2], out[5] ** 2
    delta = math.sqrt(n / (n - 1.0)) * (mag - mean) / magerr
    weights = slopes = welch = stetson = 0.0
    for i in range(n - 1):
        gap = time[i + 1] - time[i]
        weights += 1.0 / (gap * gap)
        slopes += ((mag[i + 1] - mag[i]) / gap) ** 2
        product = delta[i] * delta[i + 1]
        welch += product
        stetson += math.copysign(math.sqrt(abs(product)), product)
    out[16] = weights * variance / slopes
    out[17] = welch
    out[18] = stetson
    out[19] = (np.sum(np.abs(delta)) / n) / math.sqrt(np.sum(delta**2) / n)


@jit
def moments(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, offsets: IntArray, out: FloatArray
) -> None:
    """Fill the first 21 columns of ``out``; see :func:`udfs.features.statistics`."""
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        row = out[i]
        row[0] = stop - start
        if stop == start:
            continue
        t, m, e = time[start:stop], mag[start:stop], magerr[start:stop]
        _order_statistics(m, row)
        _weighted_moments(m, e, row)
        _serial_statistics(t, m, e, row)
        row[20] = _anderson_darling(m / e)
