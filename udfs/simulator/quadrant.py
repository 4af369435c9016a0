"""The stars of a quadrant: each drawn from its own random stream, observed, and tabulated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.errors import ContractError
from udfs.simulator.cadence import Exposures, exposures
from udfs.simulator.ephemeris import heliocentric_delay
from udfs.simulator.photometry import ErrorTable, error_table, measure, noise_depth
from udfs.simulator.sky import random_position, unit_vector
from udfs.simulator.spec import Population, QuadrantSpec
from udfs.simulator.tables import SimulatedStars, Star, filter_blocks, tables_of
from udfs.simulator.templates import CLASSES, Epochs

_STREAM_STARS = 2


@dataclass(frozen=True)
class _Shared:
    """What all stars of a quadrant have in common."""

    exposures: Exposures
    depth: NDArray[np.float64]
    table: ErrorTable
    baseline_day: float


def simulate_stars(spec: QuadrantSpec, first: int, last: int) -> SimulatedStars:
    """Stars ``first`` to ``last - 1`` of a quadrant.

    Star k comes from its own random stream, keyed by seed, field, readout channel and k: it
    is the same whatever range it is simulated in.

    Raises
    ------
    ContractError
        If the range is not within the quadrant.
    """
    if not 0 <= first <= last <= spec.n_stars:
        raise ContractError(f"stars {first}..{last}: expected a range within 0..{spec.n_stars}")
    names, shares = _class_shares(spec)
    found = exposures(spec)
    depth = noise_depth(found, spec.photometry)
    table = error_table(found, depth, spec.photometry)
    shared = _Shared(found, depth, table, spec.years * 365.25)
    stars = []
    for k in range(first, last):
        rng = np.random.default_rng(
            np.random.SeedSequence(spec.seed, spawn_key=(spec.field, _STREAM_STARS, spec.rcid, k))
        )
        class_name = names[int(np.searchsorted(shares, rng.random(), side="right"))]
        stars.append(_one_star(spec, shared, number=k, class_name=class_name, rng=rng))
    return tables_of(spec, found, stars)


def _one_star(
    spec: QuadrantSpec,
    shared: _Shared,
    *,
    number: int,
    class_name: str,
    rng: np.random.Generator,
) -> Star:
    star_class = CLASSES[class_name]
    ra, dec = random_position(spec, rng)
    r_mag = _draw_magnitude(spec.population, rng)
    scatter = star_class.colour_scatter * rng.standard_normal(2)
    colours = {
        "g": star_class.g_minus_r + scatter[0],
        "r": 0.0,
        "i": -(star_class.r_minus_i + 0.5 * scatter[0] + 0.1 * scatter[1]),
    }
    found = shared.exposures
    hmjd = found.mjd + heliocentric_delay(found.sun, unit_vector(ra, dec))
    epochs = Epochs(hmjd - spec.start_mjd, found.filter_id, shared.baseline_day)
    variation = star_class.template(rng, epochs)
    mean_mag = r_mag + epochs.per_band(colours["g"], colours["r"], colours["i"])
    seen = measure(
        mean_mag + variation.delta_mag, found, rng,
        depth=shared.depth, table=shared.table, photometry=spec.photometry,
    )  # fmt: skip
    amplitude = {
        band: float(np.ptp(variation.delta_mag[start:stop]))
        for band, start, stop in filter_blocks(found.filter_id)
    }
    return Star(
        number, class_name, ra, dec, hmjd, amplitude, variation.labels, variation.period_day, seen
    )


def _draw_magnitude(population: Population, rng: np.random.Generator) -> float:
    """Mean r magnitude: the inverse of the cumulative counts at a uniform draw."""
    low = 10.0 ** (population.slope * population.bright_mag)
    high = 10.0 ** (population.slope * population.faint_mag)
    return float(np.log10(low + rng.random() * (high - low)) / population.slope)


def _class_shares(spec: QuadrantSpec) -> tuple[list[str], NDArray[np.float64]]:
    """Class names and the upper ends of their shares of [0, 1)."""
    names = [name for name in sorted(spec.class_mix) if spec.class_mix[name] > 0]
    shares = np.array([spec.class_mix[name] for name in names])
    upper = np.cumsum(shares / shares.sum())
    # Rounding may leave the last end a hair below 1.
    upper[-1] = 1.0
    return names, upper
