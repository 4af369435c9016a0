"""Light curves of one star as the harmonic fits want them: centred, weighted, one time zero."""

import math
from typing import NamedTuple

import numpy as np

from udfs.ragged import FloatArray, IntArray

# Share of the spread of a curve that is added to the errors in quadrature. No star repeats a
# Fourier series exactly, so a few epochs with tiny errors must not outvote the others.
JITTER = 0.1
# Epochs on either side of a curve that may be wild, and how long it must be for that.
_WILD, _FEWEST_FOR_WILD = 2, 50
# A fit of three harmonics has seven parameters.
MIN_EPOCHS = 8


class StarCurves(NamedTuple):
    """All usable light curves of one star.

    Attributes
    ----------
    time : (n_obs,) float64, days
        From the first epoch of the star.
    y : (n_obs,) float64, magnitudes
        Less the weighted mean of the curve, and in curves of different amplitudes scaled to the
        mean of these.
    weight : (n_obs,) float64, 1 / magnitudes^2
        Of ``y``.
    offsets : (n_lc + 1,) int64
    chi2 : (n_lc,) float64
        Sum of weight y^2 of each curve.
    """

    time: FloatArray
    y: FloatArray
    weight: FloatArray
    offsets: IntArray
    chi2: FloatArray

    @property
    def span_day(self) -> float:
        """Time from the first to the last epoch."""
        return float(np.max(self.time)) if self.time.size else 0.0


def weights(mag: FloatArray, magerr: FloatArray) -> FloatArray:
    """Weights 1 / (err^2 + (JITTER s)^2), s being half the range of the central 68 percent.

    A wild epoch, one of the two brightest or faintest and beyond the range of the others by more
    than half of it, would outweigh all others: its weight is lowered so that it adds no more to
    chi-square than one at that limit. With a third epoch as far off it is an eclipse or a flare,
    and counts.

    Parameters
    ----------
    mag, magerr : (n_obs,) float64, magnitudes
        One light curve.

    Returns
    -------
    (n_obs,) float64, 1 / magnitudes^2
    """
    low, high = np.percentile(mag, (16.0, 84.0))
    weight = 1.0 / (magerr**2 + (JITTER * 0.5 * (high - low)) ** 2)
    if mag.size < _FEWEST_FOR_WILD:
        return np.asarray(weight)
    bright, faint = np.partition(mag, (_WILD, mag.size - 1 - _WILD))[[_WILD, -1 - _WILD]]
    reach = max(faint - bright, float(np.median(magerr)))
    away = np.abs(mag - 0.5 * (bright + faint))
    return np.asarray(weight * (reach / np.maximum(away, reach)) ** 2)


def star_curves(
    time: FloatArray, mag: FloatArray, magerr: FloatArray, offsets: IntArray
) -> StarCurves:
    """The curves of one star that a period can be found from.

    Curves of fewer than ``MIN_EPOCHS`` epochs, of constant magnitude or with a value that
    is not finite or an error that is not positive are left out.

    Parameters
    ----------
    time : (n_obs,) float64, days
    mag, magerr : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``; all curves are of one star.

    Returns
    -------
    StarCurves, without epochs if no curve is usable
    """
    parts, chi2, scales = [], [], []
    for i in range(offsets.size - 1):
        curve = slice(offsets[i], offsets[i + 1])
        t, m, e = (np.asarray(a[curve], np.float64) for a in (time, mag, magerr))
        if t.size < MIN_EPOCHS or not np.all(np.isfinite(t + m + e) & (e > 0)):
            continue
        if np.ptp(m) == 0 or np.ptp(t) == 0:
            continue
        w = weights(m, e)
        y = m - np.sum(w * m) / np.sum(w)
        scales.append(_signal(w, y, e))
        parts.append((t, y, w))
        chi2.append(float(np.sum(w * y * y)))
    if not parts:
        none = np.empty(0)
        return StarCurves(none, none, none, np.zeros(1, np.int64), none)
    # Bands differ in amplitude more than in shape: on one scale, one series describes them all.
    unit = float(np.average(scales, weights=[t.size for t, _, _ in parts]))
    parts = [
        (t, y * (unit / scale), w * (scale / unit) ** 2)
        for (t, y, w), scale in zip(parts, scales, strict=True)
    ]
    t, y, w = (np.concatenate(p) for p in zip(*parts, strict=True))
    ends = np.cumsum([0, *(p[0].size for p in parts)]).astype(np.int64)
    return StarCurves(t - np.min(t), y, w, ends, np.array(chi2))


def _signal(weight: FloatArray, y: FloatArray, magerr: FloatArray) -> float:
    """Standard deviation beyond the errors; a curve of nothing but noise keeps a third of it."""
    variance = float(np.sum(weight * y * y) / np.sum(weight))
    return math.sqrt(max(variance - float(np.median(magerr)) ** 2, 0.1 * variance))
