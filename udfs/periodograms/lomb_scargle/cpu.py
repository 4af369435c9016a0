"""Lomb-Scargle periodogram by rotation: each epoch's sine and cosine follow the grid."""

import math

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.lomb_scargle.formula import UNSAMPLED, power_from_sums
from udfs.ragged import FloatArray

# Steps between two exact evaluations. Rounding of a rotation grows with the number of steps:
# after 128 it stays below 1e-13 of the amplitude.
RESEED_STEPS = 128
# Rounding of the grid itself: its points are even to a few units in the last place.
_EVEN = 8 * np.finfo(np.float64).eps

_power = jit(power_from_sums)


def one_curve(elapsed: FloatArray, scaled: FloatArray, freq: FloatArray) -> FloatArray:
    """Power of one curve; see :func:`udfs.periodograms.lomb_scargle.lomb_scargle`."""
    return _one_curve(elapsed, scaled - np.mean(scaled), freq, RESEED_STEPS)


@jit
def _even_stretch(freq: FloatArray, start: int, longest: int) -> int:
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
def _seed(elapsed: FloatArray, freq: float, cosine: FloatArray, sine: FloatArray) -> None:
    for j in range(elapsed.size):
        cycles = freq * elapsed[j]
        angle = 2.0 * math.pi * (cycles - math.floor(cycles))
        cosine[j] = math.cos(angle)
        sine[j] = math.sin(angle)


@jit_reordered
def _power_here(y: FloatArray, cosine: FloatArray, sine: FloatArray) -> float:
    y_cos = y_sin = cos_cos = cos_sin = 0.0
    for j in range(y.size):
        c, s = cosine[j], sine[j]
        y_cos += y[j] * c
        y_sin += y[j] * s
        cos_cos += c * c
        cos_sin += c * s
    return _power(y.size, y_cos, y_sin, 2.0 * cos_cos - y.size, 2.0 * cos_sin, UNSAMPLED)


@jit_reordered
def _rotate(
    cosine: FloatArray, sine: FloatArray, step_cosine: FloatArray, step_sine: FloatArray
) -> None:
    for j in range(cosine.size):
        c, s = cosine[j], sine[j]
        cosine[j] = c * step_cosine[j] - s * step_sine[j]
        sine[j] = s * step_cosine[j] + c * step_sine[j]


@jit
def _one_curve(elapsed: FloatArray, y: FloatArray, freq: FloatArray, reseed: int) -> FloatArray:
    n = elapsed.size
    out = np.empty(freq.size)
    cosine, sine = np.empty(n), np.empty(n)
    step_cosine, step_sine = np.empty(n), np.empty(n)
    step = math.nan
    start = 0
    while start < freq.size:
        stop = _even_stretch(freq, start, reseed)
        _seed(elapsed, freq[start], cosine, sine)
        out[start] = _power_here(y, cosine, sine)
        if stop - start > 1:
            mean_step = (freq[stop - 1] - freq[start]) / (stop - 1 - start)
            if mean_step != step:
                step = mean_step
                _seed(elapsed, step, step_cosine, step_sine)
            for k in range(start + 1, stop):
                _rotate(cosine, sine, step_cosine, step_sine)
                out[k] = _power_here(y, cosine, sine)
        start = stop
    return out
