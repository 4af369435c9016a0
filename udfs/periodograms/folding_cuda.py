"""Exposures in the order of their phase, on the GPU: what all sources of a block share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda, int32

from udfs.devices import blocks_for, threads_that_fit
from udfs.periodograms.phases_cuda import phase_bin
from udfs.ragged import FloatArray

# Threads of a block at most: each folds at one frequency.
THREADS = 64
# Rows that a kernel reads at once: four indices of 16 bits are one word.
GROUP = 4
MAX_EXPOSURES = 0xFFFF - 1


@dataclass(frozen=True)
class DeviceFold:
    """Exposures sorted by phase bin, for each frequency, in groups of four.

    A sum over one bin runs over neighbours in this order in registers: the scattered additions of a
    histogram are gone. Each bin begins a group of its own; where it does not fill its last
    group, the row after the last exposure stands, which holds nothing.

    Attributes
    ----------
    order : (n_freq, n_groups) uint64 on the device
        Exposures bin by bin, by time within a bin, four to a word, the first in the low bits.
    starts : (n_freq, phase_bins + 1) int32 on the device
        Bin ``b`` owns the groups ``starts[f, b]`` to ``starts[f, b + 1]``.
    """

    order: Any
    starts: Any


def fold_exposures(elapsed: Any, freq: FloatArray, *, phase_bins: int) -> DeviceFold:
    """Fold the shared exposures at each frequency; phase 0 is elapsed time 0.

    Parameters
    ----------
    elapsed : (n_exposures,) float64 on the device, days
    freq : (n_freq,) float64, cycles/day; at least one
    phase_bins : int

    Raises
    ------
    ValueError
        If there are more exposures than 16 bits can number.
    """
    if elapsed.size > MAX_EXPOSURES:
        raise ValueError(
            f"{elapsed.size} shared exposures, but the block kernels take {MAX_EXPOSURES} at "
            "most; set times='exact'"
        )
    groups = elapsed.size // GROUP + phase_bins
    order = cuda.device_array((freq.size, GROUP * groups), np.uint16)
    starts = cuda.device_array((freq.size, phase_bins + 1), np.int32)
    bytes_per_thread = 4 * phase_bins
    threads = threads_that_fit(bytes_per_thread, at_most=THREADS)
    launch = _fold[blocks_for(freq.size, threads), threads, 0, bytes_per_thread * threads]
    launch(elapsed, cuda.to_device(freq), phase_bins, order, starts)
    return DeviceFold(order.view(np.uint64), starts)


@cuda.jit  # type: ignore[untyped-decorator]
def _fold(elapsed: Any, freq: Any, phase_bins: int, order: Any, starts: Any) -> None:
    # One column per thread: how many exposures a bin holds, then where its next one goes.
    free = cuda.shared.array(0, int32)
    here, step = cuda.threadIdx.x, cuda.blockDim.x
    f = cuda.grid(1)
    if f >= freq.size:
        return
    for b in range(phase_bins):
        free[here + b * step] = 0
    for k in range(elapsed.size):
        free[here + phase_bin(freq[f], elapsed[k], phase_bins) * step] += 1
    group = 0
    for b in range(phase_bins):
        starts[f, b] = group
        count = free[here + b * step]
        free[here + b * step] = group * GROUP
        group += (count + GROUP - 1) // GROUP
    starts[f, phase_bins] = group
    for k in range(elapsed.size):
        b = phase_bin(freq[f], elapsed[k], phase_bins)
        order[f, free[here + b * step]] = k
        free[here + b * step] += 1
    for b in range(phase_bins):
        for gap in range(free[here + b * step], starts[f, b + 1] * GROUP):
            order[f, gap] = elapsed.size
