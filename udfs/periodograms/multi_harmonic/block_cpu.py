"""Multi-harmonic fits of many sources over shared exposures: matrix products and interpolation.

The sums that the normal equations need are interpolated between nodes
(:mod:`udfs.periodograms.spectra`); the equations of a tile of sources are solved side by side.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.jit import jit, jit_reordered
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.multi_harmonic.formula import RIDGE
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

# A pivot smaller than this share of the weight is rounding error in single precision.
_NOTHING = np.float32(1e-6)


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
        _solve(w_cos, w_sin, y_cos, y_sin, factor, z)
        gained = np.zeros(TILE, np.float32)
        for k in range(harmonics):
            for s in range(TILE):
                gained[s] += z[2 * k + 1, s] ** 2 + z[2 * k + 2, s] ** 2
            out[k, f] = gained


@jit
def _room(rows: int) -> Float32Array:
    return np.zeros((rows, TILE), np.float32)


@jit_reordered
def _solve(w_cos: Any, w_sin: Any, y_cos: Any, y_sin: Any, factor: Any, z: Any) -> None:
    """The formula of the folder, for TILE sources side by side: forward substitution into ``z``."""
    for i in range(z.shape[0]):
        m = (i + 1) // 2
        z[i] = y_sin[m] if i > 0 and i % 2 == 0 else y_cos[m]
        for j in range(i + 1):
            _product(w_cos, w_sin, i, j, factor[i, j])
            if i == j and i > 0:
                _add_scaled(factor[i, i], np.float32(RIDGE), w_cos[0])
            for k in range(j):
                _less_product(factor[i, j], factor[i, k], factor[j, k])
            if j < i:
                _scale(factor[i, j], factor[j, j])
        for k in range(i):
            _less_product(z[i], factor[i, k], z[k])
        _invert_pivot(factor[i, i], w_cos[0])
        _scale(z[i], factor[i, i])


@jit_reordered
def _product(w_cos: Any, w_sin: Any, i: int, j: int, out: Any) -> None:
    """Weighted sum of the product of terms i >= j of the order 1, cos x, sin x, cos 2x, ..."""
    m, n = (i + 1) // 2, (j + 1) // 2
    sine_i, sine_j = i > 0 and i % 2 == 0, j > 0 and j % 2 == 0
    for s in range(TILE):
        if sine_i and sine_j:
            value = w_cos[m - n, s] - w_cos[m + n, s]
        elif sine_i:
            value = w_sin[m + n, s] + w_sin[m - n, s]
        elif sine_j:
            value = w_sin[m + n, s] - w_sin[m - n, s]
        else:
            value = w_cos[m - n, s] + w_cos[m + n, s]
        out[s] = np.float32(0.5) * value


@jit_reordered
def _less_product(out: Any, left: Any, right: Any) -> None:
    for s in range(TILE):
        out[s] -= left[s] * right[s]


@jit_reordered
def _add_scaled(out: Any, factor: Any, values: Any) -> None:
    for s in range(TILE):
        out[s] += factor * values[s]


@jit_reordered
def _scale(out: Any, factor: Any) -> None:
    for s in range(TILE):
        out[s] *= factor[s]


@jit_reordered
def _invert_pivot(pivot: Any, weight: Any) -> None:
    for s in range(TILE):
        enough = pivot[s] > _NOTHING * weight[s]
        root = np.sqrt(max(pivot[s], np.float32(1e-30)))
        pivot[s] = np.float32(1.0) / root if enough else np.float32(0.0)
