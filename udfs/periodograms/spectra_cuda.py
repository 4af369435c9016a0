"""Trigonometric sums of many sources at any frequency on the GPU, from their sums at few.

The method is that of :mod:`udfs.periodograms.spectra`: matrix products at nodes, interpolation
between them. The products stay in registers: a thread keeps the sums of eight nodes and four
sources, so that each number that it reads serves many multiplications.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda, float32, int64, uint64

from udfs.devices import blocks_for
from udfs.periodograms.phases_cuda import waves
from udfs.periodograms.spectra import TAPS, Interpolation
from udfs.ragged import FloatArray

# Threads side by side, with so many sources each; groups of nodes in a block of threads, and the
# nodes of a thread. Two sums for each: 64 registers.
LANES = 32
WARPS = 8
SOURCES = 4
NODES = 8
THREADS = 128


@dataclass(frozen=True)
class Nodes:
    """Sums over the exposures at the nodes around a stretch of frequencies, on the device.

    Attributes
    ----------
    sums : (n_nodes, 2, n_padded) float32
        Those with the cosine, then those with the sine.
    row : (n_freq,) int64
        First node of each frequency.
    taps : (n_freq, TAPS) float32
        Weights of its nodes.
    """

    sums: Any
    row: Any
    taps: Any


def tile() -> int:
    """Columns of the values are a multiple of so many."""
    return LANES * SOURCES


def nodes_around(freq: FloatArray, time: Any, values: Any, kernel: Interpolation) -> Nodes:
    """Sums of the values times cosine and sine, for interpolation at the frequencies.

    Parameters
    ----------
    freq : (n_freq,) float64, cycles/day, ascending
        A short stretch: the nodes cover it from end to end.
    time : (n_exposures,) float64 on the device, days, centred on 0
    values : (n_exposures, n_padded) float32 on the device
        Times the correction of the kernel; columns a multiple of :func:`tile`.
    kernel : Interpolation
        Of these times.
    """
    step = kernel.step_per_day
    first = math.floor(freq[0] / step) - TAPS // 2 + 1
    n_nodes = math.floor(freq[-1] / step) + TAPS // 2 - first + 1
    trig = waves(time, step * np.arange(first, first + n_nodes), group=NODES)
    n_exposures, columns = values.shape
    sums = cuda.device_array((n_nodes, 2, columns), np.float32)
    grid = (blocks_for(n_nodes, NODES * WARPS), columns // tile())
    launch = _sums(LANES, NODES)[grid, (LANES, WARPS)]
    launch(trig.ravel(), values.ravel(), n_exposures, sums)
    row = cuda.device_array(freq.size, np.int64)
    taps = cuda.device_array((freq.size, TAPS), np.float32)
    launch = _taps[blocks_for(freq.size, THREADS), THREADS]
    launch(cuda.to_device(freq), step, kernel.shape, first, row, taps)
    return Nodes(sums, row, taps)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def interpolate(
    sums: Any, columns: int, row: Any, taps: Any, f: int, column: int
) -> tuple[Any, Any]:
    """Sums of a column with cosine and sine at a frequency; ``sums`` flat."""
    cos_sum, sin_sum = float32(0.0), float32(0.0)
    width = uint64(columns)
    cell = uint64(row[f]) * uint64(2) * width + uint64(column)
    for j in range(TAPS):
        tap = taps[f, j]
        cos_sum += tap * sums[cell]
        sin_sum += tap * sums[cell + width]
        cell += uint64(2) * width
    return cos_sum, sin_sum


@functools.cache
def _sums(lanes: int, nodes: int) -> Any:
    """The kernel for so many lanes and nodes of a thread; its sums are registers."""
    columns = lanes * SOURCES

    @cuda.jit  # type: ignore[untyped-decorator]
    def fill(trig: Any, values: Any, n_exposures: int, out: Any) -> None:
        group = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
        first = group * nodes
        if first >= out.shape[0]:
            return
        with_cos = cuda.local.array((SOURCES, nodes), float32)
        with_sin = cuda.local.array((SOURCES, nodes), float32)
        for j in range(SOURCES):
            for i in range(nodes):
                with_cos[j, i] = with_sin[j, i] = float32(0.0)
        # Indices without a sign: numba checks others for negative ones in every step.
        wave = uint64(group * 2 * nodes)
        cell = uint64(cuda.blockIdx.y * columns + cuda.threadIdx.x)
        next_wave = uint64(trig.size // n_exposures)
        next_row = uint64(values.size // n_exposures)
        for _ in range(n_exposures):
            for i in range(nodes):
                c, s = trig[wave + uint64(i)], trig[wave + uint64(nodes + i)]
                for j in range(SOURCES):
                    value = values[cell + uint64(j * lanes)]
                    with_cos[j, i] += value * c
                    with_sin[j, i] += value * s
            wave += next_wave
            cell += next_row
        for j in range(SOURCES):
            column = cuda.blockIdx.y * columns + j * lanes + cuda.threadIdx.x
            for i in range(nodes):
                if first + i < out.shape[0]:
                    out[first + i, 0, column] = with_cos[j, i]
                    out[first + i, 1, column] = with_sin[j, i]

    return fill


@cuda.jit  # type: ignore[untyped-decorator]
def _taps(freq: Any, step: float, shape: float, first: int, row: Any, taps: Any) -> None:
    f = cuda.grid(1)
    if f >= freq.size:
        return
    centre = freq[f] / step
    lowest = int64(math.floor(centre)) - TAPS // 2 + 1
    row[f] = lowest - first
    for j in range(TAPS):
        x = (centre - (lowest + j)) / (TAPS / 2)
        # Rounding may put the outermost node just beyond the kernel.
        inside = max(1.0 - x * x, 0.0)
        taps[f, j] = math.exp(shape * (math.sqrt(inside) - 1.0))
