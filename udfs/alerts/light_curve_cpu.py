"""Loop over alerts behind ``light_curve``, one pass each; the definitions stand there."""

import math

import numpy as np

from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray

# Columns of the result.
(
    _N_DET, _N_DET_G, _N_DET_R, _N_UPPER, _POSITIVE, _SPAN, _SINCE_FIRST, _UPPER_DAYS, _UPPER_MAG,
    _FIRST_GAP, _PEAK, _SINCE_PEAK, _AMPLITUDE, _RISE, _FADE, _STD_G, _STD_R, _CHI2_G, _CHI2_R,
    _SLOPE_G, _SLOPE_R, _SLOPE_ERR_G, _SLOPE_ERR_R, _COLOR, _COLOR_SLOPE, _DC, _DC_AMPLITUDE,
    _FP_N, _FP_N_3SIGMA, _FP_SNR_MAX, _FP_LAST_SNR, _FP_FIRST, _FP_SLOPE,
) = range(33)  # fmt: skip
# Rows of the candidate, of the history and of detections; the first six are common to all.
_JD, _FID, _MAG, _ERR, _SIGN, _REFERENCE = range(6)
_DISTANCE, _START = 6, 7
_LIMIT = 6
# Rows of forced photometry beside time and filter.
_FLUX, _FLUX_ERR, _ZERO_POINT = 2, 3, 4
_G, _R = 1, 2
_SAME_TIME = 1e-5  # a second; exposures last 30
_SLOPE_DAYS = 10.0
_PAIR_DAYS = 1.0
_SAME_SOURCE_ARCSEC = 1.4
_NO_FLUX = -99999.0
_MICROJANSKY = 23.9  # AB magnitude of 1 uJy


@jit
def fill_features(
    candidate: FloatArray,
    history: FloatArray,
    history_offsets: IntArray,
    forced: FloatArray,
    forced_offsets: IntArray,
    out: FloatArray,
) -> None:
    """Fill one row of ``out`` per alert; it comes filled with NaN.

    Parameters
    ----------
    candidate : (8, n), history : (7, n_elements), forced : (5, n_measurements) float64
        Rows in the order of ``light_curve``.
    history_offsets, forced_offsets : (n + 1,) int64
    out : (n, 33) float64
    """
    for i in range(out.shape[0]):
        alert, row = candidate[:, i], out[i]
        past = history[:, history_offsets[i] : history_offsets[i + 1]]
        found = _detections(alert, past)
        _counts(alert, found, row)
        _upper_limits(alert, past, found, row)
        own = _chosen(found, alert[_FID], alert[_SIGN])
        _peak(own, row)
        in_g, in_r = _chosen(found, _G, alert[_SIGN]), _chosen(found, _R, alert[_SIGN])
        row[_STD_G], row[_CHI2_G] = _scatter(in_g)
        row[_STD_R], row[_CHI2_R] = _scatter(in_r)
        row[_SLOPE_G], row[_SLOPE_ERR_G] = _line(in_g[_JD], in_g[_MAG], in_g[_ERR])
        row[_SLOPE_R], row[_SLOPE_ERR_R] = _line(in_r[_JD], in_r[_MAG], in_r[_ERR])
        _colors(in_g, in_r, row)
        if alert[_DISTANCE] <= _SAME_SOURCE_ARCSEC:
            _with_reference(alert, found, row)
        _forced(alert, forced[:, forced_offsets[i] : forced_offsets[i + 1]], row)


@jit
def _is_before(alert: FloatArray, element: FloatArray) -> bool:
    """Whether an element of the history lies before the alert, and is not the alert itself."""
    days = alert[_JD] - element[_JD]
    if abs(days) <= _SAME_TIME:
        return bool(element[_FID] != alert[_FID])
    return bool(days > 0.0)


