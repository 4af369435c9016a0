"""The best period of each light curve: three periodograms and the choice between their peaks."""

from dataclasses import dataclass

import numpy as np

from udfs.modes import SCOPE, check_mode
from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.ragged import FloatArray, IntArray, check_offsets
from udfs.schemas import PERIOD_ALGORITHMS


@dataclass(frozen=True)
class BestPeriods:
    """Result of a period search; the columns follow ``schemas.PERIOD_ALGORITHMS``.

    Attributes
    ----------
    period : (n_lc, 4) float64, days
    significance : (n_lc, 4) float64
        Distance of the best value from the mean of the periodogram in its standard deviations;
        for the nested choice the AOV statistic itself.
    pdot : (n_lc, 4) float64, days/day
        0: no period derivative is searched.
    """

    period: FloatArray
    significance: FloatArray
    pdot: FloatArray


def search_periods(
    time: FloatArray,
    mag: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    settings: PeriodSearchSettings,
    mode: str,
    backend: str,
) -> BestPeriods:
    """Best period of each light curve by Lomb-Scargle, conditional entropy, AOV, and nested.

    ELS and EAOV take the highest grid point, ECE the lowest. The nested choice ELS_ECE_EAOV
    takes, of the ``top_n`` best grid points of ELS and those of ECE, the one with the
    highest AOV. Between equal values the lower frequency wins. Errors are not used.

    One curve is searched at a time: memory is three periodograms, whatever the number of curves.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another.
    mag : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day
        From :func:`udfs.periodograms.grid.frequency_grid`.
    settings : PeriodSearchSettings
        Bins and ``top_n``.
    mode : {"fixed", "scope-v0.9.5"}
        "scope-v0.9.5" rounds the periods of ELS, ECE and EAOV to single precision, as its period
        grid was; the nested period is 1 / f in both modes. Its single-precision sums are not
        imitated: they changed from run to run.
    backend : {"reference", "cpu"}

    Returns
    -------
    BestPeriods. NaN for curves of constant magnitude or too few epochs.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, or mode or backend are unknown.
    """
    check_mode(mode)
    check_offsets(offsets, time=time, mag=mag)
    shape = (offsets.size - 1, len(PERIOD_ALGORITHMS))
    period, significance = np.full(shape, np.nan), np.full(shape, np.nan)
    for i in range(shape[0]):
        curve = slice(offsets[i], offsets[i + 1])
        powers = _periodograms(time[curve], mag[curve], freq, settings=settings, backend=backend)
        if not any(np.isnan(p[0]) for p in powers):
            best, significance[i] = _choose(*powers, top_n=settings.top_n)
            period[i] = 1.0 / freq[best]
    if mode == SCOPE:
        period[:, :3] = period[:, :3].astype(np.float32)
    return BestPeriods(period, significance, np.where(np.isnan(period), np.nan, 0.0))


def _periodograms(
    time: FloatArray,
    mag: FloatArray,
    freq: FloatArray,
    *,
    settings: PeriodSearchSettings,
    backend: str,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    offsets = np.array([0, time.size], np.int64)
    ls = lomb_scargle(time, mag, offsets, freq, backend=backend)
    ce = conditional_entropy(
        time,
        mag,
        offsets,
        freq,
        backend=backend,
        phase_bins=settings.phase_bins,
        mag_bins=settings.mag_bins,
    )
    theta = aov(time, mag, offsets, freq, backend=backend, phase_bins=settings.phase_bins)
    return ls[0], ce[0], theta[0]


def _choose(
    ls: FloatArray, ce: FloatArray, theta: FloatArray, *, top_n: int
) -> tuple[IntArray, FloatArray]:
    """Grid indices and significances in the order of ``schemas.PERIOD_ALGORITHMS``."""
    candidates = np.union1d(_smallest(-ls, top_n), _smallest(ce, top_n))
    nested = candidates[np.argmax(theta[candidates])]
    best = np.array([np.argmax(ls), np.argmin(ce), np.argmax(theta), nested], np.int64)
    sigmas = [_sigmas(p, k) for p, k in zip((ls, ce, theta), best, strict=False)]
    return best, np.array([*sigmas, theta[nested]])


def _smallest(values: FloatArray, count: int) -> IntArray:
    """Indices of the ``count`` smallest values; of equal ones, the first."""
    if values.size <= count:
        return np.arange(values.size)
    threshold = np.partition(values, count - 1)[count - 1]
    below = np.flatnonzero(values < threshold)
    equal = np.flatnonzero(values == threshold)[: count - below.size]
    return np.concatenate([below, equal])


def _sigmas(values: FloatArray, index: int) -> float:
    # An infinite AOV has no mean to be compared with.
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(abs(np.mean(values) - values[index]) / np.std(values))
