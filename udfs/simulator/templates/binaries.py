"""Detached (EA), semi-detached (EB) and contact (EW) eclipsing binaries, and RS CVn stars."""

import numpy as np

from udfs.simulator.templates.base import (
    Epochs,
    Variation,
    cycles_since,
    log_normal,
    log_uniform,
)
from udfs.simulator.templates.eclipse import Binary, binary_delta_mag, roche_radius


def eclipsing_ea(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Two main-sequence stars well inside their lobes; flat between narrow eclipses."""
    period = log_normal(rng, 2.2, 0.35, low=0.5, high=20.0)
    mass = rng.uniform(0.7, 1.8)
    mass_ratio = rng.uniform(0.5, 1.0)
    # Kepler's third law, with radius over mass 1 in solar units on the main sequence.
    orbit = 4.208 * (mass * (1.0 + mass_ratio)) ** (1 / 3) * period ** (2 / 3)
    radii = (
        min(mass / orbit, 0.65 * roche_radius(1.0 / mass_ratio)),
        min(mass * mass_ratio / orbit, 0.65 * roche_radius(mass_ratio)),
    )
    hot = 5778.0 * mass**0.6
    binary = Binary(
        radii,
        (hot, hot * mass_ratio**0.6),
        mass_ratio,
        # Not grazing: the discs overlap by a good part at mid-eclipse.
        rng.uniform(0.0, 0.6) * sum(radii),
    )
    return _binary_variation(rng, epochs, binary, period=period, labels=("ea", "emsms"))


def eclipsing_eb(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Nearly filled lobes, unequal temperatures: always varying, unequal minima."""
    period = log_normal(rng, 0.9, 0.25, low=0.4, high=5.0)
    mass_ratio = rng.uniform(0.35, 0.8)
    radii = (
        rng.uniform(0.75, 0.92) * roche_radius(1.0 / mass_ratio),
        rng.uniform(0.92, 1.0) * roche_radius(mass_ratio),
    )
    hot = rng.uniform(6500.0, 12000.0)
    binary = Binary(radii, (hot, hot * rng.uniform(0.5, 0.75)), mass_ratio, rng.uniform(0.0, 0.35))
    return _binary_variation(rng, epochs, binary, period=period, labels=("eb", "blyr"))


def eclipsing_ew(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Contact: overfilled lobes, one temperature, minima almost equal."""
    period = log_normal(rng, 0.36, 0.09, low=0.22, high=0.8)
    mass_ratio = rng.uniform(0.25, 0.9)
    fill = rng.uniform(1.0, 1.06)
    radii = (fill * roche_radius(1.0 / mass_ratio), fill * roche_radius(mass_ratio))
    # Short periods are cool (period-colour relation of contact binaries).
    hot = float(np.clip(5600.0 + 4500.0 * (period - 0.35), 4500.0, 7500.0))
    binary = Binary(radii, (hot, hot * rng.uniform(0.95, 1.0)), mass_ratio, rng.uniform(0.0, 0.4))
    return _binary_variation(rng, epochs, binary, period=period, labels=("ew", "wuma"))


def rs_cvn(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Rotating spots: a wave whose height drifts over years."""
    period = log_uniform(rng, 1.0, 30.0)
    amplitude = rng.uniform(0.08, 0.3)
    x = cycles_since(epochs.time_day, period, rng.random())
    activity = epochs.time_day / rng.uniform(800.0, 3000.0) + rng.random()
    height = amplitude * (1.0 + 0.35 * np.sin(2 * np.pi * activity))
    shape = 0.5 * np.cos(2 * np.pi * x) + rng.uniform(0.0, 0.12) * np.cos(4 * np.pi * x)
    level = 0.2 * amplitude * np.sin(2 * np.pi * activity)
    delta = (height * shape - level) * epochs.per_band(1.0, 0.85, 0.72)
    return Variation(delta, ("sin", "rscvn"), period)


def _binary_variation(
    rng: np.random.Generator,
    epochs: Epochs,
    binary: Binary,
    *,
    period: float,
    labels: tuple[str, ...],
) -> Variation:
    cycles = cycles_since(epochs.time_day, period, rng.random())
    return Variation(binary_delta_mag(binary, cycles, epochs.filter_id), labels, period)
