"""Fourier series of a light curve at a given period, with the order chosen by BIC."""

import importlib

import numpy as np

from udfs.devices import check_backend
from udfs.features.harmonic_fit import fit_curves
from udfs.features.harmonic_formula import HARMONICS
from udfs.modes import SCOPE, check_mode
from udfs.ragged import FloatArray, IntArray, check_offsets


def fourier_features(
    time: FloatArray,
    mag: FloatArray,
    magerr: FloatArray,
    offsets: IntArray,
    period: FloatArray,
    *,
    mode: str,
    epoch_offset_day: float = 0.0,
    backend: str = "cpu",
) -> FloatArray:
    """SCoPe's Fourier features of each light curve, in the order of ``schemas.FOURIER``.

    The model of order k = 0..5 is, with T = time + ``epoch_offset_day``,

        a + b (t - min t) + sum over n = 1..k of A_n cos(2 pi n T / P) + B_n sin(2 pi n T / P).

    It is linear in its parameters, so each order has one weighted least-squares solution, found
    here for all orders at once from trigonometric sums, or by orthogonalising the columns where
    they nearly depend on one another. The order with the smallest
    BIC = chi2 + ln(N) (2 + 2 k) is reported.

    Parameters
    ----------
    time : (n_obs,) float64, days
        All curves, one after another, in any order within a curve.
    mag, magerr : (n_obs,) float64, magnitudes
    offsets : (n_lc + 1,) int64
        Curve ``i`` owns ``time[offsets[i]:offsets[i + 1]]``.
    period : (n_lc,) float64, days
    mode : {"fixed", "scope-v0.9.5"}
        What the last ten columns hold. "scope-v0.9.5": A_1, B_1, ..., A_5, B_5 as they are,
        which is what the published models were trained on. "fixed": what the names say:
        the amplitude of the first harmonic and its phase ``atan2(A_1, B_1)`` [rad], then for
        n = 2..5 the amplitude relative to the first and the phase relative to the first as a
        fraction of the period / n, in [0, 1).
    epoch_offset_day : float
        Added to the times inside the phases only, to refer them to another zero point: 2400000.5
        turns hmjd into the HJD of the published features.
    backend : {"cpu", "cuda"}
        What computes the sums and solutions; "reference" is "cpu" here. There is no silent
        fallback, but where columns nearly depend on one another "cuda" leaves the curve to the
        CPU's own function: both have the same numbers there.

    Returns
    -------
    (n_lc, 14) float64. Coefficients above the chosen order are 0. A row is NaN when the
    period is not a positive number, when there are fewer epochs than the 12 parameters of order
    5, or when the epochs cannot tell the constant from the slope. An order whose columns depend on
    one another (a period far beyond the baseline) adds nothing and ends the search. In "fixed"
    mode relative amplitudes and phases are 0 where the first amplitude is.

    Raises
    ------
    ValueError
        If shapes disagree or the mode or the backend is unknown.
    RuntimeError
        If ``backend="cuda"`` and no CUDA device is visible.

    References
    ----------
    van Roestel et al. (2021), AJ 161, 267, section 3. doi:10.3847/1538-3881/abe853
    """
    check_mode(mode)
    check_backend(backend)
    check_offsets(offsets, time=time, mag=mag, magerr=magerr)
    if period.shape != (offsets.size - 1,):
        raise ValueError(
            f"period has shape {period.shape}, expected ({offsets.size - 1},): one per light curve"
        )
    out = np.full((offsets.size - 1, 4 + 2 * HARMONICS), np.nan)
    fill = fit_curves
    if backend == "cuda":
        fill = importlib.import_module("udfs.features.harmonic_fit_cuda").fit_curves
    fill(time, mag, magerr, offsets, period, epoch_offset_day, out)
    if mode != SCOPE:
        out[:, 4:] = _amplitudes_and_phases(out[:, 4:])
    return out


def even_harmonics(series: FloatArray) -> FloatArray:
    """Harmonic 2, and harmonic 4 relative to it, in the order of ``schemas.EVEN_HARMONICS``.

    A binary's curve repeats nearly twice per period: its first harmonic is close to nothing, and
    what the series gives relative to it is noise. How far the stars of a binary are from each other
    shows in harmonic 4 against harmonic 2.

    Parameters
    ----------
    series : (n_lc, 14) float64
        From :func:`fourier_features` in mode "fixed".

    Returns
    -------
    (n_lc, 5) float64
        Amplitude of harmonic 2 [mag], ratio of the amplitudes of 4 and 2, their difference over
        their sum, cosine and sine of the phase of 4 less twice that of 2. NaN where there is no
        series, the ratios also without harmonics 2 and 4.

    References
    ----------
    Rucinski (1993), PASP 105, 1433. Pojmanski (2002), AcA 52, 397.
    """
    amplitude, second, fourth = series[:, 4], series[:, 6], series[:, 10]
    angle = 2 * np.pi * (series[:, 11] - 2 * series[:, 7])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.column_stack([
            amplitude * second,
            fourth / second,
            (fourth - second) / (fourth + second),
            np.cos(angle),
            np.sin(angle),
        ])  # fmt: skip
    return np.where(np.isfinite(found), found, np.nan)


def _amplitudes_and_phases(coefficients: FloatArray) -> FloatArray:
    cosine, sine = coefficients[:, 0::2], coefficients[:, 1::2]
    amplitude, phase = np.hypot(cosine, sine), np.arctan2(cosine, sine)
    order = np.arange(1, HARMONICS + 1)
    # A flat curve has order 0. NaN would keep every such star from being classified.
    flat = amplitude[:, :1] == 0
    relative_phase = np.mod((phase / order - phase[:, :1]) * order / (2 * np.pi), 1.0)
    result = np.empty_like(coefficients)
    result[:, 0::2] = amplitude / np.where(flat, 1.0, amplitude[:, :1])
    result[:, 1::2] = np.where(flat, 0.0, relative_phase)
    result[:, 0], result[:, 1] = amplitude[:, 0], phase[:, 0]
    return result
