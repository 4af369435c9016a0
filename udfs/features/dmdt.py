"""Histogram of magnitude differences against time differences (dmdt)."""

import numpy as np

from udfs.jit import jit
from udfs.modes import FIXED, SCOPE, check_mode
from udfs.ragged import FloatArray, IntArray, check_offsets

DM_EDGES = (
    -8, -4.5, -3, -2.5, -2, -1.5, -1.25, -0.75, -0.5, -0.3, -0.2, -0.1, -0.05, 0,
    0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.25, 1.5, 2, 2.5, 3, 4.5, 8,
)  # fmt: skip
DT_EDGES_DAY = (
    0, 4 / 145, 0.04, 0.08, 0.12, 0.3, 0.75, 1, 1.5, 2.5, 3.5, 4.5, 5.5, 7,
    10, 20, 30, 45, 60, 90, 120, 180, 240, 360, 500, 650, 2000,
)  # fmt: skip
# What the published code has in place of 4/145 = 0.0275862: a rounded number.
_SCOPE_SECOND_EDGE_DAY = 0.02759


def dmdt_histograms(
    time: FloatArray, mag: FloatArray, offsets: IntArray, *, mode: str = FIXED
) -> FloatArray:
    """Normalised histogram of all pairs of epochs of each light curve.

    For each pair ``i < j`` the point is ``(time[j] - time[i], mag[j] - mag[i])``. Bins are
    half-open and the last one is closed, as in ``numpy.histogram2d``; pairs outside the edges
    are dropped. The counts are divided by their Frobenius norm.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All curves, one after another; ascending within a curve.
    mag : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    mode : {"fixed", "scope-v0.9.5"}
        "fixed" has the second time edge at 4/145 day, "scope-v0.9.5" at 0.02759 day: about one
        pair in 100,000 changes its bin.

    Returns
    -------
    (n_lc, 26, 26) float64, in [0, 1]. The first axis of an image is the magnitude
    difference, the second the time difference. All zero when no pair falls inside the edges.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays or the mode is unknown.

    References
    ----------
    Mahabal et al. (2017), IEEE SSCI 2757. doi:10.1109/SSCI.2017.8280984
    """
    check_mode(mode)
    check_offsets(offsets, time=time, mag=mag)
    dm_edges, dt_edges = np.array(DM_EDGES, np.float64), np.array(DT_EDGES_DAY, np.float64)
    if mode == SCOPE:
        dt_edges[1] = _SCOPE_SECOND_EDGE_DAY
    counts = np.zeros((offsets.size - 1, dm_edges.size - 1, dt_edges.size - 1), np.int64)
    for i in range(offsets.size - 1):
        curve = slice(offsets[i], offsets[i + 1])
        _count_pairs(time[curve], mag[curve], dm_edges, dt_edges, counts[i])
    norm = np.sqrt(np.sum(counts**2, axis=(1, 2), keepdims=True, dtype=np.float64))
    return np.asarray(counts / np.where(norm == 0, 1.0, norm), dtype=np.float64)


@jit
def _bin_of(value: float, edges: FloatArray) -> int:
    """Index of the bin, or -1 outside."""
    last = edges.size - 1
    if not (edges[0] <= value <= edges[last]):
        return -1
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if value >= edges[middle]:
            low = middle
        else:
            high = middle
    return low


@jit
def _count_pairs(
    time: FloatArray, mag: FloatArray, dm_edges: FloatArray, dt_edges: FloatArray, out: IntArray
) -> None:
    last = dt_edges.size - 1
    for i in range(time.size):
        # The times ascend, so the time bin of j never moves back.
        column = 0
        for j in range(i + 1, time.size):
            gap = time[j] - time[i]
            if gap > dt_edges[last]:
                break
            while column < last - 1 and gap >= dt_edges[column + 1]:
                column += 1
            row = _bin_of(mag[j] - mag[i], dm_edges)
            if row >= 0:
                out[row, column] += 1
