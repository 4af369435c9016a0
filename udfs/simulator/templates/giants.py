"""Long-period variables: Miras, semi-regular and OGLE small-amplitude red giants."""

import numpy as np

from udfs.simulator.templates.base import (
    Epochs,
    FloatArray,
    Variation,
    clipped_normal,
    cycles_since,
    fourier_shape,
    log_normal,
    log_uniform,
)

_MIRA_BANDS = (1.1, 1.0, 0.65)
_GIANT_BANDS = (1.35, 1.0, 0.55)


def mira(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """More than 2.5 mag in r; no two maxima alike, on a mean that drifts."""
    period = log_normal(rng, 280.0, 0.12, low=120.0, high=500.0)
    amplitude = clipped_normal(rng, 3.6, 0.7, low=2.5, high=5.5)
    cycles = cycles_since(epochs.time_day, period, rng.random())
    shape = fourier_shape(cycles, [rng.uniform(0.08, 0.2)], [rng.normal(4.2, 0.3)])
    height = amplitude * (1.0 + 0.12 * _slow_wave(rng, epochs, 3.0 * period))
    drift = 0.25 * _slow_wave(rng, epochs, 1.5 * epochs.baseline_day)
    delta = (height * shape + drift) * epochs.per_band(*_MIRA_BANDS)
    return Variation(delta, ("longt", "mir"), period)


def semiregular(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Two periods a factor of about two apart and, often, a long secondary period."""
    period = log_uniform(rng, 80.0, 350.0)
    amplitude = log_uniform(rng, 0.25, 1.5)
    x = cycles_since(epochs.time_day, period, rng.random())
    shape = 0.5 * (1.0 + 0.25 * _slow_wave(rng, epochs, 4.0 * period)) * np.cos(2 * np.pi * x)
    second = period / rng.uniform(1.7, 2.1)
    x2 = cycles_since(epochs.time_day, second, rng.random())
    shape += rng.uniform(0.1, 0.25) * np.cos(2 * np.pi * x2)
    if rng.random() < 0.4:
        long_period = period * rng.uniform(6.0, 10.0)
        x3 = cycles_since(epochs.time_day, long_period, rng.random())
        shape += rng.uniform(0.1, 0.3) * np.cos(2 * np.pi * x3)
    drift = 0.1 * _slow_wave(rng, epochs, 1.5 * epochs.baseline_day)
    delta = amplitude * (shape + drift) * epochs.per_band(*_GIANT_BANDS)
    return Variation(delta, ("longt", "mp", "srv"), period)


def osarg(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Three or four radial and non-radial modes of a few hundredths of a magnitude."""
    period = log_uniform(rng, 20.0, 90.0)
    amplitude = log_uniform(rng, 0.03, 0.12)
    ratios = np.concatenate([[1.0], rng.uniform(0.45, 0.85, size=rng.integers(2, 4))])
    shares = np.concatenate([[0.5], rng.uniform(0.12, 0.35, size=ratios.size - 1)])
    shape = np.zeros_like(epochs.time_day)
    for ratio, share in zip(ratios, shares, strict=True):
        x = cycles_since(epochs.time_day, period * ratio, rng.random())
        shape += share * np.cos(2 * np.pi * x)
    return Variation(
        amplitude * shape * epochs.per_band(*_GIANT_BANDS), ("longt", "mp", "osarg"), period
    )


def _slow_wave(rng: np.random.Generator, epochs: Epochs, period_day: float) -> FloatArray:
    """A wave between -1 and 1 of about that period."""
    x = cycles_since(epochs.time_day, period_day * rng.uniform(0.8, 1.3), rng.random())
    return np.asarray(np.sin(2 * np.pi * x))
