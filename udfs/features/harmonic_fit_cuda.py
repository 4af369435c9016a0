"""The Fourier fit on the GPU: a block of threads per curve, the same sums as on the CPU.

The threads share the epochs of the two sweeps; one of them solves for all orders in between. A
curve that the sums do not serve (a period near or beyond the baseline, or phases seen in part)
goes to the CPU, whose numbers it then has.
"""

import math

import numpy as np
from numba import cuda, float64

from udfs.features import harmonic_formula as formula
from udfs.features.block_sums_cuda import add_up, shared_bytes
from udfs.features.harmonic_fit import fit_curves as fit_curves_on_cpu
from udfs.features.harmonic_formula import ACCURATE, HARMONICS, INDEPENDENT, PARAMETERS
from udfs.ragged import FloatArray, IntArray, take_rows

THREADS = 64
# Where a sweep keeps its sums: w cos k and w sin k beside each other for k = 0..10, w u cos k and
# w u sin k for k = 0..5, w u u, and the products of the columns with the weighted magnitudes.
_SLOPES = 2 * (2 * HARMONICS + 1)
_ORDERS = HARMONICS + 1
_SQUARE = _SLOPES + 2 * _ORDERS
_PRODUCTS = _SQUARE + 1
_SUMS = _PRODUCTS + PARAMETERS
# The second sweep: products of the columns with the weighted residuals, and chi-square.
_CHI2 = PARAMETERS
_REST = _CHI2 + 1

_cos_sin_turn = cuda.jit(device=True)(formula.cos_sin_turn)
_fill_normal_matrix = cuda.jit(device=True)(formula.fill_normal_matrix)
_factorise = cuda.jit(device=True)(formula.factorise)
_solve_lower = cuda.jit(device=True)(formula.solve_lower)
_solve_upper = cuda.jit(device=True)(formula.solve_upper)
_choose_size = cuda.jit(device=True)(formula.choose_size)
_fill_coefficients = cuda.jit(device=True)(formula.fill_coefficients)


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
    start_day, span_day = _start_and_span(time, offsets)
    usable = np.isfinite(period) & (period > 0) & (span_day > 0)
    curves = np.flatnonzero(usable & (np.diff(offsets) >= PARAMETERS))
    if curves.size == 0:
        return
    with np.errstate(invalid="ignore", divide="ignore"):
        zero_phase = (start_day + epoch_offset_day) / period
    of_curves = (curves, start_day, span_day, period, zero_phase)
    epochs = (cuda.to_device(array) for array in (time, mag, magerr, offsets))
    done, rows = cuda.device_array(curves.size, np.int32), cuda.to_device(out)
    launch = _fit[curves.size, THREADS, 0, shared_bytes(_SUMS, THREADS)]
    launch(*epochs, *(cuda.to_device(array) for array in of_curves), done, rows)
    rows.copy_to_host(out)
    _fit_the_others(
        curves[done.copy_to_host() == 0], time, mag, magerr, offsets, period, epoch_offset_day, out
    )


def _start_and_span(time: FloatArray, offsets: IntArray) -> tuple[FloatArray, FloatArray]:
    """Earliest time of each curve, and what the latest is later; 0 for empty ones."""
    filled = np.diff(offsets) > 0
    starts = offsets[:-1][filled]
    first, last = np.zeros(filled.size), np.zeros(filled.size)
    if starts.size:
        first[filled] = np.minimum.reduceat(time, starts)
        last[filled] = np.maximum.reduceat(time, starts)
    return first, last - first


def _fit_the_others(
    curves: IntArray,
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    period: FloatArray,
    epoch_offset_day: float,
    out: FloatArray,
) -> None:
    if curves.size:
        epochs, bounds = take_rows(offsets, curves)
        rows = out[curves]
        t, m, e = time[epochs], mag[epochs], magerr[epochs]
        fit_curves_on_cpu(t, m, e, bounds, period[curves], epoch_offset_day, rows)
        out[curves] = rows


