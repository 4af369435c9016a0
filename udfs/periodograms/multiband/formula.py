"""Multi-band power from trigonometric sums; plain Python, compiled by the backends.

Columns of a series of K harmonics are 1, cos 1, sin 1, ..., cos K, sin K. The bands know nothing of
each other, so each is eliminated from the equations of the shared series by itself: the
cost grows with the number of bands and not with its cube.
"""

import math

from udfs.ragged import FloatArray


def fill_products(cosines: FloatArray, sines: FloatArray, products: FloatArray) -> None:
    """Fill the matrix of weighted products of the columns of one band.

    ``cosines[k]`` and ``sines[k]`` are the sums of w cos k and w sin k, k = 0, 1, .. up to twice
    the harmonics of ``products``, which has the shape (2 K + 1, 2 K + 1).
    """
    for m in range((products.shape[0] + 1) // 2):
        for n in range(m + 1):
            cos_m, sin_m, cos_n, sin_n = max(2 * m - 1, 0), 2 * m, max(2 * n - 1, 0), 2 * n
            products[cos_m, cos_n] = 0.5 * (cosines[m - n] + cosines[m + n])
            products[cos_n, cos_m] = products[cos_m, cos_n]
            if m > 0:
                products[sin_m, cos_n] = 0.5 * (sines[m + n] + sines[m - n])
                products[cos_n, sin_m] = products[sin_m, cos_n]
            if n > 0:
                products[cos_m, sin_n] = 0.5 * (sines[m + n] - sines[m - n])
                products[sin_n, cos_m] = products[cos_m, sin_n]
                products[sin_m, sin_n] = 0.5 * (cosines[m - n] - cosines[m + n])
                products[sin_n, sin_m] = products[sin_m, sin_n]


def fill_band_rows(
    products: FloatArray, projections: FloatArray, penalty: float, rows: FloatArray
) -> None:
    """Fill the equations of one band: its own columns, the shared ones, the right-hand side.

    ``projections`` are the sums of w y times each column.
    """
    own = rows.shape[0]
    shared = rows.shape[1] - own - 1
    for i in range(own):
        for j in range(own):
            rows[i, j] = products[i, j]
        for j in range(shared):
            rows[i, own + j] = products[i, j]
        rows[i, i] += penalty
        rows[i, own + shared] = projections[i]


def reduce_rows(rows: FloatArray, smallest: float) -> float:
    """Eliminate in place (Cholesky); returns the chi-square that these equations explain.

    A row of which not more than ``smallest`` is left by the earlier ones tells nothing and becomes
    zero.
    """
    last = rows.shape[1] - 1
    explained = 0.0
    for i in range(rows.shape[0]):
        pivot = rows[i, i]
        for k in range(i):
            pivot -= rows[k, i] * rows[k, i]
        inverse = 1.0 / math.sqrt(pivot) if pivot > smallest else 0.0
        for j in range(i, last + 1):
            value = rows[i, j]
            for k in range(i):
                value -= rows[k, i] * rows[k, j]
            rows[i, j] = value * inverse
        explained += rows[i, last] * rows[i, last]
    return explained


def add_to_shared_rows(
    products: FloatArray, projections: FloatArray, rows: FloatArray, shared_rows: FloatArray
) -> None:
    """Add a band to the equations of the shared series, less what its reduced rows explain."""
    own, size = rows.shape[0], shared_rows.shape[0]
    for i in range(size):
        for j in range(i, size + 1):
            value = products[i, j] if j < size else projections[i]
            for k in range(own):
                value -= rows[k, own + i] * rows[k, own + j]
            shared_rows[i, j] += value
