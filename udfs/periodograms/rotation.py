"""Cosines and sines of all epochs along the frequency grid, by rotation from point to point."""

import math

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.ragged import FloatArray

# Steps between two exact evaluations. Rounding of a rotation grows with the number of steps:
# after 128 it stays below 1e-13 of the amplitude.
RESEED_STEPS = 128
# Rounding of the grid itself: its points are even to a few units in the last place.
_EVEN = 8 * np.finfo(np.float64).eps


@jit
def even_stretch(freq: FloatArray, start: int, longest: int) -> int:
    """End of the evenly spaced stretch that begins at ``start``, at most ``longest`` points."""
    stop = min(start + longest, freq.size)
    if stop - start < 3:
        return start + 1
    step = freq[start + 1] - freq[start]
    for k in range(start + 2, stop):
        tolerance = _EVEN * abs(freq[k]) * (k - start)
        if abs(freq[k] - freq[start] - (k - start) * step) > tolerance:
            return k
    return stop


@jit
def waves(elapsed: FloatArray, freq: float, cosine: FloatArray, sine: FloatArray) -> None:
    """Fill the cosine and sine of 2 pi freq elapsed."""
    for j in range(elapsed.size):
        cycles = freq * elapsed[j]
        angle = 2.0 * math.pi * (cycles - math.floor(cycles))
        cosine[j] = math.cos(angle)
        sine[j] = math.sin(angle)


@jit_reordered
def rotate(
    cosine: FloatArray, sine: FloatArray, by_cosine: FloatArray, by_sine: FloatArray
) -> None:
    """Add the angle of the second wave to that of the first; both may be the same arrays."""
    for j in range(cosine.size):
        c, s = cosine[j], sine[j]
        bc, bs = by_cosine[j], by_sine[j]
        cosine[j] = c * bc - s * bs
        sine[j] = s * bc + c * bs


@jit_reordered
def first_sums(
    y: FloatArray, weight: FloatArray, cosine: FloatArray, sine: FloatArray,
    power_c: FloatArray, power_s: FloatArray,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Fill the weighted wave of the first harmonic; its sums, without and with ``y``."""
    c_sum = s_sum = y_c = y_s = 0.0
    for j in range(y.size):
        c, s = weight[j] * cosine[j], weight[j] * sine[j]
        power_c[j] = c
        power_s[j] = s
        c_sum += c
        s_sum += s
        y_c += y[j] * c
        y_s += y[j] * s
    return c_sum, s_sum, y_c, y_s


@jit_reordered
def next_sums(
    y: FloatArray, cosine: FloatArray, sine: FloatArray, power_c: FloatArray, power_s: FloatArray
) -> tuple[float, float, float, float]:
    """Turn the weighted wave by the first harmonic; its sums, without and with ``y``."""
    c_sum = s_sum = y_c = y_s = 0.0
    for j in range(y.size):
        c = power_c[j] * cosine[j] - power_s[j] * sine[j]
        s = power_s[j] * cosine[j] + power_c[j] * sine[j]
        power_c[j] = c
        power_s[j] = s
        c_sum += c
        s_sum += s
        y_c += y[j] * c
        y_s += y[j] * s
    return c_sum, s_sum, y_c, y_s


@jit_reordered
def next_window(
    cosine: FloatArray, sine: FloatArray, power_c: FloatArray, power_s: FloatArray
) -> tuple[float, float]:
    """As :func:`next_sums`, the sums without ``y`` alone."""
    c_sum = s_sum = 0.0
    for j in range(cosine.size):
        c = power_c[j] * cosine[j] - power_s[j] * sine[j]
        s = power_s[j] * cosine[j] + power_c[j] * sine[j]
        power_c[j] = c
        power_s[j] = s
        c_sum += c
        s_sum += s
    return c_sum, s_sum
