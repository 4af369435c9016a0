"""Features of the light curve that an alert carries with it.

The light curve is the alert itself and the elements of its history up to it. An element with
``magpsf`` is a detection in the difference image, brighter (``isdiffpos`` 1) or fainter (0) than
the reference; one without is an upper limit, ``diffmaglim``. An element at the alert's own time and
filter is the alert once more and counts once. *Own* detections are those of the alert's own filter
and sign; *g* and *r* are filters 1 and 2, of the alert's own sign where magnitudes are compared.
Times are days before the alert. Undefined is NaN; counts are 0 where there is nothing.

======================== ======= ==================================================================
lc_n_det                         detections, the alert included
lc_n_det_g, _r                   those in g, in r
lc_n_upper                       upper limits
lc_positive_fraction             share of the detections that are brighter than the reference
lc_span_day              day     first to last detection
lc_days_since_first      day     since the first detection, or ``jdstarthist`` if that is earlier
lc_last_upper_limit_days day     since the last upper limit
lc_last_upper_limit_mag  mag     that limit
lc_first_gap_day         day     last upper limit before the first detection to that detection
lc_mag_peak              mag     brightest own detection
lc_days_since_peak       day     since then
lc_mag_amplitude         mag     faintest minus brightest own detection
lc_rise_rate             mag/day first own detection to the brightest; positive: it brightened
lc_fade_rate             mag/day brightest own detection to the last; positive: it faded
lc_mag_std_g, _r         mag     standard deviation of the magnitudes (n - 1)
lc_chi2_const_g, _r              reduced chi square about the weighted mean
lc_slope_g, _r           mag/day weighted straight line, last 10 days; negative: it brightens
lc_slope_err_g, _r       mag/day its standard error, from ``sigmapsf``
lc_color_gr              mag     g - r of the latest pair no more than a day apart
lc_color_slope           mag/day straight line through all such pairs
lc_dc_mag                mag     the alert with the flux of the reference added
lc_dc_amplitude          mag     range of that, all detections in the alert's filter, either sign
lc_fp_n                          forced photometry: usable measurements
lc_fp_n_3sigma                   those of at least 3 sigma, either sign
lc_fp_snr_max                    flux / error that is farthest from 0, with its sign
lc_fp_last_snr                   flux / error of the latest
lc_fp_first_3sigma_days  day     since the first of at least 3 sigma, either sign
lc_fp_slope              uJy/day weighted straight line, last 10 days, the alert's filter
======================== ======= ==================================================================

A pair is a detection in g with the nearest in r; its time is their mean. The flux of the reference
is added as Foerster et al. (2021, AJ 161, 242) do, only where its source (``magnr``) lies within
1.4 arcsec of the alert: else the two are not one star. Forced fluxes of -99999 are missing.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from udfs.alerts.light_curve_cpu import fill_features

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
# In the order of the columns in light_curve_cpu.
LIGHT_CURVE_FEATURES = (
    "lc_n_det", "lc_n_det_g", "lc_n_det_r", "lc_n_upper", "lc_positive_fraction", "lc_span_day",
    "lc_days_since_first", "lc_last_upper_limit_days", "lc_last_upper_limit_mag",
    "lc_first_gap_day",
    "lc_mag_peak", "lc_days_since_peak", "lc_mag_amplitude", "lc_rise_rate", "lc_fade_rate",
    "lc_mag_std_g", "lc_mag_std_r", "lc_chi2_const_g", "lc_chi2_const_r",
    "lc_slope_g", "lc_slope_r", "lc_slope_err_g", "lc_slope_err_r",
    "lc_color_gr", "lc_color_slope", "lc_dc_mag", "lc_dc_amplitude",
    "lc_fp_n", "lc_fp_n_3sigma", "lc_fp_snr_max", "lc_fp_last_snr", "lc_fp_first_3sigma_days",
    "lc_fp_slope",
)  # fmt: skip
_CANDIDATE = ("jd", "fid", "magpsf", "sigmapsf", "isdiffpos", "magnr", "distnr", "jdstarthist")
_HISTORY = ("jd", "fid", "magpsf", "sigmapsf", "isdiffpos", "magnr", "diffmaglim")
_FORCED = ("jd", "fid", "forcediffimflux", "forcediffimfluxunc", "magzpsci")


def light_curve_features(
    candidate: Mapping[str, FloatArray],
    history: Mapping[str, FloatArray],
    history_offsets: IntArray,
    forced: Mapping[str, FloatArray],
    forced_offsets: IntArray,
) -> dict[str, NDArray[np.float32]]:
    """The features of n alerts: name -> (n,) float32, as the table above defines them.

    Parameters
    ----------
    candidate : name -> (n,) float64
        jd, fid, magpsf, sigmapsf, isdiffpos (1 or 0), magnr, distnr [arcsec], jdstarthist.
    history : name -> flat (n_elements,) float64
        Previous candidates: jd, fid, magpsf, sigmapsf, isdiffpos, magnr, diffmaglim; in any order.
    history_offsets : (n + 1,) int64
        Alert ``i`` owns elements ``history_offsets[i]:history_offsets[i + 1]``.
    forced, forced_offsets
        Forced photometry, likewise: jd, fid, forcediffimflux, forcediffimfluxunc [DN], magzpsci.

    Raises
    ------
    KeyError
        If an array is missing.
    """
    out = np.full((candidate["jd"].size, len(LIGHT_CURVE_FEATURES)), np.nan)
    fill_features(
        np.stack([candidate[name] for name in _CANDIDATE]),
        np.stack([history[name] for name in _HISTORY]), history_offsets,
        np.stack([forced[name] for name in _FORCED]), forced_offsets, out,
    )  # fmt: skip
    # A number beyond float32 is as good as none.
    out[~(np.abs(out) <= np.finfo(np.float32).max)] = np.nan
    return dict(zip(LIGHT_CURVE_FEATURES, out.T.astype(np.float32), strict=True))
