"""Gaps filled by the mean of the nearest neighbours: scikit-learn's ``KNNImputer``, compiled."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from udfs.jit import jit_reordered

FloatMatrix = NDArray[np.float64]
FloatVector = NDArray[np.float64]
IntVector = NDArray[np.int64]

# References whose distances are computed together: a multiple of the lanes of any processor.
BLOCK = 64
# Blocks that are read first, the most promising ones: they tell how near a reference must be.
_FIRST = 4
# A bound is compared with a distance that was summed in another order.
_ROUNDING = 1.0 - 1e-12


@dataclass(frozen=True)
class _Blocks:
    """The references in blocks of neighbours, the last one filled up with gaps.

    Attributes
    ----------
    columns : (n_columns, n_padded) float64
        Column by column; NaN for a gap.
    index : (n_padded,) int64
        Row of each in the given order.
    present : (n_padded, n_columns) float32
        1 where there is a value.
    lowest, highest : (n_columns, n_blocks) float64
        Of the block's values; without limit where one of them is a gap.
    any_value : (n_columns, n_blocks) bool
    """

    columns: FloatMatrix
    index: IntVector
    present: NDArray[np.float32]
    lowest: FloatMatrix
    highest: FloatMatrix
    any_value: NDArray[np.bool_]


class Neighbours:
    """Reference rows, ready to fill the gaps of others.

    The distance of two rows is taken over the columns that both have, squared differences scaled by
    the share of these columns. A gap becomes the mean over the nearest references with a value
    in that column, all with equal weight; where no reference shares a column with the row, it
    becomes the mean of the column. Of references at the same distance the earlier counts as
    nearer, so that a result depends on its own row only.

    The references are divided into boxes as in a k-d tree; boxes that are too far away to hold a
    neighbour are not read.

    Parameters
    ----------
    references : (n, n_columns) float64
        NaN for a gap. Every column needs a value.
    count
        Neighbours per gap; fewer where fewer references have a value.
    """

    def __init__(self, references: FloatMatrix, count: int) -> None:
        self._references = np.ascontiguousarray(references, dtype=np.float64)
        self._count = count

    def fill(self, matrix: FloatMatrix) -> FloatMatrix:
        """A copy of (n, n_columns) without gaps."""
        filled = np.array(matrix, dtype=np.float64)
        gaps = np.isnan(filled)
        rows = np.flatnonzero(gaps.any(axis=1))
        if not len(rows):
            return filled
        patterns, pattern_of = np.unique(gaps[rows], axis=0, return_inverse=True)
        order = np.argsort(pattern_of, kind="stable")
        ends = np.cumsum(np.bincount(pattern_of, minlength=len(patterns)))
        for pattern, group in zip(patterns, np.split(order, ends[:-1]), strict=True):
            self._fill_alike(filled, rows[group], pattern)
        return filled

    def _fill_alike(self, filled: FloatMatrix, rows: IntVector, gaps: NDArray[np.bool_]) -> None:
        """Fill rows that have their gaps in the same columns, in place."""
        blocks, missing, known = self._blocks, np.flatnonzero(gaps), np.flatnonzero(~gaps)
        common = blocks.present @ (~gaps).astype(np.float32)
        # NaN where nothing can be compared: such a reference is no neighbour.
        scale = np.divide(len(gaps), common, where=common > 0, out=np.full(len(common), np.nan))
        useful = blocks.any_value[known].any(axis=0) & blocks.any_value[missing].any(axis=0)
        read = np.flatnonzero(useful)
        found = np.empty((len(rows), len(missing)))
        _mean_of_nearest(
            filled[np.ix_(rows, known)], known, missing, blocks.columns, blocks.index, scale,
            read, blocks.lowest[np.ix_(known, read)], blocks.highest[np.ix_(known, read)],
            _ROUNDING * len(gaps) / max(len(known), 1), self._count, self._means[missing], found,
        )  # fmt: skip
        filled[np.ix_(rows, missing)] = found

    @cached_property
    def _means(self) -> FloatVector:
        means: FloatVector = np.nanmean(self._references, axis=0)
        return means

    @cached_property
    def _blocks(self) -> _Blocks:
        order = _boxes(self._references)
        n, n_columns = self._references.shape
        padded = -(-n // BLOCK) * BLOCK
        columns = np.full((n_columns, padded), np.nan)
        columns[:, :n] = self._references[order].T
        index = np.full(padded, n, dtype=np.int64)
        index[:n] = order
        present = ~np.isnan(columns)
        boxed = columns.reshape(n_columns, -1, BLOCK)
        whole = present.reshape(boxed.shape).all(axis=2)
        return _Blocks(
            columns, index, present.T.astype(np.float32),
            lowest=np.where(whole, boxed.min(axis=2), -np.inf),
            highest=np.where(whole, boxed.max(axis=2), np.inf),
            any_value=present.reshape(boxed.shape).any(axis=2),
        )  # fmt: skip


def _boxes(references: FloatMatrix) -> IntVector:
    """An order in which neighbours stand in the same block.

    Again and again the rows are cut in two along the column in which they lie farthest apart. A gap
    counts as a value far beyond all others, so that rows with the same gaps come together first.
    """
    reach = np.nanmax(references, axis=0) - np.nanmin(references, axis=0)
    beyond = np.nanmax(references, axis=0) + 10.0 * max(float(reach.max()), 1.0)
    keys = np.where(np.isnan(references), beyond, references)
    waiting, order = [np.arange(len(references))], []
    while waiting:
        rows = waiting.pop()
        if len(rows) <= BLOCK:
            order.append(rows)
            continue
        along = int(keys[rows].var(axis=0).argmax())
        # Where some have a gap: between those and the others.
        below = int(np.count_nonzero(~np.isnan(references[rows, along])))
        share = below if 0 < below < len(rows) else len(rows) // 2
        # Whole blocks on the left, so that only the very last is not full.
        cut = min(-(-share // BLOCK), (len(rows) - 1) // BLOCK) * BLOCK
        parted = rows[np.argpartition(keys[rows, along], cut - 1)]
        waiting += [parted[cut:], parted[:cut]]
    return np.concatenate(order)


@jit_reordered
def _mean_of_nearest(
    rows: FloatMatrix,
    known: IntVector,
    missing: IntVector,
    columns: FloatMatrix,
    index: IntVector,
    scale: FloatVector,
    read: IntVector,
    lowest: FloatMatrix,
    highest: FloatMatrix,
    smallest_scale: float,
    count: int,
    means: FloatVector,
    found: FloatMatrix,
) -> None:
    """Fill ``found`` (n_rows, n_missing); squared distances are compared, as roots would be.

    Parameters
    ----------
    rows : (n_rows, n_known)
    known, missing : (n_known,) and (n_missing,) int64
        The columns that the rows have, and those that they lack.
    read : (n_read,) int64
        The blocks that may hold a neighbour; ``lowest`` and ``highest`` are theirs.
    """
    distance = np.empty((len(missing), count))
    nearest = np.empty((len(missing), count), np.int64)
    near, least = np.empty(BLOCK), np.empty(read.size)
    for i in range(rows.shape[0]):
        distance[:] = np.inf
        nearest[:] = index.size
        worst = np.inf
        _least_distances(rows[i], lowest, highest, smallest_scale, least)
        for _ in range(min(_FIRST, read.size)):
            best = least.argmin()
            start = read[best] * BLOCK
            least[best] = np.inf
            _distances(rows[i], known, columns, scale, start, near)
            worst = _keep(near, start, missing, columns, index, distance, nearest, worst)
        for at in range(read.size):
            if least[at] <= worst and least[at] < np.inf:
                start = read[at] * BLOCK
                _distances(rows[i], known, columns, scale, start, near)
                worst = _keep(near, start, missing, columns, index, distance, nearest, worst)
        for m in range(len(missing)):
            total, n = 0.0, 0
            while n < count and distance[m, n] < np.inf:
                total += columns[missing[m], nearest[m, n]]
                n += 1
            found[i, m] = total / n if n > 0 else means[m]


@jit_reordered
def _least_distances(
    row: FloatVector,
    lowest: FloatMatrix,
    highest: FloatMatrix,
    smallest_scale: float,
    least: FloatVector,
) -> None:
    """What the distance from any reference of a block is at least."""
    least[:] = 0.0
    for c in range(row.size):
        value, low, high = row[c], lowest[c], highest[c]
        for block in range(least.size):
            outside = max(max(low[block] - value, value - high[block]), 0.0)
            least[block] += outside * outside
    for block in range(least.size):
        least[block] *= smallest_scale


@jit_reordered
def _distances(
    row: FloatVector,
    known: IntVector,
    columns: FloatMatrix,
    scale: FloatVector,
    start: int,
    near: FloatVector,
) -> None:
    """Scaled squared distances of a row from the references of a block."""
    near[:] = 0.0
    for c in range(row.size):
        value, other = row[c], columns[known[c], start : start + BLOCK]
        for j in range(BLOCK):
            apart = value - other[j]
            near[j] += apart * apart if apart == apart else 0.0
    for j in range(BLOCK):
        near[j] *= scale[start + j]


@jit_reordered
def _keep(
    near: FloatVector,
    start: int,
    missing: IntVector,
    columns: FloatMatrix,
    index: IntVector,
    distance: FloatMatrix,
    nearest: IntVector,
    worst: float,
) -> float:
    """Take the references of a block into the lists of nearest; returns the largest of them.

    The lists hold positions of references; ties are settled by ``index``.
    """
    candidates = 0
    for j in range(BLOCK):
        if near[j] <= worst:
            candidates += 1
    if candidates == 0:
        return worst
    last = distance.shape[1] - 1
    for j in range(BLOCK):
        if not near[j] <= worst:
            continue
        for m in range(len(missing)):
            value = columns[missing[m], start + j]
            place = last + 1
            while (
                value == value
                and place > 0
                and _before(
                    near[j], index[start + j], distance[m, place - 1], nearest[m, place - 1], index
                )
            ):
                place -= 1
            if place <= last:
                for k in range(last, place, -1):
                    distance[m, k] = distance[m, k - 1]
                    nearest[m, k] = nearest[m, k - 1]
                distance[m, place] = near[j]
                nearest[m, place] = start + j
        worst = distance[:, last].max()
    return worst


@jit_reordered
def _before(
    distance: float, index: int, other_distance: float, other: int, indices: IntVector
) -> bool:
    if distance != other_distance:
        return distance < other_distance
    return other == indices.size or index < indices[other]
