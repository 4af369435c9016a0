"""The period of each star, chosen from its candidates, with what tells how far to trust it."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from udfs.periods.agreement import agreement, family_agreement
from udfs.periods.curves import StarCurves, star_curves
from udfs.periods.false_alarm import false_alarm_probability
from udfs.periods.features import candidate_features, penalised
from udfs.periods.harmonic_fit import refined
from udfs.periods.pool import candidate_pool
from udfs.periods.trees import RankingModel
from udfs.periods.window import alias_family, near_day, window_power
from udfs.ragged import FloatArray, IntArray, check_offsets

OK = "ok"
NO_USABLE_CURVE = "no_usable_curve"
NO_CANDIDATE = "no_candidate"

# What a frequency near n per day must score more than another. Of constant stars, whose best
# candidate means nothing, 9 percent would have such a period and not the 2 percent of chance.
_NEAR_DAY = 1.0


@dataclass(frozen=True)
class StarPeriods:
    """One row per star; NaN (0 harmonics) unless ``status`` is "ok".

    Attributes
    ----------
    period : (n_star,) float64, days
    n_harmonics : (n_star,) int64
        Harmonics that BIC allows at this period, 1 to 8.
    gain : (n_star,) float64
        Log-likelihood gained by these harmonics over constant magnitudes, all curves together.
    false_alarm_probability : (n_star,) float64
        That noise has such a peak; see :func:`udfs.periods.false_alarm.false_alarm_probability`.
    window_power : (n_star,) float64
        Spectral window of the star's own epochs at the frequency, in [0, 1].
    alias_family : (n_star,) float64, cycles/day
        Lowest frequency of the sidereal alias family, in [0, 0.5014].
    alias_margin : (n_star,) float64
        Log-likelihood (less ln n per harmonic) of the chosen frequency less that of the best other
        candidate in its alias family; negative where shape outweighed likelihood, infinite
        without rival.
    score_margin : (n_star,) float64
        Score of the chosen candidate less that of the second; infinite without a second.
    agreement, family_agreement : (n_star,) float64
        See :mod:`udfs.periods.agreement`.
    status : (n_star,) str
        "ok", "no_usable_curve" or "no_candidate".
    """

    period: FloatArray
    n_harmonics: IntArray
    gain: FloatArray
    false_alarm_probability: FloatArray
    window_power: FloatArray
    alias_family: FloatArray
    alias_margin: FloatArray
    score_margin: FloatArray
    agreement: FloatArray
    family_agreement: FloatArray
    status: npt.NDArray[np.str_]


def choose_periods(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    star_offsets: IntArray,
    candidates: FloatArray,
    *,
    others: FloatArray,
    max_freq: float,
    model: RankingModel,
) -> StarPeriods:
    """Choose the period of each star from the highest maxima of its grid statistics.

    The maxima are refined at the exact times and joined by their doubles and halves; each is
    described by its likelihood with 1 to 8 harmonics, for normal noise and for noise of which some
    epochs lie far off, the shape of the folded curves and its relation to the day and to the
    best-fitting one; the model's highest score wins, with a handicap for frequencies near n per
    day. Half or double is decided with the rest: by what
    alternate minima tell, and by shape and period. All curves of a star are fitted with one
    Fourier series, each on a mean of its own and scaled to the same amplitude.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All light curves, one after another.
    mag, magerr : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    star_offsets : (n_star + 1,) int64
        Star ``s`` owns the curves ``star_offsets[s]`` to ``star_offsets[s + 1]``, of any bands.
    candidates : (n_star, n_column, top_n) float64, cycles/day
        Of each star as from :func:`udfs.periods.candidates.top_maxima`.
    others : (n_star, n_algorithm) float64, days
        Periods that other algorithms found, NaN if none; only for the agreement.
    max_freq : float, cycles/day
        Upper end of the grid, for the false-alarm probability. No period above it is chosen.
    model : RankingModel

    Returns
    -------
    StarPeriods

    Raises
    ------
    ValueError
        If the offsets do not partition the arrays or the shapes disagree.
    """
    check_offsets(offsets, time=time, mag=mag, magerr=magerr)
    n_star = star_offsets.size - 1
    if candidates.ndim != 3 or candidates.shape[0] != n_star or others.shape[0] != n_star:
        raise ValueError(
            f"candidates {candidates.shape} and others {others.shape} must have one row for "
            f"each of {n_star} stars"
        )
    rows = []
    for s in range(n_star):
        bounds = offsets[star_offsets[s] : star_offsets[s + 1] + 1]
        part = slice(bounds[0], bounds[-1])
        star = star_curves(time[part], mag[part], magerr[part], bounds - bounds[0])
        rows.append(_choose(star, candidates[s], max_freq, model))
    table = {f.name: np.array([row[f.name] for row in rows]) for f in fields(StarPeriods)}
    table["n_harmonics"] = table["n_harmonics"].astype(np.int64)
    table["agreement"] = agreement(table["period"], others)
    table["family_agreement"] = family_agreement(table["period"], others)
    return StarPeriods(**table)


_NOTHING: dict[str, float | int | str] = {
    "n_harmonics": 0,
    **{f.name: np.nan for f in fields(StarPeriods) if f.name not in ("n_harmonics", "status")},
}


def _choose(
    star: StarCurves, candidates: FloatArray, max_freq: float, model: RankingModel
) -> dict[str, float | int | str]:
    if star.chi2.size == 0:
        return _NOTHING | {"status": NO_USABLE_CURVE}
    pool = candidate_pool(star, candidates)
    pool = pool[pool <= max_freq]
    if pool.size == 0:
        return _NOTHING | {"status": NO_CANDIDATE}
    columns, gain = candidate_features(star, pool)
    scores = model.scores(columns) - _NEAR_DAY * near_day(pool)
    best = int(np.argmax(scores))
    bic = penalised(gain, star.time.size)
    harmonics = int(np.argmax(bic[best])) + 1
    family = alias_family(pool)
    rivals = np.abs(family - family[best]) < 1.0 / star.span_day
    rivals[best] = False
    others = np.delete(scores, best)
    freq = _sharpened(star, float(pool[best]), harmonics)
    return _NOTHING | {
        "period": 1.0 / freq,
        "n_harmonics": harmonics,
        "gain": float(gain[best, harmonics - 1]),
        "false_alarm_probability": false_alarm_probability(
            _unbiased(gain[best, harmonics - 1], star, harmonics),
            harmonics=harmonics,
            max_freq=max_freq,
            time_std_day=float(np.std(star.time)),
        ),
        "window_power": float(window_power(star.time, np.array([freq]))[0]),
        "alias_family": float(alias_family(np.array([freq]))[0]),
        "alias_margin": float(bic[best].max() - bic[rivals].max()) if rivals.any() else np.inf,
        "score_margin": float(scores[best] - others.max()) if others.size else np.inf,
        "status": OK,
    }


def _sharpened(star: StarCurves, freq: float, harmonics: int) -> float:
    """The frequency that fits best with the harmonics that the star has."""
    step = 0.1 / (max(harmonics, 2) * star.span_day)
    freq = refined(*star, freq, harmonics, step, 2)
    return float(refined(*star, freq, harmonics, step / 4, 2))


def _unbiased(gain: float, star: StarCurves, harmonics: int) -> float:
    """The gain with the noise estimated from the residuals: parameters use up epochs."""
    n = star.time.size
    return max(0.0, gain * (1.0 - (2 * harmonics + star.chi2.size) / n))
