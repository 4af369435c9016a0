"""What a folded light curve looks like: roughness, gaps, the two halves of a doubled period."""

import math

import numpy as np

from udfs.jit import jit
from udfs.periods.harmonic_fit import coefficients, fit_series, means_beside, series_at
from udfs.ragged import FloatArray, IntArray

ROUGHNESS = ("square_roughness", "roughness", "gap")
SHAPE = ("parity", "shift", "unequal", "faint", "rise", "second", "range", "apart")

_PHASES = 64
# A second minimum lies at least this far from the first one [cycles].
_APART = 0.2
_LEAST = 1e-6


@jit
def roughness(
    time: FloatArray, y: FloatArray, offsets: IntArray, freq: float, out: FloatArray
) -> None:
    """Fill ``out`` with the values named in ROUGHNESS.

    ln of the mean squared, and of the mean absolute, difference between neighbours in phase, over
    that of independent values, averaged over the curves by epochs (Lafler and Kinman 1965, ApJS
    11, 216); and the largest gap in phase that is in every curve [cycles].
    """
    out[:] = 0.0
    gap, total = 2.0, 0.0
    for i in range(offsets.size - 1):
        a, n = offsets[i], offsets[i + 1] - offsets[i]
        phase = np.empty(n)
        for j in range(n):
            cycles = freq * time[a + j]
            phase[j] = cycles - math.floor(cycles)
        order = np.argsort(phase)
        mean = np.mean(y[a : a + n])
        absolute = square = from_mean = from_mean2 = widest = 0.0
        for j in range(n):
            here, after = order[j], order[(j + 1) % n]
            difference = y[a + after] - y[a + here]
            absolute += abs(difference)
            square += difference * difference
            from_mean += abs(y[a + here] - mean)
            from_mean2 += (y[a + here] - mean) ** 2
            ahead = phase[after] - phase[here]
            widest = max(widest, ahead if ahead > 0.0 else ahead + 1.0)
        out[0] += n * math.log(max(0.5 * square / from_mean2, _LEAST))
        out[1] += n * math.log(max(absolute / (math.sqrt(2.0) * from_mean), _LEAST))
        total += n
        gap = min(gap, widest)
    out[0] /= total
    out[1] /= total
    out[2] = gap


@jit
def _template(coefficient: FloatArray, out: FloatArray) -> tuple[float, float, float]:
    """Fill one cycle of the series; its brightest and faintest value, and where the latter is."""
    brightest, faintest, at = math.inf, -math.inf, 0.0
    for g in range(_PHASES):
        angle = 2.0 * math.pi * g / _PHASES
        out[g] = series_at(coefficient, math.cos(angle), math.sin(angle))[0]
        brightest = min(brightest, out[g])
        if out[g] > faintest:
            faintest, at = out[g], g / _PHASES
    return brightest, faintest, at


@jit
def _describe(
    template: FloatArray, brightest: float, faintest: float, at: float, out: FloatArray
) -> None:
    """Fill the last five values of SHAPE from one cycle of the series."""
    middle, second = 0.5 * (brightest + faintest), brightest
    out[3:] = 0.0
    for g in range(_PHASES):
        after = template[(g + 1) % _PHASES]
        out[3] += (template[g] > middle) / _PHASES
        out[4] += (after < template[g]) / _PHASES
        if template[g] >= template[g - 1] and template[g] > after:
            apart = abs(g / _PHASES - at)
            apart = min(apart, 1.0 - apart)
            if apart > _APART and template[g] > second:
                second, out[7] = template[g], apart
    span = max(faintest - brightest, 1e-9)
    out[5] = (second - brightest) / span
    out[6] = math.log(span + 1e-3)


@jit
def shape(
    time: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    chi2: float,
    freq: float,
    cosine: FloatArray,
    sine: FloatArray,
    sums: FloatArray,
    stride: int,
    harmonics: int,
    out: FloatArray,
) -> None:
    """Fill ``out`` with the values named in SHAPE, of a series of ``harmonics`` harmonics.

    ``cosine`` and ``sine`` are those of 2 pi freq time, ``stride`` times the angle of ``sums``.

    parity, shift : log-likelihood gained when the minima of odd and even cycles may differ in
        depth, and then in phase: one parameter each, far sharper than the odd harmonics of a
        series at half the frequency.
    unequal : difference in depth over the depth, at most 1.
    faint, rise : share of the cycle below the middle between the extremes, and getting brighter.
    second, apart : depth of the second minimum over that of the first, and its distance [cycles].
    range : ln(faintest - brightest + 0.001) [magnitudes].
    """
    out[:] = 0.0
    factor, reduction = np.zeros((2 * harmonics, 2 * harmonics + 1)), np.empty(harmonics)
    template = np.empty(_PHASES)
    fit_series(sums, stride, factor, reduction)
    coefficient = coefficients(factor)
    mean = means_beside(sums, stride, coefficient)
    brightest, faintest, at = _template(coefficient, template)
    d2 = s2 = ds = dr = sr = 0.0
    for i in range(offsets.size - 1):
        for j in range(offsets[i], offsets[i + 1]):
            sign = 1.0 if math.floor(freq * time[j] - at + 0.5) % 2 == 0 else -1.0
            value, slope = series_at(coefficient, cosine[j], sine[j])
            depth = sign * (value - brightest)
            slope *= sign
            residual = y[j] - mean[i] - value
            d2 += weight[j] * depth * depth
            s2 += weight[j] * slope * slope
            ds += weight[j] * depth * slope
            dr += weight[j] * depth * residual
            sr += weight[j] * slope * residual
    if d2 <= 0.0:
        return
    left = max(chi2 - reduction[harmonics - 1], _LEAST * chi2)
    across, projected = s2 - ds * ds / d2, sr - ds / d2 * dr
    out[0] = -0.5 * y.size * math.log(max(1.0 - dr * dr / d2 / left, _LEAST))
    if across > 1e-9 * s2:
        gained = projected * projected / across
        out[1] = -0.5 * y.size * math.log(max(1.0 - gained / left, _LEAST))
    out[2] = min(abs(dr / d2), 1.0)
    _describe(template, brightest, faintest, at, out)
