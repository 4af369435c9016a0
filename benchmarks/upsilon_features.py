"""The 16 features of UPSILoN, as its paper defines them: a published set for surveys without one.

Written from the paper, not from its code: one Lomb-Scargle period of periods above 0.03 days, a
Fourier series of three harmonics there, the shape of the magnitudes, and the curve folded at twice
the period (so that both eclipses of a binary are seen).

References
----------
Kim & Bailer-Jones (2016), A&A 587, A18, table 2. doi:10.1051/0004-6361/201527188
"""

from pathlib import Path

import nifty_ls
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from jobs.common.config import read_survey
from udfs.cleaning import CleaningSettings, clean_epochs

NAMES = (
    "period", "amplitude", "r21", "r31", "phi21", "phi31", "skewness", "kurtosis", "shapiro_w",
    "stetson_k", "quartile31", "hl_amp_ratio", "phase_cusum", "phase_eta", "slope_per10",
    "slope_per90",
)  # fmt: skip
MIN_PERIOD_DAY = 0.03
_SAMPLES_PER_PEAK = 3
_HARMONICS = 3

FloatArray = NDArray[np.float64]


def upsilon_features(time: FloatArray, mag: FloatArray, magerr: FloatArray) -> FloatArray:
    """The features of one light curve in the order of ``NAMES``, (16,) float64.

    Parameters
    ----------
    time, mag, magerr : (n,) float64, ascending in time; days and magnitudes
    """
    period = lomb_scargle_period(time, mag)
    amplitude, ratios, phases = _fourier(time / period, mag)
    weight = 1.0 / magerr
    mean = np.average(mag, weights=weight)
    deviation = np.sqrt(np.average((mag - mean) ** 2, weights=weight))
    order = np.argsort(time % (2 * period))
    folded_time, folded = (time % (2 * period))[order], mag[order]
    residual = (mag - np.median(mag)) / magerr
    cusum = np.cumsum(folded - mean) / (len(mag) * deviation)
    steps = np.diff(folded)
    moved = steps != 0
    slopes = np.diff(folded_time)[moved] / steps[moved]
    return np.array([
        period,
        amplitude,
        *ratios,
        *phases,
        stats.skew(mag),
        stats.kurtosis(mag),
        stats.shapiro(mag).statistic,
        np.mean(np.abs(residual)) / np.sqrt(np.mean(residual**2)),
        np.subtract(*np.percentile(mag, [75, 25])),
        _half_amplitude_ratio(mag, weight),
        cusum.max() - cusum.min(),
        np.sum(steps**2) / (len(mag) - 1) / deviation**2,
        *np.percentile(slopes, [10, 90]),
    ])  # fmt: skip


def lomb_scargle_period(time: FloatArray, mag: FloatArray) -> float:
    """Period of the highest peak between MIN_PERIOD_DAY and the length of the curve [day]."""
    span = time[-1] - time[0]
    n_freq = int(_SAMPLES_PER_PEAK * span / MIN_PERIOD_DAY)
    lowest, highest = 1.0 / span, 1.0 / MIN_PERIOD_DAY
    found = nifty_ls.lombscargle(
        time - time[0], mag - mag.mean(), fmin=lowest, fmax=highest, Nf=n_freq, nthreads=1
    )
    step = (highest - lowest) / (n_freq - 1)
    return float(1.0 / (lowest + step * int(np.argmax(found.power))))


def _fourier(phase: FloatArray, mag: FloatArray) -> tuple[float, list[float], list[float]]:
    """Amplitude of the first harmonic, and ratio and phase of the others to it."""
    angle = 2 * np.pi * np.outer(phase, np.arange(1, _HARMONICS + 1))
    design = np.hstack([np.ones((len(mag), 1)), np.sin(angle), np.cos(angle)])
    fitted = np.linalg.lstsq(design, mag, rcond=None)[0][1:]
    sine, cosine = fitted[:_HARMONICS], fitted[_HARMONICS:]
    size = np.hypot(sine, cosine)
    shift = np.arctan(-sine / cosine)
    others = range(1, _HARMONICS)
    return (
        float(size[0]),
        [float(size[k] / size[0]) for k in others],
        [float(shift[k] - (k + 1) * shift[0]) for k in others],
    )


def _half_amplitude_ratio(mag: FloatArray, weight: FloatArray) -> float:
    """Scatter of the faint half over that of the bright half: large for eclipses."""
    scatter = []
    for half in (mag > np.median(mag), mag <= np.median(mag)):
        mean = np.average(mag[half], weights=weight[half])
        scatter.append(np.sqrt(np.average((mag[half] - mean) ** 2, weights=weight[half])))
    return float(scatter[0] / scatter[1])


def read_upsilon_features(data: Path, name: str) -> pd.DataFrame:
    """The features of the stars of a data set of one band, one row each, indexed by object_id."""
    survey = read_survey(name)
    offset = survey.forms["object_bands"].time_offset_day
    cleaning = CleaningSettings(survey.cleaning.min_gap_minutes, survey.cleaning.max_hmjd)
    found = {}
    for row in pd.read_parquet(data / name / "lightcurves.parquet").itertuples():
        time, mag, magerr = (np.asarray(v, np.float64) for v in (row.time, row.mag, row.magerr))
        time = time + offset
        bounds = survey.ingest
        inside = (time >= bounds.min_hmjd) & (time <= bounds.max_hmjd)
        inside &= (mag >= bounds.min_mag) & (mag <= bounds.max_mag)
        time, mag, magerr, _ = clean_epochs(
            time[inside], mag[inside], magerr[inside], np.zeros(inside.sum(), np.int64),
            np.array([0, inside.sum()]), settings=cleaning,
        )  # fmt: skip
        if len(time) >= survey.cleaning.min_epochs:
            with np.errstate(divide="ignore", invalid="ignore"):
                found[row.object_id] = upsilon_features(time, mag, magerr)
    return pd.DataFrame.from_dict(found, orient="index", columns=list(NAMES))
