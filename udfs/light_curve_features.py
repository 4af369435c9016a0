"""All features that come from the light curve alone: cleaning, statistics, periods, shapes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.cleaning import CleaningSettings, clean_epochs
from udfs.features.dmdt import dmdt_histograms
from udfs.features.fourier import even_harmonics, fourier_features
from udfs.features.statistics import basic_statistics
from udfs.modes import FIXED
from udfs.periodograms.grid import PeriodSearchSettings, excluded, full_grid
from udfs.periodograms.search import GridSearch, search_periods
from udfs.periods.choice import choose_periods
from udfs.periods.trees import RankingModel
from udfs.ragged import FloatArray, IntArray, take_rows
from udfs.schemas import (
    BEST,
    DMDT_SIDE,
    EVEN_HARMONICS,
    FOURIER,
    GRID_ALGORITHMS,
    NESTED,
    PERIOD_ALGORITHMS,
    PERIOD_QUALITY,
    STATISTICS,
)
from udfs.stars import BlockSettings
from udfs.usable import OK, UsableSettings, spans

_HMJD_TO_HJD_DAY = 2_400_000.5


@dataclass(frozen=True)
class FeatureSettings:
    """How light curves become features.

    Attributes
    ----------
    mode : {"fixed", "scope-v0.9.5"}
    backend : {"reference", "cpu", "cuda"}
        What computes the periodograms and the other features; "reference" means numpy for the
        periodograms and "cpu" for the others.
    min_epochs : int
        Clean epochs that a light curve must have.
    min_gap_minutes, max_hmjd : float
        See :class:`udfs.cleaning.CleaningSettings`.
    fourier_epoch_offset_day : float
        Added to the times in the phases of the Fourier series; the default refers hmjd to the HJD
        of the published features.
    period_search : PeriodSearchSettings
    blocks : BlockSettings
        How many stars are computed together.
    ranking : RankingModel, optional
        Chooses the period of a star; mode "fixed" needs one.
    """

    mode: str = FIXED
    backend: str = "cpu"
    min_epochs: int = 50
    min_gap_minutes: float = 30.0
    max_hmjd: float | None = None
    fourier_epoch_offset_day: float = _HMJD_TO_HJD_DAY
    period_search: PeriodSearchSettings = field(default_factory=PeriodSearchSettings)
    blocks: BlockSettings = field(default_factory=BlockSettings)
    ranking: RankingModel | None = None

    @property
    def cleaning(self) -> CleaningSettings:
        """The part of the settings that says which epochs are usable."""
        return CleaningSettings(min_gap_minutes=self.min_gap_minutes, max_hmjd=self.max_hmjd)

    @property
    def usable(self) -> UsableSettings:
        """The part of the settings that says which cleaned light curves get features."""
        return UsableSettings(self.min_epochs, self.period_search.max_baseline_day)


@dataclass(frozen=True)
class FeatureBlock:
    """Features of a batch of light curves.

    Attributes
    ----------
    kept : (n_kept,) int64
        Which curves of the batch have features, ascending.
    status : (n_lc,) str
        Of each curve of the batch: "ok", "too_few_epochs" or "baseline_too_long".
    columns : dict of str to array with first axis n_kept
        Names as in ``schemas.FEATURES``. ``dmdt`` is (n_kept, 676) float32, ``n_freq`` and
        ``n_harmonics`` int32, ``mode``, ``backend``, ``times`` and ``period_status`` str, the
        others float64.
    """

    kept: IntArray
    status: npt.NDArray[np.str_]
    columns: dict[str, npt.NDArray[Any]]


def cleaned_baseline(
    time: FloatArray,
    mag: npt.NDArray[np.floating[Any]],
    magerr: npt.NDArray[np.floating[Any]],
    catflags: npt.NDArray[np.integer[Any]],
    offsets: IntArray,
    *,
    settings: FeatureSettings,
) -> tuple[IntArray, FloatArray]:
    """Number of clean epochs and their time span, of each light curve.

    The frequency grid of a quadrant needs the longest span of all its kept curves; this pass finds
    it at the cost of the cleaning alone. Parameters as in :func:`light_curve_features`.

    Returns
    -------
    n_clean : (n_lc,) int64
    span_day : (n_lc,) float64
        Last minus first clean time; 0 for a curve without clean epochs.
    """
    clean, _, _, bounds = clean_epochs(
        time, mag, magerr, catflags, offsets, settings=settings.cleaning
    )
    return np.diff(bounds), spans(clean, bounds)


def light_curve_features(
    time: FloatArray,
    mag: npt.NDArray[np.floating[Any]],
    magerr: npt.NDArray[np.floating[Any]],
    catflags: npt.NDArray[np.integer[Any]],
    offsets: IntArray,
    *,
    band: IntArray,
    star: IntArray,
    baseline_day: float,
    settings: FeatureSettings,
) -> FeatureBlock:
    """Statistics, periods, Fourier series and dmdt image of each light curve.

    All curves of a star must be in one batch. Beyond that, a curve searched at exact times does not
    depend on its neighbours; where curves share exposures, the time of an exposure is the mean over
    the batch, which moves by a few seconds with its members.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another, hmjd; in any order within a curve.
    mag, magerr : (n_obs,) floating, magnitudes
    catflags : (n_obs,) integer
        Photometry flags, 0 is clean.
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    band : (n_lc,) int64
        Curves of one band may share exposures.
    star : (n_lc,) int64
        Equal for the curves of one star.
    baseline_day : float, days
        Longest time span of all kept light curves of the quadrant, from :func:`cleaned_baseline`.
    settings : FeatureSettings

    Returns
    -------
    FeatureBlock

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays, the baseline is not positive, or mode or
        backend are unknown.
    """
    t, m, e, bounds = clean_epochs(time, mag, magerr, catflags, offsets, settings=settings.cleaning)
    status = settings.usable.status(np.diff(bounds), spans(t, bounds))
    usable = status == OK
    inside = np.repeat(usable, np.diff(bounds))
    t, m, e = t[inside], m[inside], e[inside]
    kept_offsets = np.concatenate(([0], np.cumsum(np.diff(bounds)[usable]))).astype(np.int64)
    return FeatureBlock(
        kept=np.flatnonzero(usable).astype(np.int64),
        status=status,
        columns=_columns(
            t,
            m,
            e,
            kept_offsets,
            band=band[usable],
            star=np.unique(star[usable], return_inverse=True)[1],
            baseline_day=baseline_day,
            settings=settings,
        ),
    )


def _columns(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    *,
    band: IntArray,
    star: IntArray,
    baseline_day: float,
    settings: FeatureSettings,
) -> dict[str, npt.NDArray[Any]]:
    n_lc = offsets.size - 1
    freq = full_grid(baseline_day, settings.period_search)
    statistics = basic_statistics(time, mag, magerr, offsets, backend=settings.backend)
    columns: dict[str, npt.NDArray[Any]] = dict(zip(STATISTICS, statistics.T, strict=True))
    best = search_periods(
        time,
        mag,
        magerr,
        offsets,
        freq,
        band=band,
        star=star,
        settings=settings.period_search,
        mode=settings.mode,
        backend=settings.backend,
    )
    for k, algorithm in enumerate(GRID_ALGORITHMS):
        columns[f"period_{algorithm}"] = best.period[:, k]
        columns[f"significance_{algorithm}"] = best.significance[:, k]
        columns[f"pdot_{algorithm}"] = best.pdot[:, k]
    algorithms: tuple[str, ...] = GRID_ALGORITHMS
    if settings.mode == FIXED:
        columns |= _best_columns(
            time, mag, magerr, offsets, star=star, found=best, settings=settings
        )
        algorithms = PERIOD_ALGORITHMS
    for algorithm in algorithms:
        series = fourier_features(
            time,
            mag,
            magerr,
            offsets,
            columns[f"period_{algorithm}"],
            mode=settings.mode,
            epoch_offset_day=settings.fourier_epoch_offset_day,
            backend=settings.backend,
        )
        names = [f"{name}_{algorithm}" for name in FOURIER]
        columns.update(zip(names, series.T, strict=True))
        if settings.mode == FIXED and algorithm in (NESTED, BEST):
            names = [f"{name}_{algorithm}" for name in EVEN_HARMONICS]
            columns.update(zip(names, even_harmonics(series).T, strict=True))
    images = dmdt_histograms(time, mag, offsets, mode=settings.mode, backend=settings.backend)
    columns["dmdt"] = images.reshape(n_lc, DMDT_SIDE**2).astype(np.float32)
    n_freq = np.count_nonzero(~excluded(freq, settings.period_search))
    columns["n_freq"] = np.full(n_lc, n_freq, np.int32)
    columns["mode"] = np.full(n_lc, settings.mode)
    columns["backend"] = np.full(n_lc, settings.backend)
    columns["times"] = best.times
    return columns


def _best_columns(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    *,
    star: IntArray,
    found: GridSearch,
    settings: FeatureSettings,
) -> dict[str, npt.NDArray[Any]]:
    """The period of each curve's star, chosen from the candidates of the grid."""
    if settings.ranking is None:
        raise ValueError(
            f"mode {FIXED!r} chooses the periods of stars with a ranking model: give "
            "FeatureSettings one from udfs.periods.trees.read_ranking_model"
        )
    # choose_periods wants the curves of a star next to each other.
    order = np.argsort(star, kind="stable")
    epochs, bounds = take_rows(offsets, order)
    star_offsets = np.searchsorted(star[order], np.arange(found.candidates.shape[0] + 1))
    chosen = choose_periods(
        time[epochs],
        mag[epochs],
        magerr[epochs],
        bounds,
        star_offsets,
        found.candidates,
        others=_beside(found.period[:, :3], order, star_offsets),
        max_freq=settings.period_search.max_freq_per_day,
        model=settings.ranking,
    )
    columns: dict[str, npt.NDArray[Any]] = {
        f"period_{BEST}": chosen.period[star],
        f"significance_{BEST}": chosen.gain[star],
        f"pdot_{BEST}": np.where(np.isnan(chosen.period), np.nan, 0.0)[star],
        "n_harmonics": chosen.n_harmonics[star].astype(np.int32),
        "period_status": chosen.status[star],
    }
    return columns | {name: getattr(chosen, name)[star] for name in PERIOD_QUALITY}


def _beside(values: FloatArray, order: IntArray, star_offsets: IntArray) -> FloatArray:
    """Rows of all curves of a star beside each other, NaN where a star has fewer curves."""
    counts = np.diff(star_offsets)
    out = np.full((counts.size, counts.max(initial=0), values.shape[1]), np.nan)
    row = np.repeat(np.arange(counts.size), counts)
    out[row, np.arange(order.size) - star_offsets[row]] = values[order]
    return out.reshape(counts.size, out.shape[1] * out.shape[2])
