"""AOV of many sources over shared exposures: each phase bin is summed in registers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.jit import jit, jit_reordered
from udfs.lanes import load, plus, store
from udfs.periodograms.aov.formula import theta_from_squares
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.folding import Fold
from udfs.periodograms.tiles import TILE, Float32Array, in_tiles

_theta_from_squares = jit(theta_from_squares)


@dataclass(frozen=True)
class AovBlock:
    """A block as the kernel reads it: centred magnitudes and flags in tiles of sources."""

    centred: npt.NDArray[np.float32]
    seen: npt.NDArray[np.uint16]
    n: npt.NDArray[np.int64]
    squares: npt.NDArray[np.float32]


def prepare(block: ExposureBlock) -> AovBlock:
    """The block in the kernel's layout."""
    mean = block.scaled.sum(axis=0) / np.maximum(block.n, 1)
    centred = np.where(block.seen, block.scaled - mean, 0.0)
    return AovBlock(
        in_tiles(centred.astype(np.float32)),
        in_tiles(block.seen.astype(np.uint16)),
        block.n,
        (centred**2).sum(axis=0).astype(np.float32),
    )


def theta(block: AovBlock, tile: int, fold: Fold) -> Float32Array:
    """Theta of each source of a tile at each frequency of the fold.

    Returns
    -------
    (n_freq, TILE) float32, as :func:`udfs.periodograms.aov.aov` with the shared times. NaN for
    columns of no more epochs than phase bins.
    """
    out = np.full((fold.order.shape[0], TILE), np.nan, np.float32)
    sources = slice(tile * TILE, (tile + 1) * TILE)
    _theta(block.centred[tile].ravel(), block.seen[tile].ravel(), fold.order, fold.starts,
           block.n[sources], block.squares[sources], out)  # fmt: skip
    return out


@jit_reordered
def _theta(
    centred: Any, seen: Any, order: Any, starts: Any, n: Any, squares: Any, out: Any
) -> None:
    phase_bins = starts.shape[1] - 1
    total, count = np.empty(TILE, np.float32), np.empty(TILE, np.uint16)
    between = np.empty(TILE, np.float32)
    for f in range(order.shape[0]):
        between[:] = np.float32(0.0)
        for b in range(phase_bins):
            if starts[f, b] < starts[f, b + 1]:
                _sum_rows(centred, seen, order[f, starts[f, b] : starts[f, b + 1]], total, count)
                for s in range(TILE):
                    # A bin in which a source was not seen has total 0.
                    seen_here = max(np.float32(count[s]), np.float32(1.0))
                    between[s] += total[s] * total[s] / seen_here
        for s in range(n.size):
            if n[s] > phase_bins:
                out[f, s] = _theta_from_squares(n[s], phase_bins, between[s], squares[s])


@jit
def _sum_rows(centred: Any, seen: Any, rows: Any, total: Any, count: Any) -> None:
    cell = np.int64(rows[0]) * TILE
    magnitudes, counted = load(centred, cell, TILE), load(seen, cell, TILE)
    for k in range(1, rows.size):
        cell = np.int64(rows[k]) * TILE
        magnitudes = plus(magnitudes, load(centred, cell, TILE))
        counted = plus(counted, load(seen, cell, TILE))
    store(magnitudes, total, 0)
    store(counted, count, 0)
