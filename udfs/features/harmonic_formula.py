"""Formulas of the Fourier fit; plain Python, compiled by the backends.

The columns of the fit are 1, u, cos 1, sin 1, ..., cos 5, sin 5, where u runs from 0 at the first
epoch to 1 at the last and "cos k" is the cosine of k times the phase. Arrays that are filled come
last in the arguments.
"""

import math

from udfs.ragged import FloatArray

HARMONICS = 5
PARAMETERS = 2 + 2 * HARMONICS
# Share of the square of a column that the others must leave: above the rounding error of the sums.
INDEPENDENT = 1e-12
# What the columns may still explain of the residuals, in units of their root sum of squares.
ACCURATE = 1e-10


def cos_sin_turn(turn: float) -> tuple[float, float]:
    """Cosine and sine of 2 pi ``turn``, to rounding error; free of branches.

    Taylor series within an eighth of a turn: the first term left out is below 1e-16.
    """
    quarters = math.floor(4.0 * turn + 0.5)
    x = 2.0 * math.pi * (turn - 0.25 * quarters)
    y = x * x
    sine = 1.0 - y / 210.0
    sine = 1.0 - y / 156.0 * sine
    sine = 1.0 - y / 110.0 * sine
    sine = 1.0 - y / 72.0 * sine
    sine = 1.0 - y / 42.0 * sine
    sine = 1.0 - y / 20.0 * sine
    sine = x * (1.0 - y / 6.0 * sine)
    cosine = 1.0 - y / 240.0
    cosine = 1.0 - y / 182.0 * cosine
    cosine = 1.0 - y / 132.0 * cosine
    cosine = 1.0 - y / 90.0 * cosine
    cosine = 1.0 - y / 56.0 * cosine
    cosine = 1.0 - y / 30.0 * cosine
    cosine = 1.0 - y / 12.0 * cosine
    cosine = 1.0 - 0.5 * y * cosine
    # 0, 1, 2, 3 quarters, in numbers that need no branch: cos and sin of them.
    half = quarters - 2.0 * math.floor(0.5 * quarters)
    sign = 1.0 - 2.0 * (math.floor(0.5 * quarters) - 2.0 * math.floor(0.25 * quarters))
    turned_cosine = sign * ((1.0 - half) * cosine - half * sine)
    turned_sine = sign * ((1.0 - half) * sine + half * cosine)
    return turned_cosine, turned_sine


def fill_normal_matrix(
    cosines: FloatArray, sines: FloatArray, slopes: FloatArray, matrix: FloatArray
) -> None:
    """Fill the lower triangle of the (12, 12) matrix of weighted products of columns.

    ``cosines[k]`` and ``sines[k]``, k = 0..10, are the sums of w cos k and w sin k;
    ``slopes[0, k]`` and ``slopes[1, k]``, k = 0..5, those of w u cos k and w u sin k;
    ``slopes[2, 0]`` is that of w u u. Products of harmonics follow from the sums by
    2 cos a cos b = cos(a - b) + cos(a + b) and its like.
    """
    matrix[0, 0] = cosines[0]
    matrix[1, 0], matrix[1, 1] = slopes[0, 0], slopes[2, 0]
    for m in range(1, HARMONICS + 1):
        c, s = 2 * m, 2 * m + 1
        matrix[c, 0], matrix[s, 0] = cosines[m], sines[m]
        matrix[c, 1], matrix[s, 1] = slopes[0, m], slopes[1, m]
        for n in range(1, m + 1):
            matrix[c, 2 * n] = 0.5 * (cosines[m - n] + cosines[m + n])
            matrix[c, 2 * n + 1] = 0.5 * (sines[m + n] - sines[m - n])
            matrix[s, 2 * n] = 0.5 * (sines[m + n] + sines[m - n])
            matrix[s, 2 * n + 1] = 0.5 * (cosines[m - n] - cosines[m + n])


def factorise(matrix: FloatArray, smallest: float) -> bool:
    """Turn the lower triangle of a normal matrix into its Cholesky factor.

    False as soon as less than the share ``smallest`` of the square of a column is left
    by the earlier ones: then the factor is too inaccurate to be used.
    """
    for j in range(matrix.shape[0]):
        for i in range(j):
            value = matrix[j, i]
            for k in range(i):
                value -= matrix[j, k] * matrix[i, k]
            matrix[j, i] = value / matrix[i, i]
        pivot = matrix[j, j]
        for k in range(j):
            pivot -= matrix[j, k] * matrix[j, k]
        if not pivot > smallest * matrix[j, j]:
            return False
        matrix[j, j] = math.sqrt(pivot)
    return True


def solve_lower(factor: FloatArray, values: FloatArray) -> None:
    """Replace ``values`` by their solution with the lower factor."""
    for i in range(values.size):
        value = values[i]
        for k in range(i):
            value -= factor[i, k] * values[k]
        values[i] = value / factor[i, i]


def solve_upper(factor: FloatArray, values: FloatArray, size: int, solution: FloatArray) -> None:
    """Solve with the transposed leading part of the lower factor; zeros beyond ``size``."""
    for i in range(solution.size):
        solution[i] = 0.0
    for i in range(size - 1, -1, -1):
        value = values[i]
        for k in range(i + 1, size):
            value -= factor[k, i] * solution[k]
        solution[i] = value / factor[i, i]


def choose_size(n: int, projections: FloatArray, chi2: float, row: FloatArray) -> int:
    """Number of parameters with the smallest BIC; fills power and BIC.

    ``projections`` are those of the data on the orthogonalised columns, and ``chi2`` is
    what all columns leave: each order leaves the squares of the later projections more.
    """
    best_size, best_chi2, best_bic = 0, 0.0, math.inf
    left = chi2
    for size in range(PARAMETERS, 0, -2):
        bic = left + math.log(n) * size
        # Of equal values the smaller order wins.
        if bic <= best_bic:
            best_size, best_chi2, best_bic = size, left, bic
        chi2_flat = left
        left += projections[size - 1] ** 2 + projections[size - 2] ** 2
    # A trend without any scatter leaves nothing to explain.
    row[0] = (chi2_flat - best_chi2) / chi2_flat if chi2_flat > 0.0 else 0.0
    row[1] = best_bic
    return best_size


def fill_coefficients(
    solution: FloatArray, span: float, zero_phase: float, row: FloatArray
) -> None:
    """Fill a, b [1/day] and the coefficients, turned from the first epoch to phase zero."""
    row[2] = solution[0]
    row[3] = solution[1] / span
    angle = 2.0 * math.pi * (zero_phase - math.floor(zero_phase))
    for n in range(1, HARMONICS + 1):
        c, s = math.cos(n * angle), math.sin(n * angle)
        row[2 + 2 * n] = solution[2 * n] * c - solution[2 * n + 1] * s
        row[3 + 2 * n] = solution[2 * n] * s + solution[2 * n + 1] * c
