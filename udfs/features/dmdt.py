"""Histogram of magnitude differences against time differences (dmdt)."""

import importlib

import numpy as np

from udfs.devices import check_backend
from udfs.features.dmdt_cpu import count_pairs
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
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    *,
    mode: str = FIXED,
    backend: str = "cpu",
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
    backend : {"cpu", "cuda"}
        What counts the pairs, which gives the same counts; "reference" is "cpu" here. There is no
        silent fallback.

    Returns
    -------
    (n_lc, 26, 26) float64, in [0, 1]. The first axis of an image is the magnitude
    difference, the second the time difference. All zero when no pair falls inside the edges.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays or the mode or the backend is unknown.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.

    References
    ----------
    Mahabal et al. (2017), IEEE SSCI 2757. doi:10.1109/SSCI.2017.8280984
    """
    check_mode(mode)
    check_backend(backend)
    check_offsets(offsets, time=time, mag=mag)
    dm_edges, dt_edges = np.array(DM_EDGES, np.float64), np.array(DT_EDGES_DAY, np.float64)
    if mode == SCOPE:
        dt_edges[1] = _SCOPE_SECOND_EDGE_DAY
    for edges in (dm_edges, dt_edges):
        # The last bin is closed: half-open bins up to the next number are the same.
        edges[-1] = np.nextafter(edges[-1], np.inf)
    counts = np.zeros((offsets.size - 1, dm_edges.size - 1, dt_edges.size - 1), np.int64)
    if backend == "cuda":
        count = importlib.import_module("udfs.features.dmdt_cuda").count_pairs
        count(time, mag, offsets, dm_edges, dt_edges, counts)
    else:
        count_pairs(time, mag, offsets, _order(mag, offsets), dm_edges, dt_edges, counts)
    norm = np.sqrt(np.sum(counts**2, axis=(1, 2), keepdims=True, dtype=np.float64))
    return np.asarray(counts / np.where(norm == 0, 1.0, norm), dtype=np.float64)


def _order(mag: FloatArray, offsets: IntArray) -> IntArray:
    """The epochs of each curve in ascending magnitude; NaN last."""
    order = np.empty(mag.size, np.int64)
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        order[start:stop] = np.argsort(mag[start:stop])
    return order
