"""Lomb-Scargle of many sources over shared exposures on the GPU: matrix products, interpolation."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda, float32

from udfs.devices import blocks_for
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.lomb_scargle.formula import power_from_sums
from udfs.periodograms.phases_cuda import padded
from udfs.periodograms.spectra import FINE, Interpolation, interpolation
from udfs.periodograms.spectra_cuda import interpolate, nodes_around, tile
from udfs.ragged import FloatArray

THREADS = 128
# Share of the weight below which single precision cannot tell a sine from nothing.
UNSAMPLED = 1e-4

_power = cuda.jit(device=True)(power_from_sums)


@dataclass(frozen=True)
class LombScargleBlock:
    """A block as the kernels read it, on the device; sources padded to whole tiles.

    Attributes
    ----------
    time : (n_exposures,) float64, days
    kernel : Interpolation
        The matrices below are corrected for it.
    centred, seen : (n_exposures, n_padded) float32
        Magnitudes about the mean of the source, and 1 where it was seen, else 0.
    n : (n_padded,) float32
    n_lc : int
    """

    time: Any
    kernel: Interpolation
    centred: Any
    seen: Any
    n: Any
    n_lc: int


def prepare(block: ExposureBlock) -> LombScargleBlock:
    """The block in the kernels' layout, on the device."""
    mean = block.scaled.sum(axis=0) / np.maximum(block.n, 1)
    kernel = interpolation(block.time, FINE)
    rows = kernel.correction[:, None]
    centred = np.where(block.seen, block.scaled - mean, 0.0)
    return LombScargleBlock(
        time=cuda.to_device(block.time),
        kernel=kernel,
        centred=cuda.to_device(padded(rows * centred, multiple=tile())),
        seen=cuda.to_device(padded(rows * block.seen, multiple=tile())),
        n=cuda.to_device(padded(block.n, multiple=tile())),
        n_lc=block.n.size,
    )


def power(block: LombScargleBlock, freq: FloatArray) -> Any:
    """Power of each source at each frequency.

    Parameters
    ----------
    block : LombScargleBlock
    freq : (n_freq,) float64, cycles/day, ascending; at least one
        A short stretch of the grid: the nodes cover it from end to end.

    Returns
    -------
    (n_freq, n_padded) float32 on the device
        As :func:`udfs.periodograms.lomb_scargle.lomb_scargle` with the shared times; NaN for
        sources of fewer than 2 epochs and beyond the sources.
    """
    mags = nodes_around(freq, block.time, block.centred, block.kernel)
    flags = nodes_around(2.0 * freq, block.time, block.seen, block.kernel)
    out = cuda.device_array((freq.size, block.n.size), np.float32)
    launch = _fill[(freq.size, blocks_for(block.n.size, THREADS)), THREADS]
    launch(
        mags.sums.ravel(), mags.row, mags.taps, flags.sums.ravel(), flags.row, flags.taps,
        block.n, out,
    )  # fmt: skip
    return out


@cuda.jit  # type: ignore[untyped-decorator]
def _fill(
    mags: Any, mag_row: Any, mag_taps: Any, flags: Any, flag_row: Any, flag_taps: Any,
    n: Any, out: Any,
) -> None:  # fmt: skip
    f, column = cuda.blockIdx.x, cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    if column >= n.size:
        return
    power = float32(math.nan)
    if n[column] > 1:
        y_cos, y_sin = interpolate(mags, n.size, mag_row, mag_taps, f, column)
        cos2, sin2 = interpolate(flags, n.size, flag_row, flag_taps, f, column)
        power = _power(n[column], y_cos, y_sin, cos2, sin2, UNSAMPLED)
    out[f, column] = power
