"""Counting of all pairs of epochs with sets of bits: 64 epochs in a word.

For each edge of the magnitude bins there is the set of epochs that lie at or beyond the edge, seen
from the epoch in hand. Taken in ascending magnitude, the epochs only ever remove members from a
set, so all removals together cost one step per edge and epoch. How many members lie within a time
bin is a difference of two counts of ones. No pair is looked at by itself, but for those
that are very near in time.
"""

import numpy as np
import numpy.typing as npt

from udfs.features.bits import count_ones
from udfs.features.dmdt_formula import bin_of
from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray

Words = npt.NDArray[np.uint64]

# Pairs so near in time that an epoch has at most this many are binned one by one: cheaper than
# two ends of a time bin that is mostly empty.
_NEAR_PAIRS = 2
# Edges merged side by side: their chains of comparisons do not wait for each other.
_LANES = 4
_ONE = np.uint64(1)

_bin_of = jit(bin_of)


@jit
def _epochs_within(padded: FloatArray, n: int, edges: FloatArray, ends: IntArray) -> None:
    """Write to ``ends[k, i]`` the first j with time[j] - time[i] >= edges[k], or n.

    ``padded`` holds n ascending times, then infinity up to 2 n + 1; ``edges`` is a multiple of
    _LANES long. Each step passes either j or i, without a branch to mispredict.
    """
    for k in range(0, edges.size, _LANES):
        i0 = i1 = i2 = i3 = 0
        j0 = j1 = j2 = j3 = 0
        for _ in range(2 * n):
            pass0 = 1 if padded[j0] - padded[i0] < edges[k] else 0
            pass1 = 1 if padded[j1] - padded[i1] < edges[k + 1] else 0
            pass2 = 1 if padded[j2] - padded[i2] < edges[k + 2] else 0
            pass3 = 1 if padded[j3] - padded[i3] < edges[k + 3] else 0
            ends[k, i0], ends[k + 1, i1] = j0, j1
            ends[k + 2, i2], ends[k + 3, i3] = j2, j3
            j0, i0 = j0 + pass0, i0 + 1 - pass0
            j1, i1 = j1 + pass1, i1 + 1 - pass1
            j2, i2 = j2 + pass2, i2 + 1 - pass2
            j3, i3 = j3 + pass3, i3 + 1 - pass3


@jit
def _count_near(
    time: FloatArray,
    mag: FloatArray,
    dm_edges: FloatArray,
    dt_edges: FloatArray,
    columns: int,
    out: IntArray,
) -> None:
    """Count the pairs of the first time bins one by one."""
    for i in range(time.size):
        column = 0
        for j in range(i + 1, time.size):
            gap = time[j] - time[i]
            while column < columns and gap >= dt_edges[column + 1]:
                column += 1
            if column == columns:
                break
            row = _bin_of(mag[j] - mag[i], dm_edges)
            if row >= 0:
                out[row, column] += 1


@jit
def _count_members(members: Words, before: IntArray) -> None:
    """Write to ``before[w]`` the number of members in the words before w."""
    count = 0
    for w in range(members.size):
        before[w] = count
        count += count_ones(members[w])


@jit
def _count_far(
    mag: FloatArray, order: IntArray, edges: FloatArray, ends: IntArray, totals: IntArray
) -> None:
    """Add to ``totals[s, k]`` the pairs with dm >= edges[s] among epochs before ``ends[k, i]``."""
    words = mag.size // 64 + 1
    ascending = mag[order]
    while order.size > 0 and np.isnan(ascending[order.size - 1]):
        order = order[:-1]
    sets = np.zeros((edges.size, words), np.uint64)
    before = np.empty((edges.size, words), np.int64)
    for s in range(edges.size):
        for j in order:
            sets[s, j >> 6] |= _ONE << np.uint64(j & 63)
        _count_members(sets[s], before[s])
    removed = np.zeros(edges.size, np.int64)
    word, mask = np.empty(ends.shape[0], np.uint64), np.empty(ends.shape[0], np.uint64)
    for a in range(order.size):
        for k in range(word.size):
            end = ends[k, order[a]]
            word[k] = np.uint64(end >> 6)
            mask[k] = (_ONE << np.uint64(end & 63)) - _ONE
        for s in range(edges.size):
            members, counts, total = sets[s], before[s], totals[s]
            p = removed[s]
            while p < order.size and ascending[p] - ascending[a] < edges[s]:
                members[order[p] >> 6] &= ~(_ONE << np.uint64(order[p] & 63))
                p += 1
            if p != removed[s]:
                removed[s] = p
                _count_members(members, counts)
            for k in range(word.size):
                total[k] += counts[word[k]] + count_ones(members[word[k]] & mask[k])


@jit
def _count_rows(
    mag: FloatArray, order: IntArray, dm_edges: FloatArray, ends: IntArray, out: IntArray
) -> None:
    """Add the pairs between successive rows of ``ends`` to the successive columns of ``out``."""
    spread = mag[order[-1]] - mag[order[0]]
    first, stop = 0, dm_edges.size
    # All differences lie within the spread: lower edges hold all pairs, as the last of them shows,
    # and higher ones none.
    while first + 1 < stop and dm_edges[first + 1] <= -spread:
        first += 1
    while stop > first and dm_edges[stop - 1] > spread:
        stop -= 1
    totals = np.zeros((stop - first + 1, ends.shape[0]), np.int64)
    _count_far(mag, order, dm_edges[first:stop], ends, totals)
    for s in range(min(stop - first, out.shape[0] - first)):
        for k in range(out.shape[1]):
            beyond_lower = totals[s, k + 1] - totals[s, k]
            beyond_upper = totals[s + 1, k + 1] - totals[s + 1, k]
            out[first + s, k] += beyond_lower - beyond_upper


@jit
def _count_one(
    time: FloatArray,
    mag: FloatArray,
    order: IntArray,
    dm_edges: FloatArray,
    dt_edges: FloatArray,
    out: IntArray,
) -> None:
    n = time.size
    baseline = time[n - 1] - time[0]
    columns = dt_edges.size - 1
    near = 0
    while near < columns and (n - 1) * dt_edges[near + 1] <= _NEAR_PAIRS * baseline:
        near += 1
    stop = near
    while stop < columns and dt_edges[stop] <= baseline:
        stop += 1
    _count_near(time, mag, dm_edges, dt_edges, near, out)
    if stop == near:
        return
    lanes = (stop - near + _LANES) // _LANES * _LANES
    edges = np.full(lanes, dt_edges[stop])
    edges[: stop - near] = dt_edges[near:stop]
    padded = np.full(2 * n + 1, np.inf)
    padded[:n] = time
    ends = np.empty((lanes, 2 * n + 1), np.int64)
    _epochs_within(padded, n, edges, ends)
    if near == 0:
        # An epoch makes no pair with itself or with earlier ones at the same time.
        for i in range(n):
            ends[0, i] = i + 1
    _count_rows(mag, order, dm_edges, ends[: stop - near + 1], out[:, near:stop])


@jit
def count_pairs(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    order: IntArray,
    dm_edges: FloatArray,
    dt_edges: FloatArray,
    out: IntArray,
) -> None:
    """Add the pairs of each curve to its image in ``out``; bins are half-open.

    ``order`` holds, curve by curve, the epochs of the curve in ascending magnitude.
    """
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        if stop - start > 1:
            t, m, by_mag = time[start:stop], mag[start:stop], order[start:stop]
            _count_one(t, m, by_mag, dm_edges, dt_edges, out[i])
