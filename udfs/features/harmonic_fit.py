"""Weighted least squares of a trend and up to five harmonics, by orthogonalisation."""

import math

import numpy as np

from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray

COEFFICIENTS = 10
_PARAMETERS = 2 + COEFFICIENTS
# A column of which less than this is left depends on the earlier ones: its coefficient would be
# rounding error times 1e10.
_DEPENDENT = 1e-10


@jit
def _design(
    time: FloatArray, magerr: FloatArray, start_time: float, span: float, period: float
) -> FloatArray:
    """Columns 1, (t - min t)/span, then cos and sin of each harmonic, all divided by magerr.

    The phases start at the first epoch: in float64 a phase of 1e6 cycles keeps 1e-10.
    """
    columns = np.empty((_PARAMETERS, time.size))
    for k in range(time.size):
        weight = 1.0 / magerr[k]
        elapsed = time[k] - start_time
        cycles = elapsed / period
        angle = 2.0 * math.pi * (cycles - math.floor(cycles))
        columns[0, k] = weight
        columns[1, k] = weight * elapsed / span
        for n in range(1, COEFFICIENTS // 2 + 1):
            columns[2 * n, k] = weight * math.cos(n * angle)
            columns[2 * n + 1, k] = weight * math.sin(n * angle)
    return columns


@jit
def _orthogonalise(columns: FloatArray, j: int, upper: FloatArray) -> bool:
    """Make column j orthonormal to the earlier ones; False if nothing is left of it.

    Two sweeps of Gram-Schmidt give orthogonality to rounding error ("twice is enough").
    """
    before = math.sqrt(np.sum(columns[j] * columns[j]))
    for _ in range(2):
        for i in range(j):
            projection = np.sum(columns[i] * columns[j])
            upper[i, j] += projection
            columns[j] -= projection * columns[i]
    left = math.sqrt(np.sum(columns[j] * columns[j]))
    if not left > _DEPENDENT * before:
        return False
    upper[j, j] = left
    columns[j] /= left
    return True


@jit
def _project_out(column: FloatArray, residual: FloatArray) -> float:
    projection = 0.0
    for _ in range(2):
        part = np.sum(column * residual)
        projection += part
        residual -= part * column
    return projection


@jit
def _solve_upper(upper: FloatArray, projections: FloatArray, size: int) -> FloatArray:
    solution = np.zeros(_PARAMETERS)
    for i in range(size - 1, -1, -1):
        value = projections[i]
        for j in range(i + 1, size):
            value -= upper[i, j] * solution[j]
        solution[i] = value / upper[i, i]
    return solution


@jit
def _fill_row(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    period: float,
    epoch_offset_day: float,
    row: FloatArray,
) -> None:
    """Fill power, BIC, a, b and the raw coefficients; leave the row alone if there is no fit."""
    start_time = float(np.min(time))
    span = float(np.max(time)) - start_time
    if not span > 0:
        return
    columns = _design(time, magerr, start_time, span, period)
    upper = np.zeros((_PARAMETERS, _PARAMETERS))
    projections = np.zeros(_PARAMETERS)
    residual = mag / magerr
    chi2_flat = best_bic = best_chi2 = np.inf
    best_size = 0
    for size in range(2, _PARAMETERS + 1, 2):
        if not (
            _orthogonalise(columns, size - 2, upper) and _orthogonalise(columns, size - 1, upper)
        ):
            break
        projections[size - 2] = _project_out(columns[size - 2], residual)
        projections[size - 1] = _project_out(columns[size - 1], residual)
        chi2 = np.sum(residual * residual)
        bic = chi2 + math.log(time.size) * size
        if size == 2:
            chi2_flat = chi2
        if bic < best_bic:
            best_size, best_bic, best_chi2 = size, bic, chi2
    if best_size == 0:
        return
    solution = _solve_upper(upper, projections, best_size)
    row[0] = (chi2_flat - best_chi2) / chi2_flat
    row[1] = best_bic
    row[2] = solution[0]
    row[3] = solution[1] / span
    zero_phase = (start_time + epoch_offset_day) / period
    zero_angle = 2.0 * math.pi * (zero_phase - math.floor(zero_phase))
    for n in range(1, COEFFICIENTS // 2 + 1):
        c, s = math.cos(n * zero_angle), math.sin(n * zero_angle)
        row[2 + 2 * n] = solution[2 * n] * c - solution[2 * n + 1] * s
        row[3 + 2 * n] = solution[2 * n] * s + solution[2 * n + 1] * c


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
        if usable and stop - start >= _PARAMETERS:
            t, m, e = time[start:stop], mag[start:stop], magerr[start:stop]
            _fill_row(t, m, e, period[i], epoch_offset_day, out[i])
