"""What is known of each candidate of a star, as columns for the model that ranks them."""

import math

import numpy as np

from udfs.jit import jit
from udfs.periodograms.rotation import rotate, waves
from udfs.periods.curves import StarCurves
from udfs.periods.folded_shape import ROUGHNESS, SHAPE, roughness, shape
from udfs.periods.harmonic_fit import gains_of_sums, moments
from udfs.periods.robust_fit import robust_log_likelihoods
from udfs.periods.window import SIDEREAL_PER_DAY
from udfs.ragged import FloatArray, IntArray

MAX_HARMONICS = 8
_COMPARED = np.array([1, 2, 3, 5, 8])
_QUANTILES = (2, 10, 25, 75, 90, 98)
_YEAR_DAY = 365.25


@jit
def measure(
    time: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    offsets: IntArray,
    chi2: FloatArray,
    freq: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Gains at f, 2f and f/2, robust ones, window, roughness, shapes (6, 3 harmonics; 4 at 2f)."""
    n, total = freq.size, float(np.sum(chi2))
    gain, half_gain = np.empty((n, MAX_HARMONICS)), np.empty((n, MAX_HARMONICS))
    double_gain = np.empty((n, MAX_HARMONICS // 2))
    robust = np.empty((n, _COMPARED.size))
    rough, shapes = np.empty((n, 3)), np.empty((3, n, len(SHAPE)))
    c, s = np.empty(time.size), np.empty(time.size)
    window = np.empty(n)
    # Of f/2: every second one is of f, every fourth of 2f.
    sums = np.empty((4, chi2.size, 4 * MAX_HARMONICS + 1))
    for i in range(n):
        f = freq[i]
        waves(time, f / 2, c, s)
        moments(y, weight, offsets, c, s, sums)
        gains_of_sums(sums, 1, time.size, total, half_gain[i])
        gains_of_sums(sums, 2, time.size, total, gain[i])
        gains_of_sums(sums, 4, time.size, total, double_gain[i])
        roughness(time, y, offsets, f, rough[i])
        rotate(c, s, c, s)
        window[i] = np.mean(c) ** 2 + np.mean(s) ** 2
        robust_log_likelihoods(y, weight, offsets, c, s, _COMPARED, robust[i])
        shape(time, y, weight, offsets, total, f, c, s, sums, 2, 6, shapes[0, i])
        shape(time, y, weight, offsets, total, f, c, s, sums, 2, 3, shapes[1, i])
        rotate(c, s, c, s)
        shape(time, y, weight, offsets, total, 2 * f, c, s, sums, 4, 4, shapes[2, i])
    return gain, double_gain, half_gain, robust, window, rough, shapes


def penalised(gain: FloatArray, n_obs: int) -> FloatArray:
    """Gains less ln(n) per harmonic: half of the BIC.

    Parameters
    ----------
    gain : (n_candidate, n_harmonics) float64
    n_obs : int
        Epochs of all curves.

    Returns
    -------
    As ``gain``
    """
    return np.asarray(gain - np.arange(1, gain.shape[1] + 1) * math.log(n_obs))


def candidate_features(
    star: StarCurves, freq: FloatArray
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Columns of the ranking model, and the log-likelihood gains they are made of.

    Parameters
    ----------
    star : StarCurves
    freq : (n_candidate,) float64, cycles/day

    Returns
    -------
    columns : dict of str to (n_candidate,) float64
        Nothing in them knows the survey, the band or the brightness of the star.
    gain : (n_candidate, MAX_HARMONICS) float64
    """
    n_obs = star.time.size
    gain, double_gain, half_gain, robust, window, rough, shapes = measure(*star, freq)
    bic = penalised(gain, n_obs)
    columns = _likelihood_columns(gain, bic, n_obs)
    columns |= _robust_columns(robust, n_obs)
    columns |= _doubling_columns(gain, double_gain, half_gain)
    columns |= _shape_columns(rough, shapes)
    columns |= _frequency_columns(freq, window, star.span_day)
    columns |= _relations_to_best(freq, int(np.argmax(bic.max(axis=1))), star.span_day)
    columns |= {k: np.full(freq.size, v) for k, v in _star_values(star).items()}
    return columns, gain


def _likelihood_columns(gain: FloatArray, bic: FloatArray, n_obs: int) -> dict[str, FloatArray]:
    best = bic.max(axis=1)
    behind = {str(k): gain[:, k - 1].max() - gain[:, k - 1] for k in _COMPARED}
    behind["bic"] = best.max() - best
    columns = {f"behind_{k}": np.log1p(v) for k, v in behind.items()}
    columns |= {f"behind_{k}_per_epoch": v / n_obs for k, v in behind.items()}
    columns["best_harmonics"] = bic.argmax(axis=1) + 1.0
    columns["bic"] = np.log1p(np.maximum(best, 0.0))
    columns["bic_per_epoch"] = best / n_obs
    return columns


def _robust_columns(robust: FloatArray, n_obs: int) -> dict[str, FloatArray]:
    """The same comparison where a few epochs far off cannot decide it."""
    bic = robust - _COMPARED * math.log(n_obs)
    best = bic.max(axis=1)
    columns = {
        f"robust_behind_{k}": np.log1p(robust[:, j].max() - robust[:, j])
        for j, k in enumerate(_COMPARED)
    }
    columns["robust_behind"] = np.log1p(best.max() - best)
    columns["robust_behind_per_epoch"] = (best.max() - best) / n_obs
    columns["robust_best"] = (best == best.max()).astype(np.float64)
    columns["robust_harmonics"] = _COMPARED[bic.argmax(axis=1)].astype(np.float64)
    return columns


def _doubling_columns(
    gain: FloatArray, double_gain: FloatArray, half_gain: FloatArray
) -> dict[str, FloatArray]:
    """What odd harmonics add here (against half the period), and would add at twice the period."""
    full = np.maximum(gain[:, -1], 1e-9)
    columns = {f"share_{k}": gain[:, k - 1] / full for k in (1, 2, 3)}
    odd = np.maximum(gain[:, 7] - double_gain[:, 3], 0.0)
    columns["odd_share"] = odd / full
    columns["odd_8"] = np.log1p(odd)
    columns["odd_4"] = np.log1p(np.maximum(gain[:, 3] - double_gain[:, 1], 0.0))
    columns["odd_8_doubled"] = np.log1p(np.maximum(half_gain[:, 7] - gain[:, 3], 0.0))
    columns["odd_4_doubled"] = np.log1p(np.maximum(half_gain[:, 3] - gain[:, 1], 0.0))
    return columns


def _shape_columns(rough: FloatArray, shapes: FloatArray) -> dict[str, FloatArray]:
    columns = {name: rough[:, k] - rough[:, k].min() for k, name in enumerate(ROUGHNESS[:2])}
    columns["gap"] = rough[:, 2]
    columns["least_roughness"] = np.full(len(rough), rough[:, 1].min())
    for prefix, values in zip(("six", "three", "halved"), shapes, strict=True):
        # Of half the period only the parity counts: is it refuted?
        names = SHAPE[:3] if prefix == "halved" else SHAPE
        for k, name in enumerate(names):
            column = np.log1p(values[:, k]) if k < 2 else values[:, k]
            columns[f"{prefix}_{name}"] = column
    return columns


def _frequency_columns(
    freq: FloatArray, window: FloatArray, span_day: float
) -> dict[str, FloatArray]:
    solar = np.abs(freq - np.round(freq))
    sidereal = np.abs(freq - SIDEREAL_PER_DAY * np.round(freq / SIDEREAL_PER_DAY))
    return {
        "log_period": -np.log10(freq),
        "window": window,
        "from_day": np.where(freq > 0.5, np.minimum(solar, sidereal), 0.5),
        "from_half_day": np.abs(np.mod(freq, 1.0) - 0.5),
        "cycles_in_span": np.log(freq * span_day),
        "from_year": np.minimum(np.abs(freq * _YEAR_DAY - 1), 1.0),
    }


def _relations_to_best(freq: FloatArray, best: int, span_day: float) -> dict[str, FloatArray]:
    """Whether a candidate is an alias, the double or the half of the one that fits best."""
    apart = np.abs(freq - freq[best])
    tolerance = 0.004 + 1.2 / span_day
    alias = np.zeros(freq.size)
    for day in (1.0, SIDEREAL_PER_DAY, 2.0, 2 * SIDEREAL_PER_DAY):
        alias[np.abs(apart - day) < tolerance] = 1.0
    ratio = freq / freq[best]
    multiple = (np.abs(ratio - 2) < 0.005) | (np.abs(ratio - 0.5) < 0.005)
    return {
        "alias_of_best": alias,
        "multiple_of_best": multiple.astype(np.float64),
        "is_best": (np.arange(freq.size) == best).astype(np.float64),
    }


def _star_values(star: StarCurves) -> dict[str, float]:
    parts = [star.y[a:b] for a, b in zip(star.offsets[:-1], star.offsets[1:], strict=True)]
    scaled = np.concatenate([(p - np.median(p)) / np.std(p) for p in parts])
    values = {
        "skew": float(np.mean(scaled**3)),
        "kurtosis": float(np.mean(np.clip(scaled, -6, 6) ** 4)),
        "epochs": math.log(scaled.size),
    }
    quantiles = np.percentile(scaled, _QUANTILES)
    return values | {f"quantile_{q}": float(v) for q, v in zip(_QUANTILES, quantiles, strict=True)}
