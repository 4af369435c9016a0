"""Lomb-Scargle of many sources over shared exposures: matrix products and interpolation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.lomb_scargle.formula import power_from_sums
from udfs.periodograms.spectra import (
    COARSE,
    FINE,
    TAPS,
    Interpolation,
    Waves,
    interpolate,
    interpolation,
    kernel_weights,
    waves_between,
)
from udfs.periodograms.tiles import TILE, Float32Array, in_tiles
from udfs.ragged import FloatArray, IntArray

# Share of the weight below which single precision cannot tell a sine from nothing.
_UNSAMPLED = 1e-4

_power = jit(power_from_sums)


@dataclass(frozen=True)
class LombScargleBlock:
    """A block as the kernel reads it: centred magnitudes and flags in tiles of sources."""

    time: FloatArray
    fine: Interpolation
    coarse: Interpolation
    centred: Float32Array
    seen: Float32Array
    n: IntArray


def prepare(block: ExposureBlock) -> LombScargleBlock:
    """The block in the kernel's layout."""
    mean = block.scaled.sum(axis=0) / np.maximum(block.n, 1)
    return LombScargleBlock(
        block.time,
        interpolation(block.time, FINE),
        interpolation(block.time, COARSE),
        in_tiles(np.where(block.seen, block.scaled - mean, 0.0).astype(np.float32)),
        in_tiles(block.seen.astype(np.float32)),
        block.n,
    )


@dataclass(frozen=True)
class Stretch:
    """Some neighbouring frequencies, and what all tiles share there."""

    freq: FloatArray
    once: Waves
    twice: Waves


def stretch(block: LombScargleBlock, freq: FloatArray) -> Stretch:
    """The waves at ``freq`` (n_freq,) [cycles/day], ascending: the nodes cover it end to end."""
    once = waves_between(freq[0], freq[-1], block.time, block.fine)
    twice = waves_between(2 * freq[0], 2 * freq[-1], block.time, block.coarse)
    return Stretch(freq, once, twice)


def power(block: LombScargleBlock, tile: int, part: Stretch) -> Float32Array:
    """Power of each source of a tile at each frequency of the stretch.

    Returns
    -------
    (n_freq, TILE) float32, as :func:`udfs.periodograms.lomb_scargle.lomb_scargle` with the
    shared times. NaN for columns of fewer than 2 epochs.
    """
    out = np.full((part.freq.size, TILE), np.nan, np.float32)
    mags = (part.once.matrix @ block.centred[tile]).ravel()
    flags = (part.twice.matrix @ block.seen[tile]).ravel()
    n = block.n[tile * TILE : (tile + 1) * TILE]
    once, twice = (
        (w.kernel.step_per_day, w.kernel.shape, w.first) for w in (part.once, part.twice)
    )
    _fill(part.freq, mags, once, flags, twice, n, out)
    return out


@jit
def _fill(freq: Any, mags: Any, once: Any, flags: Any, twice: Any, n: Any, out: Any) -> None:
    weights, sums = np.empty(TAPS, np.float32), np.empty((4, TILE), np.float32)
    for f in range(freq.size):
        step, shape, first = once
        row = kernel_weights(freq[f], step, shape, weights) - first
        interpolate(mags, row, weights, sums[0], sums[1])
        step, shape, first = twice
        row = kernel_weights(2.0 * freq[f], step, shape, weights) - first
        interpolate(flags, row, weights, sums[2], sums[3])
        _powers(n, sums, out[f])


@jit_reordered
def _powers(n: Any, sums: Any, out: Any) -> None:
    for s in range(n.size):
        value = _power(n[s], sums[0, s], sums[1, s], sums[2, s], sums[3, s], _UNSAMPLED)
        out[s] = value if n[s] > 1 else np.nan
