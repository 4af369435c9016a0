"""Nights on which a field can be observed: darkness, airmass, weather, and the Moon."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.simulator import ephemeris
from udfs.simulator.sky import field_centre, unit_vector
from udfs.simulator.spec import QuadrantSpec, Site

FloatArray = NDArray[np.float64]

_STEP_DAY = 10.0 / 1440.0
# Nights at Palomar fall between 1 h and 14 h UT.
_FIRST_HOUR, _LAST_HOUR = 1.0, 14.0
_SEASON_BREAK_NIGHTS = 20
_YEAR_DAY = 365.25
_MID_JANUARY_MJD = 51558.0


@dataclass(frozen=True)
class Nights:
    """Usable nights, ascending.

    Attributes
    ----------
    start_mjd, end_mjd : (n,) float64, window in which the field is up and the sky dark
    season : (n,) int64, number of the observing season
    """

    start_mjd: FloatArray
    end_mjd: FloatArray
    season: NDArray[np.int64]


def usable_nights(spec: QuadrantSpec, rng: np.random.Generator) -> Nights:
    """Nights with a window long enough, an open dome, and the Moon not on the field."""
    night = np.floor(spec.start_mjd) + np.arange(int(np.ceil(spec.years * _YEAR_DAY)))
    is_open = _weather(night, spec.site, rng)
    direction = unit_vector(*field_centre(spec))
    start, end = _windows(night, direction, spec.site)
    moon_cosine = ephemeris.moon_direction(night + 0.33) @ direction
    moon_away = moon_cosine < np.cos(np.radians(spec.site.moon_distance_deg))
    visible = end - start >= spec.site.min_window_hours / 24.0
    season = _seasons(night, visible)
    usable = visible & is_open & moon_away
    return Nights(start[usable], end[usable], season[usable])


def _windows(night: FloatArray, direction: FloatArray, site: Site) -> tuple[FloatArray, FloatArray]:
    """First and last moment of each night with the field up and the Sun down [MJD]."""
    steps = np.arange(_FIRST_HOUR / 24.0, _LAST_HOUR / 24.0, _STEP_DAY)
    mjd = (night[:, None] + steps).ravel()
    place = {"latitude_deg": site.latitude_deg, "longitude_deg": site.longitude_deg}
    sun = ephemeris.sun_vector(mjd)
    sun /= np.linalg.norm(sun, axis=1, keepdims=True)
    dark = ephemeris.sine_of_altitude(mjd, sun, **place) < np.sin(np.radians(site.sun_altitude_deg))
    up = ephemeris.sine_of_altitude(mjd, direction, **place) > 1.0 / site.max_airmass
    good = (dark & up).reshape(night.size, steps.size)
    # A field that sets and rises again in one night counts as up in between; rare, in autumn
    # fields near the pole never set at all.
    first = steps[np.argmax(good, axis=1)]
    last = steps[steps.size - 1 - np.argmax(good[:, ::-1], axis=1)]
    none = ~good.any(axis=1)
    last[none] = first[none]
    return night + first, night + last


def _weather(night: FloatArray, site: Site, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Open or closed, night by night: runs of geometric length, longer closures in winter."""
    draws = rng.random(night.size)
    winter = 0.5 * (1.0 + np.cos(2 * np.pi * (night - _MID_JANUARY_MJD) / _YEAR_DAY))
    closed_run = site.closed_run_nights * (1.0 + (site.winter_factor - 1.0) * winter)
    is_open = np.empty(night.size, dtype=np.bool_)
    state = True
    for k in range(night.size):
        leave = 1.0 / site.clear_run_nights if state else 1.0 / closed_run[k]
        if draws[k] < leave:
            state = not state
        is_open[k] = state
    return is_open


def _seasons(night: FloatArray, visible: NDArray[np.bool_]) -> NDArray[np.int64]:
    seen = np.flatnonzero(visible)
    season = np.zeros(night.size, dtype=np.int64)
    if seen.size:
        season[seen[1:]] = np.cumsum(np.diff(night[seen]) > _SEASON_BREAK_NIGHTS)
    return season
