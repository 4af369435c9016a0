"""Cleaning of light curves: photometry flags, time cutoff, order, high-cadence thinning."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.jit import jit
from udfs.ragged import BoolArray, FloatArray, IntArray, check_offsets

MINUTES_PER_DAY = 1440.0
ALL_FLAGS = -1


@dataclass(frozen=True)
class CleaningSettings:
    """What makes an epoch usable.

    Attributes
    ----------
    min_gap_minutes : float
        Shortest time between two kept epochs of a curve.
    max_hmjd : float or None
        Last usable time, in the time scale of the curves [day]; None for no limit.
    flag_mask : int
        An epoch is clean when none of these bits of catflags is set. The default is all bits:
        catflags must be exactly 0.
    """

    min_gap_minutes: float = 30.0
    max_hmjd: float | None = None
    flag_mask: int = ALL_FLAGS


def clean_epochs(
    time: FloatArray,
    mag: npt.NDArray[np.floating[Any]],
    magerr: npt.NDArray[np.floating[Any]],
    catflags: npt.NDArray[np.integer[Any]],
    offsets: IntArray,
    *,
    settings: CleaningSettings,
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """The usable epochs of each light curve, ascending in time and at least ``min_gap`` apart.

    An epoch is usable when its flags are clean, it is not after ``max_hmjd``, all three
    numbers are finite and the error is positive. Of the usable epochs, the first is kept, then
    each that follows the last *kept* one by ``min_gap`` or more (so a dense night
    leaves one epoch per gap, not one in all).

    Parameters
    ----------
    time : (n_obs,) float64, days
        All curves, one after another, in any order within a curve.
    mag, magerr : (n_obs,) floating, magnitudes
    catflags : (n_obs,) integer
        Photometry flags, 0 is clean.
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    settings : CleaningSettings

    Returns
    -------
    time, mag, magerr : (n_kept,) float64
    offsets : (n_lc + 1,) int64
        A curve without usable epochs stays, with length 0.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays.

    References
    ----------
    van Roestel et al. (2021), AJ 161, 267, section 2. doi:10.3847/1538-3881/abe853
    """
    check_offsets(offsets, time=time, mag=mag, magerr=magerr, catflags=catflags)
    usable = _usable(time, mag, magerr, settings)
    usable &= (catflags & settings.flag_mask) == 0
    usable_offsets = _offsets_of(usable, offsets)
    t, m, e = (np.asarray(a[usable], dtype=np.float64) for a in (time, mag, magerr))
    order = _time_order(t, usable_offsets)
    t, m, e = t[order], m[order], e[order]
    kept = _thin(t, usable_offsets, settings.min_gap_minutes / MINUTES_PER_DAY)
    return t[kept], m[kept], e[kept], _offsets_of(kept, usable_offsets)


def _usable(
    time: FloatArray,
    mag: npt.NDArray[np.floating[Any]],
    magerr: npt.NDArray[np.floating[Any]],
    settings: CleaningSettings,
) -> BoolArray:
    usable = np.isfinite(time) & np.isfinite(mag) & np.isfinite(magerr) & (magerr > 0)
    if settings.max_hmjd is not None:
        usable &= time <= settings.max_hmjd
    return np.asarray(usable, dtype=np.bool_)


def _offsets_of(kept: BoolArray, offsets: IntArray) -> IntArray:
    running = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
    return np.asarray(running[offsets], dtype=np.int64)


def _time_order(time: FloatArray, offsets: IntArray) -> IntArray:
    curve = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    same_curve = curve[1:] == curve[:-1]
    if not np.any(same_curve & (time[1:] < time[:-1])):
        return np.arange(time.size)
    # lexsort is stable: equal times keep their order.
    return np.asarray(np.lexsort((time, curve)), dtype=np.int64)


@jit
def _thin(time: FloatArray, offsets: IntArray, min_gap_day: float) -> BoolArray:
    kept = np.zeros(time.size, np.bool_)
    for i in range(offsets.size - 1):
        last = -np.inf
        for k in range(offsets[i], offsets[i + 1]):
            if time[k] - last >= min_gap_day:
                kept[k] = True
                last = time[k]
    return kept
