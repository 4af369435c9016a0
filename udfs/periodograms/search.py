"""The search over the frequency grid: three periodograms of each curve, one of each star."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from udfs.devices import check_backend
from udfs.modes import SCOPE, check_mode
from udfs.periodograms.grid import AUTO, EXACT, PeriodSearchSettings, excluded
from udfs.periodograms.plan import Part, plan_parts, usable_curves
from udfs.periodograms.star_peaks import StarPeaks, star_peaks
from udfs.periods.curves import weights
from udfs.ragged import FloatArray, IntArray, check_offsets
from udfs.schemas import GRID_ALGORITHMS

# Values of a periodogram that are held at a time, frequencies times curves: few enough for the
# cache of a processor, many enough to be worth the start of a kernel on a GPU.
_VALUES = {"reference": 1 << 19, "cpu": 1 << 19, "cuda": 1 << 24}
_FEWEST_FREQUENCIES = 1024


@dataclass(frozen=True)
class GridSearch:
    """What the search over the grid found.

    Attributes
    ----------
    period : (n_lc, 4) float64, days
        Columns in the order of ``schemas.GRID_ALGORITHMS``.
    significance : (n_lc, 4) float64
        Distance of the best value from the mean of the periodogram in its standard deviations;
        for the nested choice the AOV statistic itself.
    pdot : (n_lc, 4) float64, days/day
        0: no period derivative is searched.
    times : (n_lc,) str
        "shared" where the curve was folded at the times of its block's exposures, "exact" where at
        its own.
    candidates : (n_star, 3, n_peaks) float64, cycles/day
        Highest local maxima of the star's fit by 1, 2, 3 harmonics, highest first; NaN beyond the
        last one, everywhere in mode "scope-v0.9.5".
    """

    period: FloatArray
    significance: FloatArray
    pdot: FloatArray
    times: npt.NDArray[np.str_]
    candidates: FloatArray


def search_periods(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    freq: FloatArray,
    *,
    band: IntArray,
    star: IntArray,
    settings: PeriodSearchSettings,
    mode: str,
    backend: str,
) -> GridSearch:
    """Best grid points of each light curve, and those of each star in all its bands.

    ELS and EAOV take the highest grid point, ECE the lowest. The nested choice ELS_ECE_EAOV
    takes, of the ``top_n`` best grid points of ELS and those of ECE, the one with the
    highest AOV. Between equal values the lower frequency wins. Errors are not used, and the
    excluded windows of the settings are left out.

    In mode "fixed" Fourier series of up to 3 harmonics, errors as weights, are fitted at every
    frequency as well. A star's statistic is the sum over its curves of
    n times the share of chi-square that the series explains
    (:func:`udfs.periods.candidates.star_statistic`). Nothing is left out of the grid; a
    harmonic beyond the end of the grid is not fitted.

    The grid is walked in stretches: memory does not grow with its length.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another.
    mag, magerr : (n_obs,) float64, magnitudes
        The errors weigh the epochs in the fits of the star.
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    freq : (n_freq,) float64, cycles/day, ascending
        From :func:`udfs.periodograms.grid.full_grid`.
    band : (n_lc,) int64
        Curves of one band may share exposures.
    star : (n_lc,) int64, 0 .. n_star - 1
        Star of each curve.
    settings : PeriodSearchSettings
    mode : {"fixed", "scope-v0.9.5"}
        "scope-v0.9.5" shares exposures only if the settings demand it: bins then begin at another
        phase. It rounds the periods of ELS, ECE and EAOV to single precision, as its period
        grid was; the nested period is 1 / f in both modes. Its single-precision sums are not
        imitated: they changed from run to run.
    backend : {"reference", "cpu", "cuda"}

    Returns
    -------
    GridSearch. NaN for curves of constant magnitude or too few epochs.

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, mode or backend are unknown, or shared exposures
        are demanded of curves that do not share any.
    """
    check_mode(mode)
    check_backend(backend)
    check_offsets(offsets, time=time, mag=mag, magerr=magerr)
    usable = usable_curves(time, mag, offsets, min_points=settings.phase_bins + 1)
    weight = np.ones(time.size)
    for i in np.flatnonzero(usable):
        curve = slice(offsets[i], offsets[i + 1])
        weight[curve] = weights(mag[curve], magerr[curve])
    if mode == SCOPE and settings.times == AUTO:
        # Phase bins of a block begin at its first exposure, not at each curve's first epoch.
        settings = replace(settings, times=EXACT)
    parts = plan_parts(
        time, mag, weight, offsets,
        band=band, chosen=usable, settings=settings, backend=backend, top_freq=float(freq[-1]),
    )  # fmt: skip
    peaks = star_peaks(star, settings, backend=backend)
    kept = ~excluded(freq, settings)
    length = max(_VALUES[backend] // max(offsets.size - 1, 1), _FEWEST_FREQUENCIES)
    for start in range(0, freq.size, length):
        stretch = slice(start, start + length)
        classic_freq = freq[stretch][kept[stretch]]
        for part in parts:
            if classic_freq.size:
                part.engine.classic(classic_freq)
        if mode != SCOPE:
            peaks.add(parts, freq[stretch])
    return _collect(parts, peaks, freq, freq[kept], n_lc=offsets.size - 1, mode=mode)


def _collect(
    parts: Sequence[Part],
    peaks: StarPeaks,
    freq: FloatArray,
    classic_freq: FloatArray,
    *,
    n_lc: int,
    mode: str,
) -> GridSearch:
    shape = (n_lc, len(GRID_ALGORITHMS))
    period, significance = np.full(shape, np.nan), np.full(shape, np.nan)
    times = np.full(n_lc, EXACT, dtype="<U6")
    for part in parts:
        times[part.curves] = part.times
        # The excluded windows may leave nothing of a short grid.
        if classic_freq.size:
            index, significance[part.curves] = part.engine.choice()
            period[part.curves] = 1.0 / classic_freq[index]
    if mode == SCOPE:
        period[:, :3] = period[:, :3].astype(np.float32)
    pdot = np.where(np.isnan(period), np.nan, 0.0)
    return GridSearch(period, significance, pdot, times, peaks.candidates(freq))
