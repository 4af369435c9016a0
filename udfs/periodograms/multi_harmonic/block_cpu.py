"""Multi-harmonic fits of many sources over shared exposures: matrix products and interpolation.

The sums that the normal equations need are interpolated between nodes
(:mod:`udfs.periodograms.spectra`); the equations of a tile of sources are solved side by side.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.jit import jit
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.multi_harmonic.formula import RIDGE
from udfs.periodograms.multi_harmonic.side_by_side import add_gain, solve_side_by_side
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
from udfs.ragged import FloatArray


@dataclass(frozen=True)
class MultiHarmonicBlock:
    """A block as the kernel reads it: weights and weighted deviations in tiles of sources."""

    time: FloatArray
    fine: Interpolation
    coarse: Interpolation
    weight: Float32Array
    weighted: Float32Array


def prepare(block: ExposureBlock) -> MultiHarmonicBlock:
    """The block in the kernel's layout."""
    return MultiHarmonicBlock(
        block.time,
        interpolation(block.time, FINE),
        interpolation(block.time, COARSE),
        in_tiles(block.weight.astype(np.float32)),
        in_tiles((block.weight * block.deviation).astype(np.float32)),
    )


@dataclass(frozen=True)
class Stretch:
    """Some neighbouring frequencies, and the waves at their multiples.

    Attributes
    ----------
    freq : (n_freq,) float64, cycles/day
    weights : 2 * harmonics Waves
        At the multiples 1, 2, .. 2 ``harmonics``, for the weights.
    weighted : harmonics Waves
        At the multiples 1, 2, .. ``harmonics``, for the weighted deviations.
    """

    freq: FloatArray
    weights: tuple[Waves, ...]
    weighted: tuple[Waves, ...]


def stretch(block: MultiHarmonicBlock, freq: FloatArray, *, harmonics: int) -> Stretch:
    """The waves at ``freq`` (n_freq,) [cycles/day], ascending: the nodes cover it end to end."""

    def waves(multiples: int, kernel: Interpolation) -> tuple[Waves, ...]:
        return tuple(
            waves_between(k * freq[0], k * freq[-1], block.time, kernel)
            for k in range(1, multiples + 1)
        )

    return Stretch(freq, waves(2 * harmonics, block.coarse), waves(harmonics, block.fine))


def reductions(block: MultiHarmonicBlock, tile: int, part: Stretch) -> Float32Array:
    """Reduction of chi-square of each source of a tile, by 1 to ``harmonics`` harmonics.

    Returns
    -------
    (harmonics, n_freq, TILE) float32, as
    :func:`udfs.periodograms.multi_harmonic.multi_harmonic` with the shared times.
    """
    harmonics = len(part.weighted)
    weight, weighted = block.weight[tile], block.weighted[tile]
    out = np.empty((harmonics, part.freq.size, TILE), np.float32)
    _fill(
        part.freq,
        weight.sum(axis=0),
        tuple((w.matrix @ weight).ravel() for w in part.weights),
        (block.coarse.step_per_day, block.coarse.shape, np.array([w.first for w in part.weights])),
        tuple((w.matrix @ weighted).ravel() for w in part.weighted),
        (block.fine.step_per_day, block.fine.shape, np.array([w.first for w in part.weighted])),
        out,
    )
    return out


@jit
def _fill(
    freq: Any, total: Any, weights: Any, coarse: Any, weighted: Any, fine: Any, out: Any
) -> None:
    harmonics = out.shape[0]
    size = 2 * harmonics + 1
    taps = np.empty(TAPS, np.float32)
    w_cos, w_sin = _room(2 * harmonics + 1), _room(2 * harmonics + 1)
    y_cos, y_sin = _room(harmonics + 1), _room(harmonics + 1)
    factor, z = np.zeros((size, size, TILE), np.float32), _room(size)
    w_cos[0] = total
    for f in range(freq.size):
        step, shape, firsts = coarse
        for k in range(2 * harmonics):
            row = kernel_weights((k + 1) * freq[f], step, shape, taps) - firsts[k]
            interpolate(weights[k], row, taps, w_cos[k + 1], w_sin[k + 1])
        step, shape, firsts = fine
        for k in range(harmonics):
            row = kernel_weights((k + 1) * freq[f], step, shape, taps) - firsts[k]
            interpolate(weighted[k], row, taps, y_cos[k + 1], y_sin[k + 1])
        solve_side_by_side(w_cos, w_sin, y_cos, y_sin, RIDGE, factor, z)
        for k in range(harmonics):
            add_gain(z, k, out[k, f], out[max(k - 1, 0), f])


@jit
def _room(rows: int) -> Float32Array:
    return np.zeros((rows, TILE), np.float32)
