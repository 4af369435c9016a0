"""BLS on the GPU: a thread per frequency; each box costs two differences of cumulative sums."""

import functools
from typing import Any

from numba import cuda, float64

from udfs.devices import blocks_for, threads_that_fit
from udfs.periodograms.box_least_squares.formula import best_share
from udfs.periodograms.fast_phase_weighting import weighted_cuda
from udfs.periodograms.fast_phase_weighting.weighted_cuda import sums_per_bin
from udfs.ragged import FloatArray

_best_share = cuda.jit(device=True)(best_share)


def one_curve(
    elapsed: FloatArray,
    centred: FloatArray,
    weight: FloatArray,
    freq: FloatArray,
    *,
    phase_bins: int,
    fewest: int,
    most: int,
) -> FloatArray:
    """Shares of one curve; see :func:`udfs.periodograms.box_least_squares.box_least_squares`."""
    out = cuda.device_array(freq.size)
    if freq.size:
        bytes_per_thread = weighted_cuda.shared_bytes_per_thread(phase_bins)
        threads = threads_that_fit(bytes_per_thread, at_most=weighted_cuda.THREADS)
        arrays = (elapsed, weight * centred, weight, freq)
        squares = float((weight * centred**2).sum())
        grid = blocks_for(freq.size, threads)
        launch = _kernel(phase_bins, most)[grid, threads, 0, bytes_per_thread * threads]
        launch(*(cuda.to_device(array) for array in arrays), fewest, squares, out)
    return out.copy_to_host()  # type: ignore[no-any-return]


@functools.cache
def _kernel(phase_bins: int, most: int) -> Any:
    """The kernel for so many bins and boxes of so many of them at most."""
    length = phase_bins + most + 1

    @cuda.jit  # type: ignore[untyped-decorator]
    def fill(
        elapsed: Any, weighted: Any, weight: Any, freq: Any, fewest: int, squares: float, out: Any
    ) -> None:
        shared = cuda.shared.array(0, float64)
        bins = cuda.local.array((phase_bins, 2), float64)
        f = cuda.grid(1)
        sums_per_bin(elapsed, weighted, weight, freq[min(f, freq.size - 1)], shared, bins)
        if f >= out.size:
            return
        inside_until = cuda.local.array(length, float64)
        weight_until = cuda.local.array(length, float64)
        best = cuda.local.array(phase_bins, float64)
        inside_until[0] = weight_until[0] = 0.0
        for b in range(length - 1):
            inside_until[b + 1] = inside_until[b] + bins[b % phase_bins, 0]
            weight_until[b + 1] = weight_until[b] + bins[b % phase_bins, 1]
        out[f] = _best_share(inside_until, weight_until, fewest, most, squares, best)

    return fill
