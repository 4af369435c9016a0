"""The Fourier fit by orthogonalisation: slow, and accurate where columns nearly coincide."""

import math

import numpy as np

from udfs.features import harmonic_formula as formula
from udfs.features.harmonic_formula import HARMONICS, PARAMETERS
from udfs.jit import jit
from udfs.ragged import FloatArray

# A column of which less than this is left depends on the earlier ones: its coefficient would be
# rounding error times 1e10.
_DEPENDENT = 1e-10

_fill_coefficients = jit(formula.fill_coefficients)


@jit
def _design(elapsed_day: FloatArray, magerr: FloatArray, span: float, period: float) -> FloatArray:
    """Columns 1, (t - min t)/span, then cos and sin of each harmonic, all divided by magerr.

    The phases start at the first epoch: in float64 a phase of 1e6 cycles keeps 1e-10.
    """
    columns = np.empty((PARAMETERS, elapsed_day.size))
    for k in range(elapsed_day.size):
        weight = 1.0 / magerr[k]
        elapsed = elapsed_day[k]
        cycles = elapsed / period
        angle = 2.0 * math.pi * (cycles - math.floor(cycles))
        columns[0, k] = weight
        columns[1, k] = weight * elapsed / span
        for n in range(1, HARMONICS + 1):
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
    solution = np.zeros(PARAMETERS)
    for i in range(size - 1, -1, -1):
        value = projections[i]
        for j in range(i + 1, size):
            value -= upper[i, j] * solution[j]
        solution[i] = value / upper[i, i]
    return solution


@jit
def fit_orthogonal(
    elapsed_day: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    period: float,
    zero_phase: float,
    row: FloatArray,
) -> None:
    """Fill one row; leave it alone if the epochs cannot tell the constant from the slope."""
    span = float(np.max(elapsed_day))
    columns = _design(elapsed_day, magerr, span, period)
    upper = np.zeros((PARAMETERS, PARAMETERS))
    projections = np.zeros(PARAMETERS)
    residual = mag / magerr
    chi2_flat = best_bic = best_chi2 = np.inf
    best_size = 0
    for size in range(2, PARAMETERS + 1, 2):
        if not (
            _orthogonalise(columns, size - 2, upper) and _orthogonalise(columns, size - 1, upper)
        ):
            break
        projections[size - 2] = _project_out(columns[size - 2], residual)
        projections[size - 1] = _project_out(columns[size - 1], residual)
        chi2 = np.sum(residual * residual)
        bic = chi2 + math.log(mag.size) * size
        if size == 2:
            chi2_flat = chi2
        if bic < best_bic:
            best_size, best_bic, best_chi2 = size, bic, chi2
    if best_size == 0:
        return
    solution = _solve_upper(upper, projections, best_size)
    row[0] = (chi2_flat - best_chi2) / chi2_flat
    row[1] = best_bic
    _fill_coefficients(solution, span, zero_phase, row)
