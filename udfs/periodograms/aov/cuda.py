"""AOV on the GPU: a thread per frequency, whose bins are a column of shared memory."""

from numba import cuda, float64, int32

from udfs.devices import blocks_for, threads_that_fit
from udfs.periodograms.aov.formula import theta_from_squares
from udfs.periodograms.phases_cuda import phase_bin
from udfs.ragged import FloatArray

# Threads of a block at most, and epochs that it holds in shared memory at a time.
THREADS = 128

_theta = cuda.jit(device=True)(theta_from_squares)


def one_curve(
    elapsed: FloatArray, scaled: FloatArray, freq: FloatArray, *, phase_bins: int
) -> FloatArray:
    """Theta of one curve; see :mod:`udfs.periodograms.aov`."""
    out = cuda.device_array(freq.size)
    if freq.size:
        centred = scaled - scaled.mean()
        # A sum and a count for each bin, a time and a magnitude.
        bytes_per_thread = 12 * phase_bins + 16
        threads = threads_that_fit(bytes_per_thread, at_most=THREADS)
        launch = _fill[blocks_for(freq.size, threads), threads, 0, bytes_per_thread * threads]
        epochs = cuda.to_device(elapsed), cuda.to_device(centred)
        launch(*epochs, cuda.to_device(freq), phase_bins, (centred**2).sum(), out)
    return out.copy_to_host()  # type: ignore[no-any-return]


@cuda.jit  # type: ignore[untyped-decorator]
def _fill(
    elapsed: FloatArray,
    centred: FloatArray,
    freq: FloatArray,
    phase_bins: int,
    squares: float,
    out: FloatArray,
) -> None:
    tile = cuda.blockDim.x
    here = cuda.threadIdx.x
    shared = cuda.shared.array(0, float64)
    counts = cuda.shared.array(0, int32)
    # Neighbouring threads own neighbouring words: no two of a warp meet in one bank, and no
    # addition is shared, so that none needs to be atomic.
    first_total = 2 * tile + here
    first_count = 2 * (2 + phase_bins) * tile + here
    f = cuda.grid(1)
    mine = freq[min(f, freq.size - 1)]
    for b in range(phase_bins):
        shared[first_total + b * tile] = 0.0
        counts[first_count + b * tile] = 0
    for start in range(0, elapsed.size, tile):
        cuda.syncthreads()
        if start + here < elapsed.size:
            shared[here] = elapsed[start + here]
            shared[tile + here] = centred[start + here]
        cuda.syncthreads()
        for j in range(min(tile, elapsed.size - start)):
            b = phase_bin(mine, shared[j], phase_bins)
            shared[first_total + b * tile] += shared[tile + j]
            counts[first_count + b * tile] += 1
    between = 0.0
    for b in range(phase_bins):
        total = shared[first_total + b * tile]
        # An empty bin has total 0 and adds nothing.
        between += total * total / max(counts[first_count + b * tile], 1)
    if f < out.size:
        out[f] = _theta(elapsed.size, phase_bins, between, squares)
