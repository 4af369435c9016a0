"""Lomb-Scargle periodogram by rotation: each epoch's sine and cosine follow the grid."""

import math

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.lomb_scargle.formula import UNSAMPLED, power_from_sums
from udfs.periodograms.rotation import RESEED_STEPS, even_stretch, rotate, waves
from udfs.ragged import FloatArray

_power = jit(power_from_sums)


def one_curve(elapsed: FloatArray, scaled: FloatArray, freq: FloatArray) -> FloatArray:
    """Power of one curve; see :func:`udfs.periodograms.lomb_scargle.lomb_scargle`."""
    return _one_curve(elapsed, scaled - np.mean(scaled), freq, RESEED_STEPS)


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


@jit
def _one_curve(elapsed: FloatArray, y: FloatArray, freq: FloatArray, reseed: int) -> FloatArray:
    n = elapsed.size
    out = np.empty(freq.size)
    cosine, sine = np.empty(n), np.empty(n)
    step_cosine, step_sine = np.empty(n), np.empty(n)
    step = math.nan
    start = 0
    while start < freq.size:
        stop = even_stretch(freq, start, reseed)
        waves(elapsed, freq[start], cosine, sine)
        out[start] = _power_here(y, cosine, sine)
        if stop - start > 1:
            mean_step = (freq[stop - 1] - freq[start]) / (stop - 1 - start)
            if mean_step != step:
                step = mean_step
                waves(elapsed, step, step_cosine, step_sine)
            for k in range(start + 1, stop):
                rotate(cosine, sine, step_cosine, step_sine)
                out[k] = _power_here(y, cosine, sine)
        start = stop
    return out
