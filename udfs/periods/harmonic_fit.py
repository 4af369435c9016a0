"""Fourier series fitted to all curves of a star at one frequency, at the exact times."""

import math

import numpy as np

from udfs.jit import jit
from udfs.periodograms.multi_harmonic.formula import RIDGE
from udfs.periodograms.rotation import next_sums, next_window, rotate, waves
from udfs.ragged import FloatArray, IntArray

# A perfect fit has no noise to be measured in.
_LEAST_CHI2 = 1e-6


@jit
def moments(
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    cosine: FloatArray,
    sine: FloatArray,
    out: FloatArray,
) -> None:
    """Fill ``out[0 .. 3, i, k]`` with the sums of w cos, w sin, w y cos and w y sin of k angles.

    ``out`` is (4, n_lc, 2 n + 1); those with y reach to n.
    """
    top = out.shape[2] - 1
    power_c, power_s = weight.copy(), np.zeros(y.size)
    for i in range(offsets.size - 1):
        a, b = offsets[i], offsets[i + 1]
        out[0, i, 0], out[1, i, 0] = np.sum(weight[a:b]), 0.0
        out[2, i, 0], out[3, i, 0] = np.sum(weight[a:b] * y[a:b]), 0.0
        c, s, pc, ps = cosine[a:b], sine[a:b], power_c[a:b], power_s[a:b]
        for k in range(1, top // 2 + 1):
            out[0, i, k], out[1, i, k], out[2, i, k], out[3, i, k] = next_sums(y[a:b], c, s, pc, ps)
        for k in range(top // 2 + 1, top + 1):
            out[0, i, k], out[1, i, k] = next_window(c, s, pc, ps)


@jit
def fit_series(sums: FloatArray, stride: int, factor: FloatArray, reduction: FloatArray) -> None:
    """Fill ``reduction[K - 1]`` with the reduction of chi-square by one series in all curves.

    Every curve has a mean of its own. The harmonics are those of ``stride`` times the angle
    that ``sums`` of :func:`moments` are of. ``factor`` (2H, 2H + 1) receives the Cholesky factor of
    the normal equations without the means, pivots inverted, and the solution of its forward
    substitution; see ``chi2_reductions``.
    """
    size = 2 * reduction.size
    n_curves = sums.shape[1]
    total = np.sum(sums, axis=1)
    mean = np.empty((n_curves, size + 1))
    for i in range(n_curves):
        scale = 1.0 / math.sqrt(sums[0, i, 0])
        mean[i, size] = sums[2, i, 0] * scale
        for a in range(size):
            mean[i, a] = sums[a % 2, i, stride * (a // 2 + 1)] * scale
    ridge = RIDGE * total[0, 0]
    gained = 0.0
    for a in range(size):
        m = stride * (a // 2 + 1)
        z = total[2 + a % 2, m]
        for i in range(n_curves):
            z -= mean[i, a] * mean[i, size]
        for b in range(a + 1):
            n = stride * (b // 2 + 1)
            # Products of sines and cosines are those of the sum and the difference of the angles.
            if a % 2 == 1:
                if b % 2 == 1:
                    value = 0.5 * (total[0, m - n] - total[0, m + n])
                else:
                    value = 0.5 * (total[1, m + n] + total[1, m - n])
            elif b % 2 == 1:
                value = 0.5 * (total[1, m + n] - total[1, m - n])
            else:
                value = 0.5 * (total[0, m - n] + total[0, m + n])
            for i in range(n_curves):
                value -= mean[i, a] * mean[i, b]
            for k in range(b):
                value -= factor[a, k] * factor[b, k]
            if b < a:
                factor[a, b] = value * factor[b, b]
                continue
            value += ridge
            pivot = 1.0 / math.sqrt(value) if value > 1e-12 * total[0, 0] else 0.0
            factor[a, a] = pivot
            for k in range(a):
                z -= factor[a, k] * factor[k, size]
            factor[a, size] = z * pivot
            gained += factor[a, size] * factor[a, size]
        reduction[a // 2] = gained


@jit
def gains_of_sums(sums: FloatArray, stride: int, n_obs: int, chi2: float, out: FloatArray) -> None:
    """Fill ``out[K - 1]`` with what K harmonics gain over constant magnitudes.

    The noise is a free scale of the errors, so n epochs give -n/2 ln(1 - R_K / chi2).
    """
    factor = np.zeros((2 * out.size, 2 * out.size + 1))
    fit_series(sums, stride, factor, out)
    for k in range(out.size):
        out[k] = -0.5 * n_obs * math.log(max(1.0 - out[k] / chi2, _LEAST_CHI2))


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
    """Fill the gains of 1 to ``out.size`` harmonics at one frequency; see ``gains_of_sums``."""
    cosine, sine = np.empty(time.size), np.empty(time.size)
    sums = np.empty((4, chi2.size, 2 * out.size + 1))
    waves(time, freq, cosine, sine)
    moments(y, weight, offsets, cosine, sine, sums)
    gains_of_sums(sums, 1, time.size, float(np.sum(chi2)), out)


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
    """The frequency with the highest gain near ``freq``: the vertex of a parabola.

    Climbs from ``freq`` in steps, at most ``steps`` of them, until the neighbours are lower. The
    vertex is within a tenth of a step of the maximum where a step is a small part of a peak.
    """
    gain = np.empty(harmonics)
    cosine, sine = np.empty(time.size), np.empty(time.size)
    step_cosine, step_sine = np.empty(time.size), np.empty(time.size)
    sums = np.empty((4, chi2.size, 2 * harmonics + 1))
    waves(time, step, step_cosine, step_sine)
    waves(time, freq - step, cosine, sine)
    total = float(np.sum(chi2))
    low = middle = high = 0.0
    for j in range(3):
        moments(y, weight, offsets, cosine, sine, sums)
        gains_of_sums(sums, 1, time.size, total, gain)
        low, middle, high = middle, high, gain[harmonics - 1]
        if j < 2:
            rotate(cosine, sine, step_cosine, step_sine)
    here = freq
    if low > middle or high > middle:
        sign = 1.0 if high > low else -1.0
        if sign < 0.0:
            low, high = high, low
            step_sine *= -1.0
            waves(time, freq - step, cosine, sine)
        for _ in range(steps):
            if high <= middle or here + sign * step <= 0.0:
                break
            here += sign * step
            rotate(cosine, sine, step_cosine, step_sine)
            moments(y, weight, offsets, cosine, sine, sums)
            gains_of_sums(sums, 1, time.size, total, gain)
            low, middle, high = middle, high, gain[harmonics - 1]
        if sign < 0.0:
            low, high = high, low
    bend = low - 2.0 * middle + high
    if bend >= 0.0 or low > middle or high > middle:
        return here
    return here + 0.5 * step * (low - high) / bend


@jit
def coefficients(factor: FloatArray) -> FloatArray:
    """A_1, B_1, A_2, .. from the factor that ``fit_series`` filled."""
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
    value = slope = 0.0
    for k in range(1, coefficient.size // 2 + 1):
        c, s = c * c1 - s * s1, s * c1 + c * s1
        value += coefficient[2 * k - 2] * c + coefficient[2 * k - 1] * s
        slope += k * (coefficient[2 * k - 1] * c - coefficient[2 * k - 2] * s)
    return value, slope


@jit
def means_beside(sums: FloatArray, stride: int, coefficient: FloatArray) -> FloatArray:
    """Mean of each curve beside the series, (n_lc,)."""
    out = np.empty(sums.shape[1])
    for i in range(out.size):
        value = sums[2, i, 0]
        for a in range(coefficient.size):
            value -= coefficient[a] * sums[a % 2, i, stride * (a // 2 + 1)]
        out[i] = value / sums[0, i, 0]
    return out
