"""From the difference photometry of alerts to light curves: numbers, magnitudes, times.

Fluxes are in units of a source of magnitude 0, differences with their sign.
"""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from astropy.coordinates import get_body_barycentric
from astropy.time import Time
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# The nearest source of the reference image is the alert's own star within this distance.
SAME_SOURCE_ARCSEC = 1.5
# A forced flux that is less significant is an upper limit, not a magnitude.
MIN_FORCED_SNR = 3.0
# One exposure seen twice: two alerts of a source refer its time to the Sun with positions that
# differ by less than an arcsecond, 2 ms.
SAME_EXPOSURE_DAY = 0.1 / 86_400

_MAG_PER_RELATIVE_FLUX = 2.5 / np.log(10.0)
_NAME = re.compile(r"ZTF(\d\d)([a-z]{7})")
_LETTERS = 26
_FILTERS = 10
_OTHER_NAMES = 1 << 62
_HALF_EXPOSURE_DAY = 15.0 / 86_400
_JD_OF_MJD_0 = 2_400_000.5
_LIGHT_DAY_PER_AU = 499.004784 / 86_400
_FIRST_MJD, _LAST_MJD = 51_544.0, 88_069.0  # 2000 to 2100: where the Earth's place is known


def source_numbers(object_ids: Sequence[str], fid: IntArray) -> IntArray:
    """One number for each source in one filter.

    ``ZTFyyaaaaaaa`` counts in years and letters: ``(yy * 26**7 + letters) * 10 + fid``, below
    10**13, from which :func:`source_name` gets the name back. Any other name is hashed to 62 bits,
    with bit 62 set so that it cannot meet one of these.

    Parameters
    ----------
    object_ids : n names
    fid : (n,) int64
        Number of the filter, 0 to 9.

    Returns
    -------
    (n,) int64
    """
    names = np.array([_number(name) for name in object_ids], dtype=np.int64)
    other = names >= _OTHER_NAMES
    return np.where(other, names + fid, names * _FILTERS + fid)


def source_name(number: int) -> tuple[str, int]:
    """Name and filter of a number that :func:`source_numbers` made of a ZTF name."""
    rest, fid = divmod(number, _FILTERS)
    letters = ""
    for _ in range(7):
        rest, letter = divmod(rest, _LETTERS)
        letters = chr(ord("a") + letter) + letters
    return f"ZTF{rest:02d}{letters}", fid


def _number(name: str) -> int:
    match = _NAME.fullmatch(name)
    if match is None:
        hashed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 2
        return _OTHER_NAMES + hashed - hashed % _FILTERS
    number = int(match[1])
    for letter in match[2]:
        number = number * _LETTERS + ord(letter) - ord("a")
    return number


def difference_flux(
    mag: FloatArray, mag_err: FloatArray, positive: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Flux and error of detections in the difference image.

    Parameters
    ----------
    mag, mag_err : (n,) float64, mag
        ``magpsf`` and ``sigmapsf``.
    positive : (n,) float64
        ``isdiffpos``: 1 brighter than the reference, 0 fainter; NaN where the packet does not say.
    """
    size = 10.0 ** (-0.4 * mag)
    sign = np.where(np.isnan(positive), np.nan, np.where(positive > 0, 1.0, -1.0))
    return sign * size, size * mag_err / _MAG_PER_RELATIVE_FLUX


def forced_flux(
    counts: FloatArray, counts_err: FloatArray, zero_point: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Flux and error of forced photometry; NaN where nothing was measured.

    Parameters
    ----------
    counts, counts_err : (n,) float64, DN
        ``forcediffimflux`` and its error; -99999 where the fit failed.
    zero_point : (n,) float64, mag
        ``magzpsci``.
    """
    measured = (counts_err > 0) & (counts > -99_998) & (zero_point > 0)
    scale = np.where(measured, 10.0 ** (-0.4 * zero_point), np.nan)
    return counts * scale, counts_err * scale


def apparent_mags(
    flux: FloatArray, flux_err: FloatArray, reference_mag: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Magnitude and error of the whole source: its flux in the reference plus the difference.

    The error is that of the difference alone. What is wrong with the reference is the same at all
    epochs and shifts the light curve as a whole; added here it would hide small variations.

    Parameters
    ----------
    flux, flux_err : (n,) float64
        The difference.
    reference_mag : (n,) float64, mag
        ``magnr``; inf where the reference shows nothing there, NaN where its magnitude is missing.

    Returns
    -------
    mag, mag_err : (n,) float64, mag
        NaN where the sum is not positive: the reference or the subtraction is wrong.

    References
    ----------
    Foerster et al. (2021), AJ 161, 242, section 4.3.1 and its ``e_corr_ext``.
    doi:10.3847/1538-3881/abe9bc
    """
    total = 10.0 ** (-0.4 * reference_mag) + flux
    total = np.where(total > 0, total, np.nan)
    return -2.5 * np.log10(total), _MAG_PER_RELATIVE_FLUX * flux_err / total


def mid_exposure_hmjd(jd: FloatArray, ra: FloatArray, dec: FloatArray) -> FloatArray:
    """Heliocentric MJD of the middle of exposures of 30 s, as in ZTF's data releases [day].

    Parameters
    ----------
    jd : (n,) float64, days, UTC
        Start of the exposure. A time outside 2000 to 2100 is not corrected.
    ra, dec : (n,) float64, deg
    """
    mjd = np.asarray(jd - _JD_OF_MJD_0 + _HALF_EXPOSURE_DAY)
    known = (mjd > _FIRST_MJD) & (mjd < _LAST_MJD)
    # Thousands of alerts share an exposure.
    times, exposure = np.unique(mjd[known], return_inverse=True)
    # Taking UTC for TDB is 69 s: the Earth moves 2,000 km, light takes 7 ms for it.
    when = Time(times, format="mjd", scale="tdb")
    earth, sun = (get_body_barycentric(body, when, "builtin").xyz for body in ("earth", "sun"))
    place = (earth - sun).to_value("AU")[:, exposure]
    alpha, delta = np.radians(ra[known]), np.radians(dec[known])
    direction = [np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)]
    mjd[known] += _LIGHT_DAY_PER_AU * (place * np.array(direction)).sum(axis=0)
    return mjd


def distinct_epochs(hmjd: FloatArray, curve: IntArray, rank: IntArray) -> tuple[IntArray, IntArray]:
    """One epoch of each exposure: the one of lowest rank, then the first.

    Parameters
    ----------
    hmjd : (n,) float64, days
        All light curves, in any order, all finite.
    curve : (n,) int64
        Number of the light curve.
    rank : (n,) int64

    Returns
    -------
    chosen : (n_distinct,) int64
        Indices of the epochs that stay, by curve and time.
    exposure : (n,) int64
        Number of the exposure of each epoch, as an index into ``chosen``.
    """
    order = np.lexsort((hmjd, curve))
    later = np.diff(hmjd[order]) > SAME_EXPOSURE_DAY
    starts = np.concatenate([[True], later | (np.diff(curve[order]) != 0)])[: hmjd.size]
    exposure = np.empty(hmjd.size, dtype=np.int64)
    exposure[order] = np.cumsum(starts) - 1
    best = np.lexsort((rank, exposure))
    first = np.concatenate([[True], np.diff(exposure[best]) != 0])[: hmjd.size]
    return best[first], exposure
