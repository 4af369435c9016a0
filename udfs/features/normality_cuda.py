"""Anderson-Darling statistic and weights of Shapiro-Wilk on the GPU: a block of threads a curve."""

import math

from numba import cuda, float64

from udfs.features import normality_formula as formula
from udfs.features.block_sums_cuda import add_up, shared_bytes
from udfs.features.normality_formula import BOTH_TAILS, SHAPIRO_MIN_POINTS
from udfs.ragged import FloatArray, IntArray

THREADS = 64

_log_normal_cdf = cuda.jit(device=True)(formula.log_normal_cdf)
_log_tails = cuda.jit(device=True)(formula.log_tails)
_normal_quantile = cuda.jit(device=True)(formula.normal_quantile)
_corrected_weights = cuda.jit(device=True)(formula.corrected_weights)


def fill_normality(
    ordered_ratio: FloatArray, offsets: IntArray, darling: FloatArray, weights: FloatArray
) -> None:
    """Fill Anderson and Darling's statistic and Shapiro and Wilk's weights of each curve.

    All arrays are on the device; as :mod:`udfs.features.normality`. The n // 2 weights of a curve
    begin where the curve does.
    """
    launch = _fill[offsets.size - 1, THREADS, 0, shared_bytes(1, THREADS)]
    launch(ordered_ratio, offsets, darling, weights)


@cuda.jit  # type: ignore[untyped-decorator]
def _fill(
    ordered_ratio: FloatArray, offsets: IntArray, darling: FloatArray, weights: FloatArray
) -> None:
    shared = cuda.shared.array(0, float64)
    totals = cuda.shared.array(1, float64)
    curve = cuda.blockIdx.x
    start, stop = offsets[curve], offsets[curve + 1]
    _shapiro_weights(stop - start, shared, totals, weights[start:stop])
    value = _anderson_darling(ordered_ratio[start:stop], shared, totals)
    if cuda.threadIdx.x == 0:
        darling[curve] = value


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _total(value: float, shared: FloatArray, totals: FloatArray) -> float:
    mine = cuda.local.array(1, float64)
    mine[0] = value
    add_up(mine, shared, totals)
    return float(totals[0])


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _shapiro_weights(n: int, shared: FloatArray, totals: FloatArray, weights: FloatArray) -> None:
    tile, here = cuda.blockDim.x, cuda.threadIdx.x
    if n == SHAPIRO_MIN_POINTS and here == 0:
        weights[0] = math.sqrt(0.5)
    if n <= SHAPIRO_MIN_POINTS:
        return
    squares = 0.0
    for i in range(here, n // 2, tile):
        score = _normal_quantile((i + 1 - 0.375) / (n + 0.25))
        weights[i] = score
        squares += 2.0 * score * score
    squares = _total(squares, shared, totals)
    largest, second, factor = _corrected_weights(n, weights[0], weights[1], squares)
    cuda.syncthreads()
    for i in range(here, n // 2, tile):
        weights[i] *= factor
        if i == 0:
            weights[i] = largest
        elif i == 1:
            weights[i] = second


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _anderson_darling(ordered: FloatArray, shared: FloatArray, totals: FloatArray) -> float:
    n = ordered.size
    tile, here = cuda.blockDim.x, cuda.threadIdx.x
    if n < 2:
        return math.nan
    total = 0.0
    for i in range(here, n, tile):
        total += ordered[i]
    mean = _total(total, shared, totals) / n
    total = 0.0
    for i in range(here, n, tile):
        total += (ordered[i] - mean) ** 2
    deviation = math.sqrt(_total(total, shared, totals) / (n - 1))
    if not deviation > 0.0:
        return math.nan
    total = 0.0
    for i in range(here, n, tile):
        z = (ordered[i] - mean) / deviation
        if abs(z) < BOTH_TAILS:
            outside, inside = _log_tails(z)
        else:
            outside, inside = _log_normal_cdf(-abs(z)), 0.0
        below, above = (outside, inside) if z < 0.0 else (inside, outside)
        total += (2 * i + 1) * below + (2 * (n - i) - 1) * above
    return float(-n - _total(total, shared, totals) / n)
