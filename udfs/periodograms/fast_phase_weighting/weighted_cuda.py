"""Sums of phase bins with errors on the GPU: a thread per frequency, its bins in shared memory."""

from typing import Any

from numba import cuda

from udfs.periodograms.phases_cuda import phase_bin

# Threads of a block at most, and epochs that it holds in shared memory at a time.
THREADS = 128


def shared_bytes_per_thread(phase_bins: int) -> int:
    """Shared memory of a thread: an epoch of three numbers, and two sums for each bin."""
    return 8 * (3 + 2 * phase_bins)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def sums_per_bin(
    elapsed: Any, weighted: Any, weight: Any, freq: float, shared: Any, bins: Any
) -> None:
    """Fill ``bins[b]`` with the sums of w y and of w of phase bin b.

    All threads of a block must call it: they load the epochs together into ``shared``, float64.
    """
    tile, here = cuda.blockDim.x, cuda.threadIdx.x
    phase_bins = bins.shape[0]
    # Neighbouring threads own neighbouring words, as in aov/cuda.py.
    first = 3 * tile + here
    for cell in range(2 * phase_bins):
        shared[first + cell * tile] = 0.0
    for start in range(0, elapsed.size, tile):
        cuda.syncthreads()
        if start + here < elapsed.size:
            shared[here] = elapsed[start + here]
            shared[tile + here] = weighted[start + here]
            shared[2 * tile + here] = weight[start + here]
        cuda.syncthreads()
        for j in range(min(tile, elapsed.size - start)):
            cell = first + 2 * tile * phase_bin(freq, shared[j], phase_bins)
            shared[cell] += shared[tile + j]
            shared[cell + tile] += shared[2 * tile + j]
    for b in range(phase_bins):
        bins[b, 0] = shared[first + 2 * tile * b]
        bins[b, 1] = shared[first + 2 * tile * b + tile]
