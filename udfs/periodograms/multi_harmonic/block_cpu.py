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

# A pivot smaller than this share of the weight is rounding error in single precision.
_NOTHING = np.float32(1e-6)


@dataclass(frozen=True)
class MultiHarmonicBlock:
    """A block as the kernel reads it: weights and weighted deviations in tiles of sources."""

    time: FloatArray
    correction: FloatArray
    weight: Float32Array
    weighted: Float32Array
    n: IntArray


def prepare(block: ExposureBlock) -> MultiHarmonicBlock:
    """The block in the kernel's layout."""
    return MultiHarmonicBlock(
        block.time,
        1.0 / kernel_transform(node_step(block.time) * block.time),
        tiles_of_columns(block.weight),
        tiles_of_columns(block.weight * block.deviation),
        block.n,
    )


def reductions(block: MultiHarmonicBlock, freq: FloatArray, *, harmonics: int) -> Float32Array:
    """Reduction of chi-square of each source at each frequency, by 1 to ``harmonics`` harmonics.

    Parameters
    ----------
    block : MultiHarmonicBlock
    freq : (n_freq,) float64, cycles/day, ascending
        A short stretch of the grid: the nodes cover it, and its multiples, from end to end.
    harmonics : int

    Returns
    -------
    (harmonics, n_freq, n_lc) float32, as :func:`udfs.periodograms.multi_harmonic.multi_harmonic`
    with the shared times.
    """
    waves = [
        waves_between(k * freq[0], k * freq[-1], block.time, block.correction)
        for k in range(1, 2 * harmonics + 1)
    ]
    firsts = np.array([w.first for w in waves])
    out = np.empty((harmonics, freq.size, block.n.size), np.float32)
    for tile, (weight, weighted) in enumerate(zip(block.weight, block.weighted, strict=True)):
        _fill(
            freq,
            waves[0].step_per_day,
            firsts,
            weight.sum(axis=0),
            tuple((w.matrix @ weight).ravel() for w in waves),
            tuple((w.matrix @ weighted).ravel() for w in waves[:harmonics]),
            out[:, :, tile * TILE : (tile + 1) * TILE],
        )
    return out


@jit
def _fill(
    freq: Any, step: float, firsts: Any, total: Any, weights: Any, weighted: Any, out: Any
) -> None:
    harmonics, n_freq, width = out.shape
    size = 2 * harmonics + 1
    taps = np.empty(TAPS, np.float32)
    w_cos, w_sin = _room(2 * harmonics + 1), _room(2 * harmonics + 1)
    y_cos, y_sin = _room(harmonics + 1), _room(harmonics + 1)
    factor, z = np.zeros((size, size, TILE), np.float32), _room(size)
    w_cos[0] = total
    for f in range(n_freq):
        for k in range(2 * harmonics):
            row = kernel_weights((k + 1) * freq[f], step, taps) - firsts[k]
            interpolate(weights[k], row, taps, w_cos[k + 1], w_sin[k + 1])
            if k < harmonics:
                interpolate(weighted[k], row, taps, y_cos[k + 1], y_sin[k + 1])
        _solve(w_cos, w_sin, y_cos, y_sin, factor, z)
        gained = np.zeros(TILE, np.float32)
        for k in range(harmonics):
            for s in range(TILE):
                gained[s] += z[2 * k + 1, s] ** 2 + z[2 * k + 2, s] ** 2
            out[k, f] = gained[:width]


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
