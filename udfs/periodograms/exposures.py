"""Light curves over the exposures that they share: one matrix instead of many lists of times."""

from dataclasses import dataclass

import numpy as np

from udfs.periodograms.curves import scaled_curve
from udfs.ragged import BoolArray, FloatArray, IntArray, check_offsets

# Heliocentric corrections differ by a few seconds across a quadrant; the next exposure starts no
# sooner than the read-out allows.
SAME_EXPOSURE_DAY = 10.0 / 86_400.0


@dataclass(frozen=True)
class Exposures:
    """The shared exposures of a set of light curves.

    Attributes
    ----------
    time : (n_exposures,) float64, days
        Mean over the epochs of each exposure, ascending.
    index : (n_obs,) int64
        Exposure of each epoch.
    largest_shift_day : float
        Farthest that an epoch lies from its exposure's time.
    """

    time: FloatArray
    index: IntArray
    largest_shift_day: float


@dataclass(frozen=True)
class ExposureBlock:
    """Light curves as columns over shared exposures.

    Attributes
    ----------
    time : (n_exposures,) float64, days
        From the middle of the time span: small numbers keep the phases exact.
    scaled : (n_exposures, n_lc) float64
        Magnitudes of each column mapped to [0, 1]; 0 where not seen.
    deviation : (n_exposures, n_lc) float64
        Magnitude less the weighted mean of the column; 0 where not seen.
    weight : (n_exposures, n_lc) float64
        Weight of each epoch in the fits; 0 where not seen.
    seen : (n_exposures, n_lc) bool
    n : (n_lc,) int64
        Epochs of each column.
    """

    time: FloatArray
    scaled: FloatArray
    deviation: FloatArray
    weight: FloatArray
    seen: BoolArray
    n: IntArray


def shared_exposures(time: FloatArray) -> Exposures:
    """Group the epochs of all curves into exposures: times closer than 10 s to the next.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves of one filter of one quadrant, in any order.
    """
    order = np.argsort(time, kind="stable")
    ascending = time[order]
    starts = np.ones(time.size, np.bool_)
    starts[1:] = np.diff(ascending) > SAME_EXPOSURE_DAY
    group = np.cumsum(starts) - 1
    # Differences to the first epoch of the group are small: their mean loses no digits.
    first = ascending[starts]
    shift = np.bincount(group, ascending - first[group], minlength=first.size)
    mean = first + shift / np.bincount(group, minlength=first.size)
    index = np.empty(time.size, np.int64)
    index[order] = group
    largest = float(np.max(np.abs(time - mean[index]), initial=0.0))
    return Exposures(mean, index, largest)


def exposure_block(
    exposures: Exposures, time: FloatArray, mag: FloatArray, weight: FloatArray, offsets: IntArray
) -> ExposureBlock:
    """The light curves as columns over the exposures.

    Parameters
    ----------
    exposures : Exposures
        Of ``time``.
    time : (n_obs,) float64, days
    mag : (n_obs,) float64, magnitudes
    weight : (n_obs,) float64, 1 / magnitudes^2
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, or a curve has two epochs in one exposure.
        Constant curves are the caller's to leave out: they have no scale.
    """
    check_offsets(offsets, time=time, mag=mag, weight=weight)
    n = np.diff(offsets)
    shape = (exposures.time.size, n.size)
    column = np.repeat(np.arange(n.size), n)
    seen = np.zeros(shape, np.bool_)
    seen[exposures.index, column] = True
    if np.count_nonzero(seen) < time.size:
        raise ValueError("a light curve has two epochs in one exposure; it cannot share exposures")
    scaled, deviation, weights = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i in range(n.size):
        curve = slice(offsets[i], offsets[i + 1])
        rows = exposures.index[curve]
        scaled[rows, i] = scaled_curve(time[curve], mag[curve])[1]
        weights[rows, i] = weight[curve]
        deviation[rows, i] = mag[curve] - np.average(mag[curve], weights=weight[curve])
    middle = 0.5 * (exposures.time[0] + exposures.time[-1]) if exposures.time.size else 0.0
    return ExposureBlock(exposures.time - middle, scaled, deviation, weights, seen, n)
