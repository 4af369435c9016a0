"""Sun, Moon and altitude to about half a degree, enough to plan nights and correct clocks."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_J2000_MJD = 51544.5
_LIGHT_TIME_AU_DAY = 499.004784 / 86400.0


def sun_vector(mjd: FloatArray) -> FloatArray:
    """Equatorial vector from the Earth to the Sun [AU], shape (n, 3).

    The low-precision formula of the Astronomical Almanac (section C): 0.01 deg, 1950 to 2050.
    """
    days = mjd - _J2000_MJD
    anomaly = np.radians(357.528 + 0.9856003 * days)
    longitude = np.radians(
        280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly)
    )
    distance = 1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2 * anomaly)
    return np.asarray(
        distance[:, None] * _ecliptic_to_equatorial(longitude, np.zeros_like(longitude))
    )


def moon_direction(mjd: FloatArray) -> FloatArray:
    """Equatorial unit vector towards the Moon, shape (n, 3); largest terms only (0.5 deg).

    Meeus, Astronomical Algorithms (1998), chapter 47, leading periodic terms.
    """
    days = mjd - _J2000_MJD
    mean = np.radians(218.316 + 13.176396 * days)
    anomaly = np.radians(134.963 + 13.064993 * days)
    latitude_argument = np.radians(93.272 + 13.229350 * days)
    twice_elongation = 2 * np.radians(297.850 + 12.190749 * days)
    longitude = mean + np.radians(
        6.289 * np.sin(anomaly)
        + 1.274 * np.sin(twice_elongation - anomaly)
        + 0.658 * np.sin(twice_elongation)
    )
    return _ecliptic_to_equatorial(longitude, np.radians(5.128 * np.sin(latitude_argument)))


def sine_of_altitude(
    mjd: FloatArray, direction: FloatArray, *, latitude_deg: float, longitude_deg: float
) -> FloatArray:
    """Sine of the altitude of a direction ((3,) or (n, 3), unit length), shape (n,)."""
    # Rotation angle of the Earth; UT1 is taken as UTC and precession is ignored (0.3 deg).
    sidereal = np.radians((280.46062 + 360.98564737 * (mjd - _J2000_MJD) + longitude_deg) % 360.0)
    latitude = np.radians(latitude_deg)
    x, y, z = np.moveaxis(np.broadcast_to(direction, (mjd.size, 3)), 1, 0)
    horizontal = x * np.cos(sidereal) + y * np.sin(sidereal)
    return np.asarray(np.cos(latitude) * horizontal + np.sin(latitude) * z)


def heliocentric_delay(sun: FloatArray, direction: FloatArray) -> FloatArray:
    """Days to add to MJD for a star in this direction; ``sun`` from :func:`sun_vector`."""
    return np.asarray(-(sun @ direction) * _LIGHT_TIME_AU_DAY)


def _ecliptic_to_equatorial(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    obliquity = np.radians(23.439)
    x = np.cos(latitude) * np.cos(longitude)
    y = np.cos(latitude) * np.sin(longitude)
    z = np.sin(latitude)
    return np.stack(
        [x, y * np.cos(obliquity) - z * np.sin(obliquity),
         y * np.sin(obliquity) + z * np.cos(obliquity)],
        axis=1,
    )  # fmt: skip
