"""Conditional entropy of many sources over shared exposures: counts of four bits in registers.

A source adds 1 to one of ten counts of a phase bin. Two counts share a byte and ten the five bytes
of a source, so that one addition of vectors counts an exposure for a whole tile of sources.
Before a count of four bits can overflow, it is spread into bytes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.jit import jit, jit_reordered
from udfs.lanes import bits_of, float_of, high_nibbles, load, low_nibbles, plus, store
from udfs.periodograms.conditional_entropy import magnitude_bins
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.folding import Fold
from udfs.periodograms.tiles import TILE, Float32Array, in_tiles

MAX_MAG_BINS = 10
_PLANES = MAX_MAG_BINS // 2
# LLVM wants widths that are powers of two: four planes and one.
_FOUR, _ONE = 4 * TILE, TILE
_WIDTH = _FOUR + _ONE
_NIBBLE, _BYTE = 15, 255


@dataclass(frozen=True)
class EntropyBlock:
    """A block as the kernel reads it.

    Attributes
    ----------
    packed : (n_tiles, n_exposures, 5 * TILE) uint8
        Byte ``p * TILE + s`` is 1 where source ``s`` lies in magnitude bin ``p``, 16 where it lies
        in bin ``p + 5``, else 0.
    n : (n_lc,) int64
        Epochs of each source.
    """

    packed: npt.NDArray[np.uint8]
    n: npt.NDArray[np.int64]


def prepare(block: ExposureBlock, *, mag_bins: int) -> EntropyBlock:
    """The block in the kernel's layout.

    Raises
    ------
    ValueError
        If there are more magnitude bins than five bytes can count.
    """
    if mag_bins > MAX_MAG_BINS:
        raise ValueError(
            f"mag_bins={mag_bins}, but shared exposures allow {MAX_MAG_BINS} at most; "
            "lower it, or set times='exact'"
        )
    bins = magnitude_bins(block.scaled, mag_bins)
    planes = []
    for plane in range(_PLANES):
        low, high = bins == plane, bins == plane + _PLANES
        planes.append(in_tiles(((low + 16 * high) * block.seen).astype(np.uint8)))
    return EntropyBlock(np.concatenate(planes, axis=2), block.n)


def entropy(block: EntropyBlock, tile: int, fold: Fold) -> Float32Array:
    """Conditional entropy of each source of a tile at each frequency of the fold.

    Returns
    -------
    (n_freq, TILE) float32, as
    :func:`udfs.periodograms.conditional_entropy.conditional_entropy` with the shared times.
    NaN for empty columns.
    """
    out = np.full((fold.order.shape[0], TILE), np.nan, np.float32)
    sources = slice(tile * TILE, (tile + 1) * TILE)
    _entropy(block.packed[tile].ravel(), fold.order, fold.starts, block.n[sources], out)
    return out


@jit
def _entropy(packed: Any, order: Any, starts: Any, n: Any, out: Any) -> None:
    in_bytes = np.empty(2 * _WIDTH, np.uint8)
    counts = np.empty(2 * _WIDTH, np.int32)
    total, column = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
    for f in range(order.shape[0]):
        total[:] = np.float32(0.0)
        for b in range(starts.shape[1] - 1):
            start, stop = starts[f, b], starts[f, b + 1]
            if stop - start > _BYTE:
                counts[:] = 0
                for chunk in range(start, stop, _BYTE):
                    _count(packed, order[f, chunk : min(chunk + _BYTE, stop)], in_bytes)
                    counts += in_bytes
                _add_terms(counts, column, total)
            elif start < stop:
                _count(packed, order[f, start:stop], in_bytes)
                _add_terms(in_bytes, column, total)
        for s in range(n.size):
            if n[s] > 0:
                out[f, s] = total[s] / np.float32(n[s])


@jit
def _count(flags: Any, rows: Any, counts: Any) -> None:
    """Count up to 255 exposures; bin ``i`` of source ``s`` goes to ``counts[i * TILE + s]``."""
    cell = np.int64(rows[0]) * _WIDTH
    four, one = load(flags, cell, _FOUR), load(flags, cell + _FOUR, _ONE)
    low_four, high_four = low_nibbles(four), high_nibbles(four)
    low_one, high_one = low_nibbles(one), high_nibbles(one)
    for chunk in range(1, rows.size, _NIBBLE):
        cell = np.int64(rows[chunk]) * _WIDTH
        four, one = load(flags, cell, _FOUR), load(flags, cell + _FOUR, _ONE)
        for k in range(chunk + 1, min(chunk + _NIBBLE, rows.size)):
            cell = np.int64(rows[k]) * _WIDTH
            four = plus(four, load(flags, cell, _FOUR))
            one = plus(one, load(flags, cell + _FOUR, _ONE))
        low_four = plus(low_four, low_nibbles(four))
        low_one = plus(low_one, low_nibbles(one))
        high_four = plus(high_four, high_nibbles(four))
        high_one = plus(high_one, high_nibbles(one))
    store(low_four, counts, 0)
    store(low_one, counts, _FOUR)
    store(high_four, counts, _WIDTH)
    store(high_one, counts, _WIDTH + _FOUR)


@jit_reordered
def _add_terms(counts: Any, column: Any, total: Any) -> None:
    """Add n ln n of the phase bin, less those of its magnitude bins, for each source."""
    column[:] = np.float32(0.0)
    for i in range(MAX_MAG_BINS):
        for s in range(TILE):
            count = np.float32(counts[i * TILE + s])
            column[s] += count
            total[s] -= count * _log(count)
    for s in range(TILE):
        total[s] += column[s] * _log(column[s])


@jit_reordered
def _log(count: Any) -> Any:
    """Natural logarithm of a whole number, to the rounding of float32; 0 at 0.

    The exponent's share plus a polynomial in the mantissa (least squares in Chebyshev points);
    unlike a call of the library it is part of the vector loop around it.
    """
    bits = bits_of(max(count, np.float32(1.0)))
    exponent = np.float32((bits >> np.int32(23)) - np.int32(127))
    x = float_of((bits & np.int32(0x7FFFFF)) | np.int32(0x3F800000)) - np.float32(1.0)
    series = np.float32(-0.0072701776)
    series = series * x + np.float32(0.0393242471)
    series = series * x + np.float32(-0.100522537)
    series = series * x + np.float32(0.171973995)
    series = series * x + np.float32(-0.24270907)
    series = series * x + np.float32(0.332282253)
    series = series * x + np.float32(-0.499930223)
    series = series * x + np.float32(0.999998632)
    return exponent * np.float32(0.693147181) + x * series
