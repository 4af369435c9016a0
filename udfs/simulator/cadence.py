"""The exposures of a field: when, in which filter, and how deep."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.simulator import ephemeris
from udfs.simulator.nights import Nights, usable_nights
from udfs.simulator.sky import field_centre, quadrant_centre, unit_vector
from udfs.simulator.spec import FILTER_IDS, BandCadence, QuadrantSpec

FloatArray = NDArray[np.float64]

_HOUR_DAY = 1.0 / 24.0
_STREAM_EXPOSURES = 1


@dataclass(frozen=True)
class Exposures:
    """All exposures of a quadrant, filter after filter, ascending in time within each.

    Attributes
    ----------
    filter_id : (n,) int64, 1 g, 2 r, 3 i
    mjd, hmjd : (n,) float64, middle of the exposure; heliocentric at the quadrant centre
    limit_mag : (n,) float64, 5 sigma depth [mag]
    cloudy : (n,) bool, whole exposure flagged as badly calibrated (catflags bit 15)
    colour_coefficient : (n,) float64, colour term of the calibration
    sun : (n, 3) float64, vector to the Sun [AU], for the heliocentric time of each star
    """

    filter_id: NDArray[np.int64]
    mjd: FloatArray
    hmjd: FloatArray
    limit_mag: FloatArray
    cloudy: NDArray[np.bool_]
    colour_coefficient: FloatArray
    sun: FloatArray

    def band(self, name: str) -> tuple[FloatArray, FloatArray]:
        """HMJD and limiting magnitude of one filter ("g", "r" or "i")."""
        own = self.filter_id == FILTER_IDS[name]
        return self.hmjd[own], self.limit_mag[own]


def exposures(spec: QuadrantSpec) -> Exposures:
    """Exposures of a quadrant, shared by all its stars.

    They follow from seed, field, dates and cadence alone: the 64 quadrants of a field are
    exposed together. Statistics (gaps between nights, visits per night, depth against moon
    phase) are set after public ZTF light curves; see ``conf/simulator.toml``.
    """
    rng = np.random.default_rng(
        np.random.SeedSequence(spec.seed, spawn_key=(spec.field, _STREAM_EXPOSURES))
    )
    nights = usable_nights(spec, rng)
    # Each filter has a stream of its own, so that its plan does not depend on the others.
    streams = dict(zip(FILTER_IDS, rng.spawn(len(FILTER_IDS)), strict=True))
    names = [name for name in FILTER_IDS if name in spec.bands]
    times = {
        name: _visits(nights, spec.cadence[name], spec=spec, rng=streams[name]) for name in names
    }
    times = _without_overlaps(times, (spec.site.exposure_s + spec.site.overhead_s) / 86400.0)
    parts = [_measure(times[name], name, spec=spec, rng=streams[name]) for name in names]
    return Exposures(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _visits(
    nights: Nights, cadence: BandCadence, *, spec: QuadrantSpec, rng: np.random.Generator
) -> FloatArray:
    """Times of the visits in one filter [MJD], not yet sorted."""
    n = nights.start_mjd.size
    used_season = rng.random(int(nights.season.max(initial=0)) + 1) < cadence.season_probability
    draws, places = rng.random(n), rng.beta(2.0, 2.0, size=n)
    dense = rng.random(n) < cadence.dense_nights_per_year * spec.years / max(n, 1)
    times: list[FloatArray] = []
    last = -np.inf
    for k in range(n):
        if not used_season[nights.season[k]]:
            continue
        start, end = nights.start_mjd[k], nights.end_mjd[k]
        due = np.floor(start) - last >= cadence.revisit_nights
        chance = cadence.due_probability if due else cadence.early_probability
        if draws[k] >= chance and not dense[k]:
            continue
        last = np.floor(start)
        first = start + places[k] * (end - start)
        times.append(
            _dense_run(start, end, rng) if dense[k] else _repeats(first, end, cadence, rng)
        )
    return np.concatenate(times) if times else np.empty(0)


def _repeats(
    first: float, end: float, cadence: BandCadence, rng: np.random.Generator
) -> FloatArray:
    """One visit and, at times, others after 20 to 100 minutes."""
    n_more = rng.geometric(1.0 - cadence.repeat_probability) - 1
    times = first + np.concatenate([[0.0], np.cumsum(rng.uniform(0.33, 1.67, n_more))]) * _HOUR_DAY
    return np.asarray(times[(times <= end) | (times == first)])


def _dense_run(start: float, end: float, rng: np.random.Generator) -> FloatArray:
    """Exposures back to back for up to three hours."""
    hours = rng.uniform(1.5, 3.0)
    begin = start + rng.random() * max(end - start - hours * _HOUR_DAY, 0.0)
    step = rng.uniform(40.0, 80.0) / 86400.0
    return np.arange(begin, min(begin + hours * _HOUR_DAY, end), step)


def _without_overlaps(times: dict[str, FloatArray], spacing_day: float) -> dict[str, FloatArray]:
    """Drop exposures that begin before the previous one, of any filter, is read out."""
    mjd = np.concatenate([np.sort(values) for values in times.values()] or [np.empty(0)])
    owner = np.repeat(np.arange(len(times)), [values.size for values in times.values()])
    order = np.argsort(mjd, kind="stable")
    mjd, owner = mjd[order], owner[order]
    keep = np.ones(mjd.size, dtype=np.bool_)
    last = -np.inf
    for k in range(mjd.size):
        keep[k] = mjd[k] - last >= spacing_day
        if keep[k]:
            last = mjd[k]
    return {name: mjd[keep & (owner == k)] for k, name in enumerate(times)}


def _measure(
    mjd: FloatArray, name: str, *, spec: QuadrantSpec, rng: np.random.Generator
) -> tuple[NDArray[np.generic], ...]:
    """Columns of :class:`Exposures` for the exposures of one filter."""
    cadence = spec.cadence[name]
    sun = ephemeris.sun_vector(mjd)
    limit = _limiting_magnitude(mjd, sun, cadence, spec=spec, rng=rng)
    # Share of exposures with bit 15 against depth: half at 2.5 mag above the dark limit.
    shallow = (limit - (cadence.dark_limit_mag - 2.5)) / 0.5
    cloudy = rng.random(mjd.size) < 0.02 + 0.98 / (1.0 + np.exp(shallow))
    colour = rng.normal(cadence.colour_coefficient, 0.025, size=mjd.size)
    centre = unit_vector(*quadrant_centre(spec))
    hmjd = mjd + ephemeris.heliocentric_delay(sun, centre)
    return np.full(mjd.size, FILTER_IDS[name]), mjd, hmjd, limit, cloudy, colour, sun


def _limiting_magnitude(
    mjd: FloatArray,
    sun: FloatArray,
    cadence: BandCadence,
    *,
    spec: QuadrantSpec,
    rng: np.random.Generator,
) -> FloatArray:
    """Depth: dark limit less moonlight, airmass, seeing and thin cloud [mag]."""
    direction = unit_vector(*field_centre(spec))
    sun_direction = sun / np.linalg.norm(sun, axis=1, keepdims=True)
    elongation_cosine = np.sum(ephemeris.moon_direction(mjd) * sun_direction, axis=1)
    illuminated = 0.5 * (1.0 - elongation_cosine)
    altitude_sine = ephemeris.sine_of_altitude(
        mjd, direction,
        latitude_deg=spec.site.latitude_deg, longitude_deg=spec.site.longitude_deg,
    )  # fmt: skip
    airmass = 1.0 / np.clip(altitude_sine, 0.3, 1.0)
    # Exposures of one night share its seeing and cloud.
    _, night = np.unique(np.floor(mjd), return_inverse=True)
    n_nights = int(night.max(initial=-1)) + 1
    shared = rng.normal(0.0, 0.25, n_nights) - rng.exponential(0.2, n_nights)
    shared -= np.where(rng.random(n_nights) < 0.06, rng.uniform(0.5, 2.5, n_nights), 0.0)
    return np.asarray(
        cadence.dark_limit_mag
        - cadence.moon_loss_mag * illuminated**4
        - 0.35 * (airmass - 1.0)
        + shared[night]
        + rng.normal(0.0, 0.1, mjd.size)
    )
