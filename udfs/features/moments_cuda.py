"""The basic statistics on the GPU: a thread per curve, and a block of them for the normality tests.

The formulas walk a curve from one end to the other and are those of the CPU: with thousands of
curves a launch, a thread each fills the device. The terms of Anderson and Darling's sum and Shapiro
and Wilk's weights, which cost most, are spread over many threads a curve.
"""

from numba import cuda

from udfs.devices import blocks_for
from udfs.features import moments_formula as formula
from udfs.features.normality_cuda import fill_normality
from udfs.features.normality_formula import shapiro_wilk
from udfs.ragged import FloatArray, IntArray

THREADS = 64

_order_statistics = cuda.jit(device=True)(formula.order_statistics)
_weighted_moments = cuda.jit(device=True)(formula.weighted_moments)
_serial_statistics = cuda.jit(device=True)(formula.serial_statistics)
_shapiro_wilk = cuda.jit(device=True)(shapiro_wilk)


def moments(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    ordered: FloatArray,
    ordered_ratio: FloatArray,
    offsets: IntArray,
    out: FloatArray,
) -> None:
    """Fill one row of ``out`` per curve; see :func:`udfs.features.moments.moments`."""
    n_lc = offsets.size - 1
    if n_lc == 0:
        return
    ratio, bounds, rows = (cuda.to_device(array) for array in (ordered_ratio, offsets, out))
    darling, weights = cuda.device_array(n_lc), cuda.device_array(mag.size)
    fill_normality(ratio, bounds, darling, weights)
    epochs = (cuda.to_device(array) for array in (time, mag, magerr, ordered))
    _fill[blocks_for(n_lc, THREADS), THREADS](*epochs, ratio, bounds, darling, weights, rows)
    rows.copy_to_host(out)


@cuda.jit  # type: ignore[untyped-decorator]
def _fill(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, ordered: FloatArray,
    ordered_ratio: FloatArray, offsets: IntArray, darling: FloatArray, weights: FloatArray,
    out: FloatArray,
) -> None:  # fmt: skip
    curve = cuda.grid(1)
    if curve >= out.shape[0]:
        return
    start, stop = offsets[curve], offsets[curve + 1]
    n = stop - start
    row = out[curve]
    row[0] = n
    if n == 0:
        return
    m, e = mag[start:stop], magerr[start:stop]
    _order_statistics(ordered[start:stop], row)
    _weighted_moments(m, e, row)
    _serial_statistics(time[start:stop], m, e, row)
    row[20] = darling[curve]
    row[21] = _shapiro_wilk(ordered_ratio[start:stop], weights[start : start + n // 2])
