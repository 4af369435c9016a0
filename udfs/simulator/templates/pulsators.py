"""RR Lyrae, Cepheids and delta Scuti stars: skewed Fourier series, bluer light varying more."""

import numpy as np

from udfs.simulator.templates.base import (
    Epochs,
    Variation,
    clipped_normal,
    cycles_since,
    fourier_shape,
    log_normal,
    log_uniform,
)

# Amplitude in g, r, i relative to g: RR Lyrae after Sesar et al. (2010), ApJ 708, 717.
_RR_LYRAE_BANDS = (1.0, 0.71, 0.56)
_CEPHEID_BANDS = (1.0, 0.67, 0.53)
_DELTA_SCUTI_BANDS = (1.0, 0.72, 0.55)
# V-band Fourier parameters of RRab stars (cosine series), typical of the field: Jurcsik &
# Kovacs (1996), A&A 312, 111 give phi_31 near 5.1 in the sine series, 8.24 in this one.
_RRAB_RATIOS = (0.48, 0.34, 0.22, 0.14, 0.09, 0.05)
_RRAB_PHASES = (3.97, 8.24, 12.35, 16.55, 20.75, 24.95)
# Cepheids of the fundamental mode: R_21 dips and phi_21 climbs towards 10 days (the
# Hertzsprung progression; shape after Simon & Moffett 1985, PASP 97, 1078).
_CEPHEID_LOG_PERIOD = (0.4, 0.7, 0.85, 1.0, 1.15, 1.4, 1.7)
_CEPHEID_R21 = (0.46, 0.44, 0.34, 0.18, 0.30, 0.42, 0.38)
_CEPHEID_PHI21 = (4.0, 4.35, 4.6, 4.9, 4.2, 4.5, 4.8)


def rr_lyrae_ab(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Fundamental mode: steep rise, slow decline; long periods have small amplitudes."""
    period = clipped_normal(rng, 0.56, 0.07, low=0.42, high=0.85)
    # Bailey diagram, near the Oosterhoff I ridge.
    amplitude = float(np.clip(2.95 - 3.4 * period + rng.normal(0.0, 0.12), 0.35, 1.5))
    ratios = np.array(_RRAB_RATIOS) * np.clip(0.75 + 0.25 * amplitude, 0.8, 1.05)
    phases = np.array(_RRAB_PHASES) + rng.normal(0.0, 0.08) * np.arange(1, 7)
    cycles = cycles_since(epochs.time_day, period, rng.random())
    shape = fourier_shape(cycles, ratios.tolist(), phases.tolist())
    return Variation(amplitude * epochs.per_band(*_RR_LYRAE_BANDS) * shape, ("saw", "rrab"), period)


def rr_lyrae_c(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """First overtone: nearly a sine."""
    period = clipped_normal(rng, 0.33, 0.035, low=0.24, high=0.44)
    amplitude = clipped_normal(rng, 0.52, 0.08, low=0.25, high=0.7)
    ratios = [rng.uniform(0.1, 0.2), rng.uniform(0.04, 0.09)]
    shape = fourier_shape(
        cycles_since(epochs.time_day, period, rng.random()), ratios, [rng.normal(4.7, 0.2), 2.9]
    )
    return Variation(amplitude * epochs.per_band(*_RR_LYRAE_BANDS) * shape, ("sin", "rrc"), period)


def rr_lyrae_d(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Two modes with P1/P0 near 0.745; the first overtone is the stronger and the period."""
    overtone = rng.uniform(0.35, 0.41)
    fundamental = overtone / rng.normal(0.7448, 0.0006)
    amplitude = clipped_normal(rng, 0.45, 0.05, low=0.3, high=0.6)
    share = rng.uniform(0.35, 0.6)
    x1 = cycles_since(epochs.time_day, overtone, rng.random())
    x0 = cycles_since(epochs.time_day, fundamental, rng.random())
    delta = fourier_shape(x1, [0.15], [4.7]) + share * fourier_shape(x0, [0.2], [4.0])
    # The two modes also beat: terms at the sum and the difference of their frequencies.
    delta += 0.12 * share * (np.cos(2 * np.pi * (x0 + x1)) + np.cos(2 * np.pi * (x1 - x0)))
    return Variation(amplitude * epochs.per_band(*_RR_LYRAE_BANDS) * delta, ("mp", "rrd"), overtone)


def cepheid_fundamental(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Classical Cepheid, fundamental mode, with the bump that moves with period."""
    period = log_normal(rng, 6.0, 0.28, low=2.5, high=45.0)
    log_period = np.log10(period)
    r21 = float(np.interp(log_period, _CEPHEID_LOG_PERIOD, _CEPHEID_R21))
    phi21 = float(np.interp(log_period, _CEPHEID_LOG_PERIOD, _CEPHEID_PHI21))
    amplitude = clipped_normal(rng, 0.95, 0.2, low=0.4, high=1.5)
    cycles = cycles_since(epochs.time_day, period, rng.random())
    # Harmonics of a sawtooth: each phase follows from phi_21.
    shape = fourier_shape(
        cycles, [r21, r21**1.7, r21**2.4], [phi21, 2 * phi21 + 0.2, 3 * phi21 + 0.4]
    )
    return Variation(amplitude * epochs.per_band(*_CEPHEID_BANDS) * shape, ("saw", "f"), period)


def cepheid_overtone(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """Classical Cepheid, first overtone: short period, small and nearly sinusoidal."""
    period = log_normal(rng, 2.6, 0.2, low=0.8, high=6.0)
    amplitude = clipped_normal(rng, 0.4, 0.08, low=0.2, high=0.6)
    shape = fourier_shape(
        cycles_since(epochs.time_day, period, rng.random()), [rng.uniform(0.1, 0.22)], [4.2]
    )
    return Variation(amplitude * epochs.per_band(*_CEPHEID_BANDS) * shape, ("sin", "o"), period)


def delta_scuti(rng: np.random.Generator, epochs: Epochs) -> Variation:
    """High-amplitude stars with one skewed mode, or several small modes."""
    period = log_normal(rng, 0.075, 0.17, low=0.03, high=0.25)
    cycles = cycles_since(epochs.time_day, period, rng.random())
    bands = epochs.per_band(*_DELTA_SCUTI_BANDS)
    if rng.random() < 0.5:
        amplitude = rng.uniform(0.2, 0.55)
        shape = fourier_shape(cycles, [rng.uniform(0.2, 0.4), 0.12], [4.0, 8.1])
        return Variation(amplitude * bands * shape, ("saw", "dscu"), period)
    amplitude = log_uniform(rng, 0.05, 0.2)
    # Period ratios of the radial overtones: P1/P0 = 0.773, P2/P0 = 0.617 (Stellingwerf 1979).
    others = np.array([0.773, 0.617]) * rng.normal(1.0, 0.003, size=2)
    shape = 0.5 * np.cos(2 * np.pi * cycles)
    for ratio, share in zip(others, rng.uniform(0.15, 0.5, size=2), strict=True):
        x = cycles_since(epochs.time_day, period * ratio, rng.random())
        shape = shape + 0.5 * share * np.cos(2 * np.pi * x)
    return Variation(amplitude * bands * shape, ("mp", "dscu"), period)
