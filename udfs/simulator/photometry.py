"""From true magnitudes to measurements: noise, losses, flags and outliers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.simulator.cadence import Exposures
from udfs.simulator.spec import Photometry

FloatArray = NDArray[np.float64]

# 2.5 / ln(10) / 5: the error of a star at the 5 sigma limit [mag].
ERROR_AT_LIMIT = 0.2171
CLOUDY_FLAG = 32768
# Flags of single measurements seen in the data releases, and their shares.
_STAR_FLAGS = np.array([256, 1, 4, 16, 65535], dtype=np.uint16)
_STAR_FLAG_SHARES = (0.6, 0.15, 0.1, 0.1, 0.05)
_TABLE_MAG = np.arange(10.0, 24.01, 0.1)


@dataclass(frozen=True)
class ErrorTable:
    """Published error against magnitude: one curve per filter, as the survey fits it."""

    mag: FloatArray
    mag_err: dict[int, FloatArray]

    def __call__(self, filter_id: NDArray[np.int64], mag: FloatArray) -> FloatArray:
        """Error of each measurement; ``filter_id`` must be sorted."""
        out = np.empty_like(mag)
        for band, curve in self.mag_err.items():
            own = slice(*np.searchsorted(filter_id, [band, band + 1]))
            out[own] = np.interp(mag[own], self.mag, curve)
        return out


@dataclass(frozen=True)
class Measurements:
    """What is left of a star after an observation.

    Attributes
    ----------
    index : (n,) int64, exposures in which the star is detected
    mag, mag_err : (n,) float64 [mag]
    catflags : (n,) uint16, 0 is clean
    """

    index: NDArray[np.int64]
    mag: FloatArray
    mag_err: FloatArray
    catflags: NDArray[np.uint16]


def true_error(mag: FloatArray, depth_mag: FloatArray, photometry: Photometry) -> FloatArray:
    """Standard deviation of a measurement at this depth [mag].

    The variance is a floor (calibration, flat field) plus photon noise: with
    ``d = mag - depth``, ``e**2 = floor**2 + 0.2171**2 (a 10**(0.4 d) + (1 - a) 10**(0.8 d))``.
    The first photon term is the star's own light, the second the sky's; at ``d = 0`` the star
    is a 5 sigma detection. ``a`` is ``star_noise_share``.
    """
    faintness = 10.0 ** (0.4 * (mag - depth_mag))
    share = photometry.star_noise_share
    photon = share * faintness + (1.0 - share) * faintness**2
    return np.asarray(np.sqrt(photometry.floor_mag**2 + ERROR_AT_LIMIT**2 * photon))


def detection_probability(
    mag: FloatArray, limit_mag: FloatArray, photometry: Photometry
) -> FloatArray:
    """Chance that the star is in the exposure's catalogue: falls smoothly at the limit."""
    excess = mag - (limit_mag - photometry.detection_offset_mag)
    exponent = np.clip(excess / photometry.detection_width_mag, -50.0, 50.0)
    return np.asarray((1.0 - photometry.random_loss) / (1.0 + np.exp(exponent)))


def noise_depth(shared: Exposures, photometry: Photometry) -> FloatArray:
    """Depth that sets the noise of each exposure [mag].

    Bad seeing costs detections (blends, the PSF fit fails) more than it adds noise: only a
    part of the deviation from the filter's median depth counts.
    """
    depth = shared.limit_mag.copy()
    for band in np.unique(shared.filter_id):
        own = shared.filter_id == band
        median = np.median(depth[own])
        depth[own] = median + photometry.depth_to_noise * (depth[own] - median)
    return depth


def error_table(shared: Exposures, depth: FloatArray, photometry: Photometry) -> ErrorTable:
    """Rms of the measurements of constant stars against magnitude.

    ZTF publishes such a fit as ``magerr`` of the light curves, not the noise of each
    exposure; single exposures are therefore better or worse than their error says.
    """
    curves = {}
    for band in np.unique(shared.filter_id):
        own = shared.filter_id == band
        mag = np.broadcast_to(_TABLE_MAG[:, None], (_TABLE_MAG.size, int(own.sum())))
        weight = detection_probability(mag, shared.limit_mag[own], photometry) + 1e-12
        variance = true_error(mag, depth[own], photometry) ** 2
        curves[int(band)] = np.sqrt((weight * variance).sum(axis=1) / weight.sum(axis=1))
    return ErrorTable(_TABLE_MAG, curves)


def measure(
    true_mag: FloatArray,
    shared: Exposures,
    rng: np.random.Generator,
    *,
    depth: FloatArray,
    table: ErrorTable,
    photometry: Photometry,
) -> Measurements:
    """Observe one star in all exposures.

    Parameters
    ----------
    true_mag : (n,) float64, noise-free magnitude at each exposure
    depth : (n,) float64, from :func:`noise_depth`
    table : from :func:`error_table`
    """
    n = true_mag.size
    mag = true_mag + true_error(true_mag, depth, photometry) * rng.standard_normal(n)
    chance = rng.random((3, n))
    is_outlier = np.flatnonzero(chance[0] < photometry.outlier_share)
    mag[is_outlier] += rng.choice([-1.0, 1.0], is_outlier.size) * rng.uniform(
        0.3, 2.0, is_outlier.size
    )
    seen = chance[1] < detection_probability(mag, shared.limit_mag, photometry)
    index = np.flatnonzero(seen & (mag > photometry.saturation_mag))
    catflags = np.where(shared.cloudy, np.uint16(CLOUDY_FLAG), np.uint16(0))
    bad = np.flatnonzero(chance[2] < photometry.flagged_share)
    catflags[bad] |= rng.choice(_STAR_FLAGS, bad.size, p=_STAR_FLAG_SHARES)
    mag_err = table(shared.filter_id[index], mag[index])
    return Measurements(index, mag[index], mag_err, catflags[index])
