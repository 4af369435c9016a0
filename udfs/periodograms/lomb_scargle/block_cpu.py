"""Lomb-Scargle of many sources over shared exposures: matrix products and interpolation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.lomb_scargle.formula import power_from_sums
from udfs.periodograms.spectra import (
    TAPS,
    TILE,
    Float32Array,
    interpolate,
    kernel_transform,
    kernel_weights,
    node_step,
    tiles_of_columns,
    waves_between,
)
from udfs.ragged import FloatArray, IntArray

# Share of the weight below which single precision cannot tell a sine from nothing.
_UNSAMPLED = 1e-4

_power = jit(power_from_sums)


@dataclass(frozen=True)
class LombScargleBlock:
    """A block as the kernel reads it: centred magnitudes and flags in tiles of sources."""

    time: FloatArray
    correction: FloatArray
    centred: Float32Array
    seen: Float32Array
    n: IntArray


def prepare(block: ExposureBlock) -> LombScargleBlock:
    """The block in the kernel's layout."""
    mean = block.scaled.sum(axis=0) / np.maximum(block.n, 1)
    return LombScargleBlock(
        block.time,
        1.0 / kernel_transform(node_step(block.time) * block.time),
        tiles_of_columns(np.where(block.seen, block.scaled - mean, 0.0)),
        tiles_of_columns(block.seen),
        block.n,
    )


def power(block: LombScargleBlock, freq: FloatArray) -> Float32Array:
    """Power of each source at each frequency.

    Parameters
    ----------
    block : LombScargleBlock
    freq : (n_freq,) float64, cycles/day, ascending
        A short stretch of the grid: the nodes cover it from end to end.

    Returns
    -------
    (n_freq, n_lc) float32, as :func:`udfs.periodograms.lomb_scargle.lomb_scargle` with the
    shared times. NaN for columns of fewer than 2 epochs.
    """
    once = waves_between(freq[0], freq[-1], block.time, block.correction)
    twice = waves_between(2 * freq[0], 2 * freq[-1], block.time, block.correction)
    out = np.full((freq.size, block.n.size), np.nan, np.float32)
    for tile in range(block.seen.shape[0]):
        columns = slice(tile * TILE, (tile + 1) * TILE)
        mags = (once.matrix @ block.centred[tile]).ravel()
        flags = (twice.matrix @ block.seen[tile]).ravel()
        _fill(freq, once.step_per_day, mags, once.first, flags, twice.first,
              block.n[columns], out[:, columns])  # fmt: skip
    return out


@jit
def _fill(
    freq: Any, step: float, mags: Any, mag_first: int, flags: Any, flag_first: int, n: Any, out: Any
) -> None:
    weights, sums = np.empty(TAPS, np.float32), np.empty((4, TILE), np.float32)
    for f in range(freq.size):
        row = kernel_weights(freq[f], step, weights) - mag_first
        interpolate(mags, row, weights, sums[0], sums[1])
        row = kernel_weights(2.0 * freq[f], step, weights) - flag_first
        interpolate(flags, row, weights, sums[2], sums[3])
        _powers(n, sums, out[f])


@jit_reordered
def _powers(n: Any, sums: Any, out: Any) -> None:
    for s in range(n.size):
        value = _power(n[s], sums[0, s], sums[1, s], sums[2, s], sums[3, s], _UNSAMPLED)
        out[s] = value if n[s] > 1 else np.nan
