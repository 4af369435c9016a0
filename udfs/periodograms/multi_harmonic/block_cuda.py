"""Multi-harmonic fits of many sources over shared exposures on the GPU.

The sums that the normal equations need are interpolated between nodes
(:mod:`udfs.periodograms.spectra_cuda`); a thread then solves them for one source.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda, float32, float64

from udfs.devices import blocks_for
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.multi_harmonic.formula import RIDGE, chi2_reductions
from udfs.periodograms.phases_cuda import padded
from udfs.periodograms.spectra import FINE, Interpolation, interpolation
from udfs.periodograms.spectra_cuda import interpolate, nodes_around, tile
from udfs.ragged import FloatArray

THREADS = 128

_reductions = cuda.jit(device=True)(chi2_reductions)


@dataclass(frozen=True)
class MultiHarmonicBlock:
    """A block as the kernels read it, on the device; sources padded to whole tiles.

    Attributes
    ----------
    time : (n_exposures,) float64, days
    kernel : Interpolation
        The matrices below are corrected for it.
    weighted, weights : (n_exposures, n_padded) float32
        Weighted deviations from the weighted mean, and weights.
    offset, weight : (n_padded,) float32
        Sums of the two over the exposures.
    n_lc : int
    """

    time: Any
    kernel: Interpolation
    weighted: Any
    weights: Any
    offset: Any
    weight: Any
    n_lc: int


def prepare(block: ExposureBlock) -> MultiHarmonicBlock:
    """The block in the kernels' layout, on the device."""
    # Where the phases of the nights coincide, only the ridge outweighs the error of the weights.
    kernel = interpolation(block.time, FINE)
    rows = kernel.correction[:, None]
    weighted = block.weight * block.deviation
    planes = {
        "weighted": rows * weighted,
        "weights": rows * block.weight,
        "offset": weighted.sum(axis=0),
        "weight": block.weight.sum(axis=0),
    }
    return MultiHarmonicBlock(
        time=cuda.to_device(block.time),
        kernel=kernel,
        **{name: cuda.to_device(padded(a, multiple=tile())) for name, a in planes.items()},
        n_lc=block.n.size,
    )


def reductions(block: MultiHarmonicBlock, freq: FloatArray, *, harmonics: int) -> Any:
    """Reduction of chi-square of each source at each frequency, by 1 to ``harmonics`` harmonics.

    Parameters
    ----------
    block : MultiHarmonicBlock
    freq : (n_freq,) float64, cycles/day, ascending; at least one
        A short stretch of the grid: the nodes cover it, and its multiples, from end to end.
    harmonics : int

    Returns
    -------
    (harmonics, n_freq, n_padded) float32 on the device
        As :func:`udfs.periodograms.multi_harmonic.multi_harmonic` with the shared times; 0 beyond
        the sources.
    """
    columns = block.weight.size
    # Sums of w cos, w sin, w y cos and w y sin of each order.
    sums = cuda.device_array((4, 2 * harmonics + 1, freq.size, columns), np.float32)
    grid = (freq.size, blocks_for(columns, THREADS))
    for k in range(1, 2 * harmonics + 1):
        nodes = nodes_around(k * freq, block.time, block.weights, block.kernel)
        _order[grid, THREADS](nodes.sums.ravel(), nodes.row, nodes.taps, sums[0, k], sums[1, k])
        if k <= harmonics:
            nodes = nodes_around(k * freq, block.time, block.weighted, block.kernel)
            _order[grid, THREADS](nodes.sums.ravel(), nodes.row, nodes.taps, sums[2, k], sums[3, k])
    out = cuda.device_array((harmonics, freq.size, columns), np.float32)
    _kernel(harmonics)[grid, THREADS](sums, block.weight, block.offset, RIDGE, out)
    return out


@cuda.jit  # type: ignore[untyped-decorator]
def _order(nodes: Any, row: Any, taps: Any, cosine: Any, sine: Any) -> None:
    f, column = cuda.blockIdx.x, cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    if column < cosine.shape[1]:
        found = interpolate(nodes, cosine.shape[1], row, taps, f, column)
        cosine[f, column], sine[f, column] = found


@functools.cache
def _kernel(harmonics: int) -> Any:
    """The kernel for so many harmonics: the sums of a thread are arrays of a fixed size."""
    orders = size = 2 * harmonics + 1
    columns = size + 1

    @cuda.jit  # type: ignore[untyped-decorator]
    def fill(sums: Any, weight: Any, offset: Any, ridge: float, out: Any) -> None:
        f, column = cuda.blockIdx.x, cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
        if column >= weight.size:
            return
        mine = cuda.local.array((4, orders), float32)
        factor = cuda.local.array((size, columns), float64)
        gained = cuda.local.array(harmonics, float64)
        mine[0, 0], mine[1, 0] = weight[column], float32(0.0)
        mine[2, 0], mine[3, 0] = offset[column], float32(0.0)
        for k in range(1, orders):
            for which in range(4 if k <= harmonics else 2):
                mine[which, k] = sums[which, k, f, column]
        _reductions(mine[0], mine[1], mine[2], mine[3], factor, ridge, gained)
        for k in range(harmonics):
            out[k, f, column] = gained[k]

    return fill
