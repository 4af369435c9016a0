"""AOV of many sources over shared exposures: each phase bin is summed in registers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.jit import jit, jit_reordered
from udfs.lanes import load, plus, store
from udfs.periodograms.aov.formula import theta_from_squares
from udfs.periodograms.exposures import ExposureBlock
from udfs.periodograms.folding import TILE, Fold, in_tiles

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


def theta(block: AovBlock, fold: Fold) -> npt.NDArray[np.float32]:
    """Theta of each source at each frequency of the fold.

    Returns
    -------
    (n_freq, n_lc) float32, as :func:`udfs.periodograms.aov.aov` with the shared times. NaN for
    columns of no more epochs than phase bins.
    """
    out = np.full((fold.order.shape[0], block.n.size), np.nan, np.float32)
    _theta(block.centred, block.seen, fold.order, fold.starts, block.n, block.squares, out)
    return out


@jit_reordered
def _theta(
    centred: Any, seen: Any, order: Any, starts: Any, n: Any, squares: Any, out: Any
) -> None:
    phase_bins = starts.shape[1] - 1
    cells = centred.shape[1] * TILE
    total, count = np.empty(TILE, np.float32), np.empty(TILE, np.uint16)
    between = np.empty(TILE, np.float32)
    for tile in range(centred.shape[0]):
        mags, flags = centred[tile].reshape(cells), seen[tile].reshape(cells)
        first = tile * TILE
        for f in range(order.shape[0]):
            between[:] = np.float32(0.0)
            for b in range(phase_bins):
                if starts[f, b] < starts[f, b + 1]:
                    rows = order[f, starts[f, b] : starts[f, b + 1]]
                    _sum_rows(mags, flags, rows, total, count)
                    for s in range(TILE):
                        # A bin in which a source was not seen has total 0.
                        seen_here = max(np.float32(count[s]), np.float32(1.0))
                        between[s] += total[s] * total[s] / seen_here
            for s in range(min(TILE, n.size - first)):
                if n[first + s] > phase_bins:
                    out[f, first + s] = _theta_from_squares(
                        n[first + s], phase_bins, between[s], squares[first + s]
                    )


@jit
def _sum_rows(mags: Any, flags: Any, rows: Any, total: Any, count: Any) -> None:
    cell = np.int64(rows[0]) * TILE
    magnitudes, seen = load(mags, cell, 64), load(flags, cell, 64)
    for k in range(1, rows.size):
        cell = np.int64(rows[k]) * TILE
        magnitudes = plus(magnitudes, load(mags, cell, 64))
        seen = plus(seen, load(flags, cell, 64))
    store(magnitudes, total, 0)
    store(seen, count, 0)
