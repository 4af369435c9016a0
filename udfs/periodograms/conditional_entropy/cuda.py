"""Conditional entropy on the GPU: a thread per frequency counts into a column of shared memory."""

import numpy as np
import numpy.typing as npt
from numba import cuda, float64, int32, uint32

from udfs.devices import blocks_for, threads_that_fit
from udfs.periodograms.conditional_entropy.formula import count_log_count
from udfs.periodograms.phases_cuda import phase_bin
from udfs.ragged import FloatArray

# Threads of a block at most, and epochs that it holds in shared memory at a time.
THREADS = 128
# Epochs up to which two counts share a word.
SHORT_EPOCHS = 0xFFFF


def one_curve(
    elapsed: FloatArray,
    bins: npt.NDArray[np.int32],
    freq: FloatArray,
    *,
    phase_bins: int,
    mag_bins: int,
) -> FloatArray:
    """Entropy of one curve; see :mod:`udfs.periodograms.conditional_entropy`."""
    out = cuda.device_array(freq.size)
    if freq.size:
        shared_by = 2 if elapsed.size <= SHORT_EPOCHS else 1
        words = blocks_for(phase_bins * mag_bins, shared_by)
        # A time and a magnitude bin, and the counts.
        bytes_per_thread = 12 + 4 * words
        threads = threads_that_fit(bytes_per_thread, at_most=THREADS)
        launch = _fill[blocks_for(freq.size, threads), threads, 0, bytes_per_thread * threads]
        term = np.array([count_log_count(i) for i in range(elapsed.size + 1)])
        epochs = cuda.to_device(elapsed), cuda.to_device(bins)
        tables = cuda.to_device(freq), cuda.to_device(term)
        launch(*epochs, *tables, phase_bins, mag_bins, shared_by, out)
    return out.copy_to_host()  # type: ignore[no-any-return]


@cuda.jit  # type: ignore[untyped-decorator]
def _fill(
    elapsed: FloatArray,
    bins: npt.NDArray[np.int32],
    freq: FloatArray,
    term: FloatArray,
    phase_bins: int,
    mag_bins: int,
    shared_by: int,
    out: FloatArray,
) -> None:
    tile = cuda.blockDim.x
    here = cuda.threadIdx.x
    times = cuda.shared.array(0, float64)
    rows = cuda.shared.array(0, int32)
    counts = cuda.shared.array(0, uint32)
    first_row = 2 * tile
    # Neighbouring threads own neighbouring words, as in aov/cuda.py.
    first_count = 3 * tile + here
    half = shared_by - 1
    low = uint32(0xFFFFFFFF) >> uint32(16 * half)
    cells = phase_bins * mag_bins
    f = cuda.grid(1)
    mine = freq[min(f, freq.size - 1)]
    for word in range((cells + half) >> half):
        counts[first_count + word * tile] = 0
    for start in range(0, elapsed.size, tile):
        cuda.syncthreads()
        if start + here < elapsed.size:
            times[here] = elapsed[start + here]
            rows[first_row + here] = bins[start + here]
        cuda.syncthreads()
        for j in range(min(tile, elapsed.size - start)):
            cell = phase_bin(mine, times[j], phase_bins) * mag_bins + rows[first_row + j]
            counts[first_count + (cell >> half) * tile] += uint32(1) << uint32(16 * (cell & half))
    of_columns = of_cells = 0.0
    for b in range(phase_bins):
        column = 0
        for cell in range(b * mag_bins, (b + 1) * mag_bins):
            word = counts[first_count + (cell >> half) * tile]
            count = (word >> uint32(16 * (cell & half))) & low
            column += count
            of_cells += term[count]
        of_columns += term[column]
    if f < out.size:
        out[f] = (of_columns - of_cells) / elapsed.size
