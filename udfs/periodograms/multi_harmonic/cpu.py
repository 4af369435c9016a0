"""Multi-harmonic periodogram by rotation: harmonics are powers of one complex number."""

import math

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.lomb_scargle.cpu import RESEED_STEPS, _even_stretch, _rotate, _seed
from udfs.periodograms.multi_harmonic.formula import RIDGE, chi2_reductions
from udfs.ragged import FloatArray

_reductions = jit(chi2_reductions)


def one_curve(
    elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray, *, harmonics: int
) -> FloatArray:
    """Reductions of one curve; see :mod:`udfs.periodograms.multi_harmonic`."""
    return _one_curve(elapsed, y, weight, freq, harmonics, RIDGE, RESEED_STEPS)


@jit_reordered
def _first_sums(
    y: FloatArray, weight: FloatArray, cosine: FloatArray, sine: FloatArray,
    weighted_cosine: FloatArray, weighted_sine: FloatArray,
) -> tuple[float, float, float, float]:  # fmt: skip
    c_sum = s_sum = y_c = y_s = 0.0
    for j in range(y.size):
        c, s = weight[j] * cosine[j], weight[j] * sine[j]
        weighted_cosine[j] = c
        weighted_sine[j] = s
        c_sum += c
        s_sum += s
        y_c += y[j] * c
        y_s += y[j] * s
    return c_sum, s_sum, y_c, y_s


@jit_reordered
def _next_sums(
    y: FloatArray, cosine: FloatArray, sine: FloatArray,
    weighted_cosine: FloatArray, weighted_sine: FloatArray,
) -> tuple[float, float, float, float]:  # fmt: skip
    c_sum = s_sum = y_c = y_s = 0.0
    for j in range(y.size):
        c = weighted_cosine[j] * cosine[j] - weighted_sine[j] * sine[j]
        s = weighted_sine[j] * cosine[j] + weighted_cosine[j] * sine[j]
        weighted_cosine[j] = c
        weighted_sine[j] = s
        c_sum += c
        s_sum += s
        y_c += y[j] * c
        y_s += y[j] * s
    return c_sum, s_sum, y_c, y_s


@jit_reordered
def _next_window(
    cosine: FloatArray, sine: FloatArray, weighted_cosine: FloatArray, weighted_sine: FloatArray
) -> tuple[float, float]:
    c_sum = s_sum = 0.0
    for j in range(cosine.size):
        c = weighted_cosine[j] * cosine[j] - weighted_sine[j] * sine[j]
        s = weighted_sine[j] * cosine[j] + weighted_cosine[j] * sine[j]
        weighted_cosine[j] = c
        weighted_sine[j] = s
        c_sum += c
        s_sum += s
    return c_sum, s_sum


@jit
def _one_curve(
    elapsed: FloatArray, y: FloatArray, weight: FloatArray, freq: FloatArray,
    harmonics: int, ridge: float, reseed: int,
) -> FloatArray:  # fmt: skip
    n = elapsed.size
    out = np.zeros((freq.size, harmonics))
    cosine, sine = np.empty(n), np.empty(n)
    step_cosine, step_sine = np.empty(n), np.empty(n)
    power_cosine, power_sine = np.empty(n), np.empty(n)
    cos_sum, sin_sum = np.zeros(2 * harmonics + 1), np.zeros(2 * harmonics + 1)
    y_cos, y_sin = np.zeros(harmonics + 1), np.zeros(harmonics + 1)
    factor = np.zeros((2 * harmonics + 1, 2 * harmonics + 2))
    cos_sum[0] = np.sum(weight)
    y_cos[0] = np.sum(weight * y)
    step = math.nan
    start = 0
    while start < freq.size:
        stop = _even_stretch(freq, start, reseed)
        _seed(elapsed, freq[start], cosine, sine)
        if stop - start > 1:
            mean_step = (freq[stop - 1] - freq[start]) / (stop - 1 - start)
            if mean_step != step:
                step = mean_step
                _seed(elapsed, step, step_cosine, step_sine)
        for f in range(start, stop):
            if f > start:
                _rotate(cosine, sine, step_cosine, step_sine)
            cos_sum[1], sin_sum[1], y_cos[1], y_sin[1] = _first_sums(
                y, weight, cosine, sine, power_cosine, power_sine
            )
            for k in range(2, harmonics + 1):
                cos_sum[k], sin_sum[k], y_cos[k], y_sin[k] = _next_sums(
                    y, cosine, sine, power_cosine, power_sine
                )
            for k in range(harmonics + 1, 2 * harmonics + 1):
                cos_sum[k], sin_sum[k] = _next_window(cosine, sine, power_cosine, power_sine)
            _reductions(cos_sum, sin_sum, y_cos, y_sin, factor, ridge, out[f])
        start = stop
    return out