@cuda.jit  # type: ignore[untyped-decorator]
def _fit(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, offsets: IntArray, curves: IntArray,
    start_day: FloatArray, span_day: FloatArray, period: FloatArray, zero_phase: FloatArray,
    done: IntArray, out: FloatArray,
) -> None:  # fmt: skip
    shared = cuda.shared.array(0, float64)
    sums = cuda.shared.array(_SUMS, float64)
    factor = cuda.shared.array((PARAMETERS, PARAMETERS), float64)
    projections = cuda.shared.array(PARAMETERS, float64)
    solution = cuda.shared.array(PARAMETERS, float64)
    one = cuda.threadIdx.x == 0
    block = cuda.blockIdx.x
    curve = curves[block]
    start, stop = offsets[curve], offsets[curve + 1]
    t, m, e = time[start:stop], mag[start:stop], magerr[start:stop]
    begin, span, days = start_day[curve], span_day[curve], period[curve]
    mean = _weighted_mean(m, e, shared, sums)
    _sums_of_columns(t, m, e, begin, span, days, mean, shared, sums)
    if one:
        done[block] = 1 if _solve(sums, factor, projections, solution) else 0
    cuda.syncthreads()
    if done[block] == 0:
        return
    _sums_of_residuals(t, m, e, begin, span, days, mean, solution, shared, sums)
    if one:
        accurate = _is_accurate(factor, sums)
        done[block] = 1 if accurate else 0
        if accurate:
            row = out[curve]
            size = _choose_size(m.size, projections, sums[_CHI2], row)
            _solve_upper(factor, projections, size, solution)
            solution[0] += mean
            _fill_coefficients(solution, span, zero_phase[curve], row)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _weighted_mean(
    mag: FloatArray, magerr: FloatArray, shared: FloatArray, sums: FloatArray
) -> float:
    mine = cuda.local.array(2, float64)
    mine[0] = mine[1] = 0.0
    for j in range(cuda.threadIdx.x, mag.size, cuda.blockDim.x):
        weight = 1.0 / (magerr[j] * magerr[j])
        mine[0] += weight
        mine[1] += weight * mag[j]
    add_up(mine, shared, sums)
    return float(sums[1] / sums[0])


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _fill_waves(elapsed_day: float, period: float, waves: FloatArray) -> None:
    """Fill cos k and sin k beside each other, from k = 0."""
    cycles = elapsed_day / period
    cosine, sine = _cos_sin_turn(cycles - math.floor(cycles))
    c, s = 1.0, 0.0
    for k in range(waves.size // 2):
        waves[2 * k], waves[2 * k + 1] = c, s
        c, s = c * cosine - s * sine, s * cosine + c * sine


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _sums_of_columns(
    time: FloatArray, mag: FloatArray, magerr: FloatArray,
    begin: float, span: float, period: float, mean: float,
    shared: FloatArray, sums: FloatArray,
) -> None:  # fmt: skip
    # Every index into these is known to the compiler, which can keep them in registers.
    mine = cuda.local.array(_SUMS, float64)
    waves = cuda.local.array(_SLOPES, float64)
    for k in range(_SUMS):
        mine[k] = 0.0
    for j in range(cuda.threadIdx.x, time.size, cuda.blockDim.x):
        elapsed_day = time[j] - begin
        u = elapsed_day / span
        weight = 1.0 / (magerr[j] * magerr[j])
        y = weight * (mag[j] - mean)
        _fill_waves(elapsed_day, period, waves)
        for k in range(_SLOPES):
            mine[k] += weight * waves[k]
        for k in range(2 * _ORDERS):
            mine[_SLOPES + k] += weight * u * waves[k]
        mine[_SQUARE] += weight * u * u
        waves[1] = u
        for k in range(PARAMETERS):
            mine[_PRODUCTS + k] += y * waves[k]
    add_up(mine, shared, sums)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _solve(
    sums: FloatArray, factor: FloatArray, projections: FloatArray, solution: FloatArray
) -> bool:
    """The solution of order 5; False if some columns are nearly sums of others."""
    slopes = cuda.local.array((3, _ORDERS), float64)
    for k in range(_ORDERS):
        slopes[0, k], slopes[1, k] = sums[_SLOPES + 2 * k], sums[_SLOPES + 2 * k + 1]
    slopes[2, 0] = sums[_SQUARE]
    _fill_normal_matrix(sums[0:_SLOPES:2], sums[1:_SLOPES:2], slopes, factor)
    if not _factorise(factor, INDEPENDENT):
        return False
    for k in range(PARAMETERS):
        projections[k] = sums[_PRODUCTS + k]
    _solve_lower(factor, projections)
    _solve_upper(factor, projections, PARAMETERS, solution)
    return True


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _sums_of_residuals(
    time: FloatArray, mag: FloatArray, magerr: FloatArray,
    begin: float, span: float, period: float, mean: float, solution: FloatArray,
    shared: FloatArray, sums: FloatArray,
) -> None:  # fmt: skip
    mine = cuda.local.array(_REST, float64)
    columns = cuda.local.array(PARAMETERS, float64)
    for k in range(_REST):
        mine[k] = 0.0
    for j in range(cuda.threadIdx.x, time.size, cuda.blockDim.x):
        elapsed_day = time[j] - begin
        _fill_waves(elapsed_day, period, columns)
        columns[1] = elapsed_day / span
        residual = mag[j] - mean
        for k in range(PARAMETERS):
            residual -= solution[k] * columns[k]
        weighted = residual / (magerr[j] * magerr[j])
        for k in range(PARAMETERS):
            mine[k] += weighted * columns[k]
        mine[_CHI2] += weighted * residual
    add_up(mine, shared, sums)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _is_accurate(factor: FloatArray, sums: FloatArray) -> bool:
    """Whether the columns explain nothing of the residuals, as after a fit they should not."""
    rest = sums[:PARAMETERS]
    _solve_lower(factor, rest)
    explained = 0.0
    for k in range(PARAMETERS):
        explained += rest[k] * rest[k]
    return not explained > ACCURATE * ACCURATE * sums[_CHI2]