@jit
def _detections(alert: FloatArray, past: FloatArray) -> FloatArray:
    """The detections by time, (6, n); their time is in days since the alert, 0 or negative."""
    found = np.empty((6, past.shape[1] + 1))
    n = 0
    for k in range(past.shape[1]):
        if np.isfinite(past[_MAG, k]) and _is_before(alert, past[:, k]):
            found[:, n] = past[:6, k]
            n += 1
    if np.isfinite(alert[_MAG]) and np.isfinite(alert[_JD]):
        found[:, n] = alert[:6]
        n += 1
    found[_JD] -= alert[_JD]
    # By time, then by magnitude: ZTF lists some exposures twice, in no order.
    by_mag = np.argsort(found[_MAG, :n])
    return found[:, by_mag[np.argsort(found[_JD, by_mag], kind="mergesort")]]


@jit
def _chosen(found: FloatArray, fid: float, sign: float) -> FloatArray:
    """The detections in a filter with a sign."""
    return found[:, (found[_FID] == fid) & (found[_SIGN] == sign)]


@jit
def _counts(alert: FloatArray, found: FloatArray, row: FloatArray) -> None:
    n = found.shape[1]
    row[_N_DET] = n
    row[_N_DET_G] = (found[_FID] == _G).sum()
    row[_N_DET_R] = (found[_FID] == _R).sum()
    if n > 0:
        row[_POSITIVE] = (found[_SIGN] == 1.0).sum() / n
        row[_SPAN] = found[_JD, n - 1] - found[_JD, 0]
        row[_SINCE_FIRST] = 0.0 - found[_JD, 0]
        since_start = alert[_JD] - alert[_START]
        if since_start > row[_SINCE_FIRST]:
            row[_SINCE_FIRST] = since_start


@jit
def _upper_limits(alert: FloatArray, past: FloatArray, found: FloatArray, row: FloatArray) -> None:
    first = found[_JD, 0] if found.shape[1] > 0 else -np.inf
    n = 0
    for k in range(past.shape[1]):
        if np.isfinite(past[_MAG, k]) or not np.isfinite(past[_LIMIT, k]):
            continue
        if not _is_before(alert, past[:, k]):
            continue
        n += 1
        days = alert[_JD] - past[_JD, k]
        if not days >= row[_UPPER_DAYS]:
            row[_UPPER_DAYS], row[_UPPER_MAG] = days, past[_LIMIT, k]
        gap = first + days
        if gap > 0.0 and not gap >= row[_FIRST_GAP]:
            row[_FIRST_GAP] = gap
    row[_N_UPPER] = n


@jit
def _peak(own: FloatArray, row: FloatArray) -> None:
    """Brightest of the alert's own filter and sign; the earliest of equals."""
    n = own.shape[1]
    if n == 0:
        return
    day, mag = own[_JD], own[_MAG]
    peak = np.argmin(mag)
    row[_PEAK] = mag[peak]
    row[_SINCE_PEAK] = 0.0 - day[peak]
    row[_AMPLITUDE] = mag.max() - mag[peak]
    if day[peak] > day[0]:
        row[_RISE] = (mag[0] - mag[peak]) / (day[peak] - day[0])
    if day[n - 1] > day[peak]:
        row[_FADE] = (mag[n - 1] - mag[peak]) / (day[n - 1] - day[peak])


@jit
def _scatter(some: FloatArray) -> tuple[float, float]:
    """Standard deviation of the magnitudes, and reduced chi square about their weighted mean."""
    n = some.shape[1]
    std = chi2 = np.nan
    if n > 1:
        mag = some[_MAG]
        std = math.sqrt(((mag - mag.mean()) ** 2).sum() / (n - 1))
        some = some[:, some[_ERR] > 0.0]
    if n > 1 and some.shape[1] > 1:
        mag, weight = some[_MAG], some[_ERR] ** -2.0
        mean = (weight * mag).sum() / weight.sum()
        chi2 = (weight * (mag - mean) ** 2).sum() / (some.shape[1] - 1)
    return std, chi2


@jit
def _line(day: FloatArray, value: FloatArray, err: FloatArray) -> tuple[float, float]:
    """Weighted slope over the last days before the alert, and its standard error."""
    weights = by_day = by_value = 0.0
    for k in range(day.size):
        if day[k] >= -_SLOPE_DAYS and err[k] > 0.0:
            weight = err[k] ** -2.0
            weights += weight
            by_day += weight * day[k]
            by_value += weight * value[k]
    spread = product = 0.0
    for k in range(day.size):
        if day[k] >= -_SLOPE_DAYS and err[k] > 0.0:
            away = day[k] - by_day / weights
            spread += away * away / err[k] ** 2
            product += away * (value[k] - by_value / weights) / err[k] ** 2
    # Points of one time leave a spread of rounding errors only.
    if not spread > weights * _SAME_TIME**2:
        return np.nan, np.nan
    return product / spread, 1.0 / math.sqrt(spread)


