"""Which epochs of ragged light curves can be measurements."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.checks.reasons import DUPLICATE_EPOCH, EPOCH_REASONS

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """Times [day] and magnitudes that a survey can have measured, both ends included."""

    min_hmjd: float
    max_hmjd: float
    min_mag: float
    max_mag: float


def sort_epochs(hmjd: FloatArray, curve: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices that put the epochs of each curve in order of time; equal times keep their order.

    Parameters
    ----------
    hmjd : (n_obs,) float64, days
    curve : (n_obs,) int64
        Number of the light curve that each epoch belongs to, ascending.
    """
    return np.asarray(np.lexsort((hmjd, curve)), dtype=np.int64)


def epoch_problems(
    hmjd: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    curve: NDArray[np.int64],
    *,
    bounds: Bounds,
) -> NDArray[np.int8]:
    """Number of the first of ``EPOCH_REASONS`` that holds for each epoch, or -1.

    Parameters
    ----------
    hmjd, mag, magerr : (n_obs,) float64, days and magnitudes
        All light curves, one after another, each ascending in time (NaN last).
    curve : (n_obs,) int64
        Number of the light curve of each epoch, ascending.

    Returns
    -------
    (n_obs,) int8. Of several good epochs of a curve at one time, all but the first are duplicates.
    """
    tests = (
        ~np.isfinite(hmjd),
        ~((hmjd >= bounds.min_hmjd) & (hmjd <= bounds.max_hmjd)),
        ~np.isfinite(mag),
        ~((mag >= bounds.min_mag) & (mag <= bounds.max_mag)),
        ~np.isfinite(magerr),
        ~(magerr > 0),
    )
    problem = np.full(hmjd.size, -1, dtype=np.int8)
    for number, failed in reversed(list(enumerate(tests))):
        problem[failed] = number

    good = np.flatnonzero(problem == -1)
    again = (np.diff(hmjd[good]) == 0) & (np.diff(curve[good]) == 0)
    problem[good[1:][again]] = EPOCH_REASONS.index(DUPLICATE_EPOCH)
    return problem
