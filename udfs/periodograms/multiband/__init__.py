"""Multi-band periodogram: one shared shape and a small correction for each band."""

from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.periodograms.curves import backend_of, check_curves
from udfs.ragged import FloatArray, IntArray, check_offsets

_MIN_POINTS = 2


def multiband(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    band: npt.NDArray[np.integer[Any]],
    offsets: IntArray,
    freq: FloatArray,
    *,
    backend: str,
    base_terms: int = 1,
    band_terms: int = 1,
    base_penalty: float = 0.0,
    band_penalty: float = 1e-6,
) -> FloatArray:
    """Share of chi-square explained by a periodic model of all bands of a star together.

    The model of an epoch in band b is a Fourier series of ``base_terms`` harmonics common to all
    bands plus one of ``band_terms`` harmonics of the band itself, both with a constant:

        y = sum over k of shared A_k cos(2 pi k f t) + B_k sin(2 pi k f t), and the same for b.

    It is fitted with weights 1 / err^2. To chi-square are added the squares of the parameters times
    a penalty (Tikhonov), which leaves to a band only what the shared shape cannot do. Magnitudes
    are first centred on the weighted mean of their band. Higher is better.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All epochs of a star in all its bands, star after star, in any order within a star. Any
        epoch: each star is referred to its own first time before phases are formed.
    mag, magerr : (n_obs,) float64, magnitudes
    band : (n_obs,) integer
        Any numbers; equal numbers are the same band.
    offsets : (n_star + 1,) int64
        Star ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day
        In any order; evenly spaced stretches are computed faster.
    backend : {"reference", "cpu", "cuda"}
        Set by configuration. There is no silent fallback.
    base_terms, band_terms : int
        Harmonics, 0 or more; not both 0.
    base_penalty, band_penalty : float
        In units of the trace of the normal matrix. The second must be positive: shared and band
        constants could not be told apart.

    Returns
    -------
    (n_star, n_freq) float64, dimensionless, in [0, 1]. NaN for a star of fewer than 2 epochs, with
    each band constant, with a value that is not finite or an error that is not positive.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, a frequency is not positive, terms or penalties
        are out of range or the backend is unknown.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.

    References
    ----------
    VanderPlas and Ivezic (2015), ApJ 812, 18, section 4. doi:10.1088/0004-637X/812/1/18
    """
    check_curves(time, mag, offsets, freq)
    check_offsets(offsets, magerr=magerr, band=band)
    if min(base_terms, band_terms) < 0 or base_terms + band_terms == 0:
        raise ValueError(
            f"base_terms={base_terms!r} and band_terms={band_terms!r}, expected 0 or more, "
            "and not both 0"
        )
    if base_penalty < 0 or not band_penalty > 0:
        raise ValueError(
            f"base_penalty={base_penalty!r} and band_penalty={band_penalty!r}, "
            "expected 0 or more, and more than 0"
        )
    one_curve = backend_of("multiband", backend)
    out = np.full((offsets.size - 1, freq.size), np.nan)
    for i in range(offsets.size - 1):
        star = slice(offsets[i], offsets[i + 1])
        t, m, e = (np.asarray(a[star], np.float64) for a in (time, mag, magerr))
        if t.size < _MIN_POINTS or not np.all(np.isfinite(t + m + e) & (e > 0)):
            continue
        order, bounds = _by_band(band[star])
        weight = 1.0 / e[order] ** 2
        y = _centred(m[order], weight, bounds)
        if not np.any(y):
            continue
        out[i] = one_curve(
            t[order] - np.min(t),
            y,
            weight,
            bounds,
            freq,
            terms=(base_terms, band_terms),
            penalties=(base_penalty, band_penalty),
        )
    return out


def _by_band(band: npt.NDArray[np.integer[Any]]) -> tuple[IntArray, IntArray]:
    """Order that puts the bands one after another, and the bounds of the bands in it."""
    order = np.argsort(band, kind="stable")
    bounds = np.flatnonzero(np.diff(band[order])) + 1
    return order, np.concatenate(([0], bounds, [band.size])).astype(np.int64)


def _centred(mag: FloatArray, weight: FloatArray, bounds: IntArray) -> FloatArray:
    y = mag.copy()
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        part = mag[start:stop]
        # The mean of equal values may differ from them by rounding.
        constant = np.ptp(part) == 0
        y[start:stop] -= part[0] if constant else np.average(part, weights=weight[start:stop])
    return y
