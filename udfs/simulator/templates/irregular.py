"""Stars without a period: active galaxies, dwarf novae, flare stars, and constant stars."""

import numpy as np

from udfs.simulator.templates.base import Epochs, FloatArray, Variation, log_uniform


def constant(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """No variation."""
    return Variation(np.zeros_like(epochs.time_day), ("nonvar",))


def active_galaxy(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Damped random walk, the same in all bands, weaker in the red.

    Time scales and amplitudes after MacLeod et al. (2010), ApJ 721, 1014: a structure
    function at infinity of 0.1 to 0.35 mag, falling with wavelength to the power 0.48.
    """
    tau = log_uniform(rng, 100.0, 400.0)
    standard_deviation = log_uniform(rng, 0.1, 0.35) / np.sqrt(2.0)
    walk = damped_random_walk(rng, epochs.time_day, tau)
    return Variation(standard_deviation * walk * epochs.per_band(1.0, 0.87, 0.78), ("i", "agn"))


def damped_random_walk(rng: np.random.Generator, time_day: FloatArray, tau: float) -> FloatArray:
    """Ornstein-Uhlenbeck process of variance 1 at the given times, in any order.

    Exact at any spacing: ``x_k = x_(k-1) exp(-dt/tau) + sqrt(1 - exp(-2 dt/tau)) z_k``
    (Kelly, Bechtold & Siemiginowska 2009, ApJ 698, 895).
    """
    order = np.argsort(time_day, kind="stable")
    step = np.diff(time_day[order], prepend=-np.inf) / tau
    memory = np.exp(-step)
    kick = np.sqrt(-np.expm1(-2.0 * step)) * rng.standard_normal(step.size)
    # Plain floats: a recursion over numpy scalars is ten times slower.
    value, values = 0.0, []
    for keep, add in zip(memory.tolist(), kick.tolist(), strict=True):
        value = keep * value + add
        values.append(value)
    walk = np.empty(step.size)
    walk[order] = values
    return walk


def cataclysmic(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Dwarf nova: outbursts of 2 to 5 mag that recur, flickering in between."""
    recurrence = log_uniform(rng, 15.0, 200.0)
    height = rng.uniform(2.0, 5.0)
    onset = _renewal_times(rng, epochs.baseline_day, recurrence)
    rise = rng.uniform(0.5, 1.5)
    # One in four is a superoutburst: brighter, and three times as long.
    is_super = rng.random(onset.size) < 0.25
    plateau = (
        np.where(is_super, 3.0, 1.0) * rng.uniform(2.0, 5.0) * rng.uniform(0.8, 1.2, onset.size)
    )
    peak = height * np.where(is_super, 1.0, 0.85) * rng.normal(1.0, 0.04, onset.size)
    decline_per_day = rng.uniform(0.4, 1.0)
    # The latest outburst before each epoch; one always starts before the survey does.
    k = np.searchsorted(onset, epochs.time_day, side="right") - 1
    age = epochs.time_day - onset[k]
    brightening = np.minimum(
        peak[k] * np.clip(age / rise, 0.0, 1.0),
        peak[k] - decline_per_day * np.clip(age - rise - plateau[k], 0.0, None),
    )
    brightening = np.clip(brightening, 0.0, None)
    # Flickering: relative to the disc's light in quiescence, so weaker in outburst.
    flicker = rng.uniform(0.05, 0.2) * damped_random_walk(rng, epochs.time_day, 0.03)
    delta = -brightening + flicker * 10.0 ** (-0.2 * brightening)
    return Variation(delta * epochs.per_band(1.05, 1.0, 0.93), ("fla", "cv"))


def flare_star(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """M dwarf: fast rise, then two exponential decays; far stronger in the blue.

    Decay shape of Davenport et al. (2014), ApJ 797, 122, eq. 4 (in units of the half-width).
    """
    onset = _renewal_times(rng, epochs.baseline_day, log_uniform(rng, 0.5, 3.0), shape=1.0)
    # Power law of energies: many small flares, few large ones.
    peak = np.minimum(0.25 * rng.random(onset.size) ** -0.8, 30.0)
    half_width = np.exp(rng.uniform(np.log(5.0), np.log(40.0), onset.size)) / 1440.0
    k = np.searchsorted(onset, epochs.time_day, side="right") - 1
    age = (epochs.time_day - onset[k]) / half_width[k]
    decay = 0.689 * np.exp(-1.600 * age) + 0.303 * np.exp(-0.278 * age)
    gain = peak[k] * np.clip(age, 0.0, 1.0) * decay * epochs.per_band(1.0, 0.45, 0.2)
    return Variation(-2.5 * np.log10(1.0 + gain), ("fla",))


def _renewal_times(
    rng: np.random.Generator, baseline_day: float, mean_gap_day: float, *, shape: float = 9.0
) -> FloatArray:
    """Events with gamma-distributed gaps, the first before day 0; ``shape`` 1 is Poisson."""
    n = int(1.5 * baseline_day / mean_gap_day) + 10
    gaps = rng.gamma(shape, mean_gap_day / shape, size=n)
    # One day of margin: heliocentric times of the first epochs may be below 0.
    return np.asarray(np.cumsum(gaps) - gaps[0] * rng.uniform(1.0, 2.0) - 1.0)