@jit
def _colors(in_g: FloatArray, in_r: FloatArray, row: FloatArray) -> None:
    """Latest color of nearest pairs, and the slope of them all."""
    day, color = np.empty(in_g.shape[1]), np.empty(in_g.shape[1])
    n = 0
    if in_r.shape[1] > 0:
        for k in range(in_g.shape[1]):
            apart = np.abs(in_r[_JD] - in_g[_JD, k])
            nearest = np.argmin(apart)
            if apart[nearest] <= _PAIR_DAYS:
                day[n] = 0.5 * (in_g[_JD, k] + in_r[_JD, nearest])
                color[n] = in_g[_MAG, k] - in_r[_MAG, nearest]
                n += 1
    if n == 0:
        return
    # Later detections have nearest partners that are no earlier: pairs come by time.
    row[_COLOR] = color[n - 1]
    away = day[:n] - day[:n].mean()
    if (away**2).mean() > _SAME_TIME**2:
        row[_COLOR_SLOPE] = (away * color[:n]).sum() / (away**2).sum()


@jit
def _apparent(mag: float, sign: float, reference: float) -> float:
    """Magnitude of reference and difference together; NaN if no flux is left."""
    change = 10.0 ** (-0.4 * mag)
    flux = 10.0 ** (-0.4 * reference) + (change if sign == 1.0 else -change)
    if not flux > 0.0 or not (sign == 1.0 or sign == 0.0):
        return np.nan
    return -2.5 * math.log10(flux)


@jit
def _with_reference(alert: FloatArray, found: FloatArray, row: FloatArray) -> None:
    row[_DC] = _apparent(alert[_MAG], alert[_SIGN], alert[_REFERENCE])
    faintest, brightest = -np.inf, np.inf
    for k in range(found.shape[1]):
        if found[_FID, k] == alert[_FID]:
            mag = _apparent(found[_MAG, k], found[_SIGN, k], found[_REFERENCE, k])
            if np.isfinite(mag):
                faintest, brightest = max(faintest, mag), min(brightest, mag)
    if faintest >= brightest:
        row[_DC_AMPLITUDE] = faintest - brightest


@jit
def _forced(alert: FloatArray, forced: FloatArray, row: FloatArray) -> None:
    n_all = forced.shape[1]
    day, flux, err = np.empty(n_all), np.empty(n_all), np.empty(n_all)
    n = n_in_filter = n_3sigma = 0
    latest = -np.inf
    for k in range(n_all):
        days, value, sigma = forced[_JD, k] - alert[_JD], forced[_FLUX, k], forced[_FLUX_ERR, k]
        if not (sigma > 0.0 and np.isfinite(value / sigma) and value != _NO_FLUX):
            continue
        if not days <= _SAME_TIME:
            continue
        n += 1
        snr = value / sigma
        if not abs(snr) <= abs(row[_FP_SNR_MAX]):
            row[_FP_SNR_MAX] = snr
        if abs(snr) >= 3.0:
            n_3sigma += 1
            if not -days <= row[_FP_FIRST]:
                row[_FP_FIRST] = -days
        if days >= latest:
            latest, row[_FP_LAST_SNR] = days, snr
        if forced[_FID, k] == alert[_FID] and np.isfinite(forced[_ZERO_POINT, k]):
            scale = 10.0 ** (0.4 * (_MICROJANSKY - forced[_ZERO_POINT, k]))
            day[n_in_filter], flux[n_in_filter] = days, value * scale
            err[n_in_filter] = sigma * scale
            n_in_filter += 1
    row[_FP_N], row[_FP_N_3SIGMA] = n, n_3sigma
    row[_FP_SLOPE], _ = _line(day[:n_in_filter], flux[:n_in_filter], err[:n_in_filter])
