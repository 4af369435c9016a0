"""FPW on the GPU: a thread per frequency."""

import functools
from typing import Any

from numba import cuda, float64

from udfs.devices import blocks_for, threads_that_fit
from udfs.periodograms.fast_phase_weighting import weighted_cuda
from udfs.periodograms.fast_phase_weighting.formula import gain_from_bins
from udfs.periodograms.fast_phase_weighting.weighted_cuda import sums_per_bin
from udfs.ragged import FloatArray

_gain = cuda.jit(device=True)(gain_from_bins)


def one_curve(
    elapsed: FloatArray,
    centred: FloatArray,
    weight: FloatArray,
    freq: FloatArray,
    *,
    phase_bins: int,
) -> FloatArray:
    """Gain of one curve; see :mod:`udfs.periodograms.fast_phase_weighting`."""
    out = cuda.device_array(freq.size)
    if freq.size:
        bytes_per_thread = weighted_cuda.shared_bytes_per_thread(phase_bins)
        threads = threads_that_fit(bytes_per_thread, at_most=weighted_cuda.THREADS)
        arrays = (elapsed, weight * centred, weight, freq)
        grid = blocks_for(freq.size, threads)
        launch = _kernel(phase_bins)[grid, threads, 0, bytes_per_thread * threads]
        launch(*(cuda.to_device(array) for array in arrays), out)
    return out.copy_to_host()  # type: ignore[no-any-return]


@functools.cache
def _kernel(phase_bins: int) -> Any:
    """The kernel for so many bins."""

    @cuda.jit  # type: ignore[untyped-decorator]
    def fill(elapsed: Any, weighted: Any, weight: Any, freq: Any, out: Any) -> None:
        shared = cuda.shared.array(0, float64)
        bins = cuda.local.array((phase_bins, 2), float64)
        f = cuda.grid(1)
        sums_per_bin(elapsed, weighted, weight, freq[min(f, freq.size - 1)], shared, bins)
        if f < out.size:
            out[f] = _gain(bins)

    return fill
