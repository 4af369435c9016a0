"""Weighted least squares of a trend and up to five harmonics, from trigonometric sums.

One sweep over the epochs gives the sums of which the normal equations of all orders are made. A
second one takes the residuals and shows how accurate the solution is: where some columns are nearly
sums of others, the orthogonalisation takes over.
"""

import math

import numpy as np

from udfs.features import harmonic_formula as formula
from udfs.features.harmonic_formula import ACCURATE, HARMONICS, INDEPENDENT, PARAMETERS
from udfs.features.harmonic_orthogonal import fit_orthogonal
from udfs.jit import jit, jit_reordered
from udfs.ragged import FloatArray, IntArray

_cos_sin_turn = jit(formula.cos_sin_turn)
_fill_normal_matrix = jit(formula.fill_normal_matrix)
_factorise = jit(formula.factorise)
_solve_lower = jit(formula.solve_lower)
_solve_upper = jit(formula.solve_upper)
_choose_size = jit(formula.choose_size)
_fill_coefficients = jit(formula.fill_coefficients)


@jit
def _first_harmonic(
    elapsed_day: FloatArray, period: float, cosine: FloatArray, sine: FloatArray
) -> None:
    # Phases start at the first epoch: in float64 a phase of 1e6 cycles keeps 1e-10.
    for j in range(elapsed_day.size):
        cycles = elapsed_day[j] / period
        cosine[j], sine[j] = _cos_sin_turn(cycles - math.floor(cycles))


@jit_reordered
def _rotate(
    cosine: FloatArray,
    sine: FloatArray,
    step_cosine: FloatArray,
    step_sine: FloatArray,
    next_cosine: FloatArray,
    next_sine: FloatArray,
) -> None:
    for j in range(cosine.size):
        c, s = cosine[j], sine[j]
        next_cosine[j] = c * step_cosine[j] - s * step_sine[j]
        next_sine[j] = s * step_cosine[j] + c * step_sine[j]


@jit_reordered
def _two_sums(weight: FloatArray, cosine: FloatArray, sine: FloatArray) -> tuple[float, float]:
    with_cosine = with_sine = 0.0
    for j in range(weight.size):
        with_cosine += weight[j] * cosine[j]
        with_sine += weight[j] * sine[j]
    return with_cosine, with_sine


@jit_reordered
def _subtract(
    cosine: FloatArray, sine: FloatArray, a: float, b: float, residual: FloatArray
) -> None:
    for j in range(residual.size):
        residual[j] -= a * cosine[j] + b * sine[j]


@jit_reordered
def _dot(a: FloatArray, b: FloatArray) -> float:
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@jit
def _project(weighted: FloatArray, elapsed: FloatArray, harmonics: FloatArray) -> FloatArray:
    """Products of the columns with weighted values."""
    products = np.empty(PARAMETERS)
    products[0] = np.sum(weighted)
    products[1] = _dot(weighted, elapsed)
    for k in range(HARMONICS):
        products[2 + 2 * k], products[3 + 2 * k] = _two_sums(
            weighted, harmonics[2 * k], harmonics[2 * k + 1]
        )
    return products


@jit
def _normal_matrix(
    weight: FloatArray, elapsed: FloatArray, harmonics: FloatArray, matrix: FloatArray
) -> None:
    """Fill the matrix; ``harmonics`` has rows cos 1, sin 1, cos 2, ..., filled from the first."""
    orders = harmonics.shape[0] // 2
    cosines, sines = np.zeros(orders + 1), np.zeros(orders + 1)
    slopes = np.zeros((3, HARMONICS + 1))
    weighted = weight * elapsed
    cosines[0] = np.sum(weight)
    slopes[0, 0], slopes[2, 0] = np.sum(weighted), _dot(weighted, elapsed)
    for k in range(1, orders + 1):
        c, s = harmonics[2 * k - 2], harmonics[2 * k - 1]
        if k > 1:
            _rotate(harmonics[2 * k - 4], harmonics[2 * k - 3], harmonics[0], harmonics[1], c, s)
        cosines[k], sines[k] = _two_sums(weight, c, s)
        if k <= HARMONICS:
            slopes[0, k], slopes[1, k] = _two_sums(weighted, c, s)
    _fill_normal_matrix(cosines, sines, slopes, matrix)


@jit
def _fit_from_sums(
    elapsed_day: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    period: float,
    zero_phase: float,
    row: FloatArray,
) -> bool:
    """Fill one row; False, and nothing filled, if rounding errors matter."""
    span = float(np.max(elapsed_day))
    elapsed = elapsed_day / span
    weight = 1.0 / (magerr * magerr)
    mean = _dot(weight, mag) / np.sum(weight)
    # Products of two harmonics reach twice the highest order.
    harmonics = np.empty((4 * HARMONICS, elapsed.size))
    _first_harmonic(elapsed_day, period, harmonics[0], harmonics[1])
    factor = np.empty((PARAMETERS, PARAMETERS))
    _normal_matrix(weight, elapsed, harmonics, factor)
    if not _factorise(factor, INDEPENDENT):
        return False
    residual = mag - mean
    projections = _project(weight * residual, elapsed, harmonics)
    _solve_lower(factor, projections)
    solution = np.empty(PARAMETERS)
    _solve_upper(factor, projections, PARAMETERS, solution)
    residual -= solution[0] + solution[1] * elapsed
    for k in range(HARMONICS):
        _subtract(
            harmonics[2 * k],
            harmonics[2 * k + 1],
            solution[2 * k + 2],
            solution[2 * k + 3],
            residual,
        )
    weighted = weight * residual
    chi2 = _dot(weighted, residual)
    rest = _project(weighted, elapsed, harmonics)
    _solve_lower(factor, rest)
    if _dot(rest, rest) > ACCURATE**2 * chi2:
        return False
    size = _choose_size(mag.size, projections, chi2, row)
    _solve_upper(factor, projections, size, solution)
    solution[0] += mean
    _fill_coefficients(solution, span, zero_phase, row)
    return True


@jit
def fit_curves(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    period: FloatArray,
    epoch_offset_day: float,
    out: FloatArray,
) -> None:
    """Fill one row of ``out`` per curve; see :func:`udfs.features.fourier.fourier_features`."""
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        usable = math.isfinite(period[i]) and period[i] > 0
        if not usable or stop - start < PARAMETERS:
            continue
        t, m, e = time[start:stop], mag[start:stop], magerr[start:stop]
        start_time = float(np.min(t))
        elapsed_day = t - start_time
        if not np.max(elapsed_day) > 0:
            continue
        zero_phase = (start_time + epoch_offset_day) / period[i]
        if not _fit_from_sums(elapsed_day, m, e, period[i], zero_phase, out[i]):
            fit_orthogonal(elapsed_day, m, e, period[i], zero_phase, out[i])
