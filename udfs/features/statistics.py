"""The 22 basic statistics of a light curve."""

import importlib

import numpy as np

from udfs.devices import check_backend
from udfs.features.moments import moments
from udfs.ragged import FloatArray, IntArray, check_offsets

_STATISTICS = 22


def basic_statistics(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    *,
    backend: str = "cpu",
) -> FloatArray:
    """SCoPe's basic statistics of each light curve, in the order of ``schemas.STATISTICS``.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All curves, one after another; ascending within a curve.
    mag, magerr : (n_obs,) float64, magnitudes
        ``magerr`` is the standard error and must be positive.
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    backend : {"cpu", "cuda"}
        What computes the statistics; "reference" is "cpu" here, and the curves are sorted on the
        CPU for both. There is no silent fallback.

    Returns
    -------
    (n_lc, 22) float64. NaN where a statistic is undefined: all but ``n`` for an empty curve,
    those with a divisor ``n - 1``, ``n - 2`` or ``n - 3`` for shorter curves than that, the
    normality tests for constant ``mag / magerr``, and ``inv_vonneumannratio`` when
    two times are equal.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays or the backend is unknown.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.

    Notes
    -----
    Some names are older than their definitions: ``welch_i`` and ``stetson_j`` are sums, not
    means; ``skew`` and ``smallkurt`` are normalised by the errors, not by the
    scatter; ``ad`` and ``sw`` test ``mag / magerr``, not the residuals.

    References
    ----------
    van Roestel et al. (2021), AJ 161, 267, table 2. doi:10.3847/1538-3881/abe853
    Stetson (1996), PASP 108, 851 (J, K). Welch and Stetson (1993), AJ 105, 1813 (I).
    Anderson and Darling (1952), Ann. Math. Stat. 23, 193.
    Shapiro and Wilk (1965), Biometrika 52, 591; weights of Royston (1995), Appl. Stat. 44, 547.
    """
    check_backend(backend)
    check_offsets(offsets, time=time, mag=mag, magerr=magerr)
    fill = moments
    if backend == "cuda":
        fill = importlib.import_module("udfs.features.moments_cuda").moments
    out = np.full((offsets.size - 1, _STATISTICS), np.nan)
    ordered = _ascending(mag, offsets)
    ordered_ratio = _ascending(mag / magerr, offsets)
    fill(time, mag, magerr, ordered, ordered_ratio, offsets, out)
    return out


def _ascending(values: FloatArray, offsets: IntArray) -> FloatArray:
    """A copy with each curve sorted; numpy sorts with vector instructions, numba does not."""
    ordered = np.array(values, np.float64)
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        ordered[start:stop].sort()
    return ordered
