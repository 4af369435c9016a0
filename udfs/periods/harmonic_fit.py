"""Fourier series fitted to all curves of a star at one frequency, at the exact times."""

import math

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.multi_harmonic.formula import RIDGE, chi2_reductions
from udfs.ragged import FloatArray, IntArray

# A perfect fit has no noise to be measured in.
_LEAST_CHI2 = 1e-6

_reductions = jit(chi2_reductions)


@jit
def waves(time: FloatArray, freq: float, cosine: FloatArray, sine: FloatArray) -> None:
    """Fill the cosine and sine of 2 pi freq time."""
    for j in range(time.size):
        cycles = freq * time[j]
        angle = 2.0 * math.pi * (cycles - math.floor(cycles))
        cosine[j] = math.cos(angle)
        sine[j] = math.sin(angle)


@jit_reordered
def rotate(
    cosine: FloatArray, sine: FloatArray, by_cosine: FloatArray, by_sine: FloatArray
) -> None:
    """Add the angle of the second wave to that of the first."""
    for j in range(cosine.size):
        c, s = cosine[j], sine[j]
        bc, bs = by_cosine[j], by_sine[j]
        cosine[j] = c * bc - s * bs
        sine[j] = s * bc + c * bs


@jit_reordered
def _sums(
    y: FloatArray, cosine: FloatArray, sine: FloatArray, power_c: FloatArray, power_s: FloatArray
) -> tuple[float, float, float, float]:
    """Multiply the weighted power by the wave once more, and sum it up."""
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


@jit
def fit_curve(
    y: FloatArray,
    weight: FloatArray,
    cosine: FloatArray,
    sine: FloatArray,
    factor: FloatArray,
    reduction: FloatArray,
) -> None:
    """Fill ``reduction`` (K,) and the factor (2K + 1, 2K + 2); see ``chi2_reductions``."""
    harmonics = reduction.size
    power_c, power_s = weight.copy(), np.zeros(y.size)
    cos_sum, sin_sum = np.zeros(2 * harmonics + 1), np.zeros(2 * harmonics + 1)
    y_cos, y_sin = np.zeros(2 * harmonics + 1), np.zeros(2 * harmonics + 1)
    cos_sum[0], y_cos[0] = np.sum(weight), np.sum(weight * y)
    for k in range(1, 2 * harmonics + 1):
        cos_sum[k], sin_sum[k], y_cos[k], y_sin[k] = _sums(y, cosine, sine, power_c, power_s)
    _reductions(cos_sum, sin_sum, y_cos, y_sin, factor, RIDGE, reduction)


@jit
def gains_of_waves(
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    chi2: FloatArray,
    cosine: FloatArray,
    sine: FloatArray,
    out: FloatArray,
) -> None:
    """Fill ``out[K - 1]`` with what K harmonics in each curve gain over constant magnitudes.

    The noise of each curve is a free scale of its errors, so a curve of n epochs
    contributes -n/2 ln(1 - R_K / chi2).
    """
    size = 2 * out.size + 1
    factor, reduction = np.zeros((size, size + 1)), np.empty(out.size)
    out[:] = 0.0
    for i in range(chi2.size):
        a, b = offsets[i], offsets[i + 1]
        fit_curve(y[a:b], weight[a:b], cosine[a:b], sine[a:b], factor, reduction)
        for k in range(out.size):
            left = max(1.0 - reduction[k] / chi2[i], _LEAST_CHI2)
            out[k] -= 0.5 * (b - a) * math.log(left)


@jit
def log_likelihood_gains(
    time: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    chi2: FloatArray,
    freq: float,
    out: FloatArray,
) -> None:
    """Fill the gains at one frequency; see :func:`gains_of_waves`."""
    cosine, sine = np.empty(time.size), np.empty(time.size)
    waves(time, freq, cosine, sine)
    gains_of_waves(y, weight, offsets, chi2, cosine, sine, out)


@jit
def refined(
    time: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    chi2: FloatArray,
    freq: float,
    harmonics: int,
    step: float,
    steps: int,
) -> float:
    """The frequency with the highest gain near ``freq``, to a sixteenth of ``step``.

    Looks ``steps`` steps to each side, then twice at a quarter of the step around the best.
    """
    gain = np.empty(harmonics)
    cosine, sine = np.empty(time.size), np.empty(time.size)
    step_cosine, step_sine = np.empty(time.size), np.empty(time.size)
    best, highest = freq, -1.0
    for level in range(3):
        centre, width = best, step / 4.0**level
        reach = steps if level == 0 else 2
        waves(time, centre - reach * width, cosine, sine)
        waves(time, width, step_cosine, step_sine)
        for j in range(-reach, reach + 1):
            here = centre + j * width
            if here > 0.0 and (level == 0 or j != 0):
                gains_of_waves(y, weight, offsets, chi2, cosine, sine, gain)
                if gain[harmonics - 1] > highest:
                    best, highest = here, gain[harmonics - 1]
            rotate(cosine, sine, step_cosine, step_sine)
    return best


@jit
def coefficients(factor: FloatArray) -> FloatArray:
    """Mean, A_1, B_1, A_2, .. from the factor that ``fit_curve`` filled."""
    size = factor.shape[0]
    out = np.zeros(size)
    for i in range(size - 1, -1, -1):
        value = factor[i, size]
        for k in range(i + 1, size):
            value -= factor[k, i] * out[k]
        out[i] = value * factor[i, i]
    return out


@jit
def series_at(coefficient: FloatArray, c1: float, s1: float) -> tuple[float, float]:
    """Value of the series and its derivative by the angle, from cosine and sine of the angle."""
    c, s = 1.0, 0.0
    value, slope = coefficient[0], 0.0
    for k in range(1, (coefficient.size - 1) // 2 + 1):
        c, s = c * c1 - s * s1, s * c1 + c * s1
        value += coefficient[2 * k - 1] * c + coefficient[2 * k] * s
        slope += k * (coefficient[2 * k] * c - coefficient[2 * k - 1] * s)
    return value, slope
