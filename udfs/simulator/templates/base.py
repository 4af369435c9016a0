"""What a template gets and what it gives back, and the pieces that several share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Epochs:
    """Where a star is evaluated.

    Attributes
    ----------
    time_day : (n,) float64, heliocentric days since the start of the survey
    filter_id : (n,) int64, 1 g, 2 r, 3 i
    baseline_day : length of the survey
    """

    time_day: FloatArray
    filter_id: NDArray[np.int64]
    baseline_day: float

    def per_band(self, g: float, r: float, i: float) -> FloatArray:
        """One value per epoch, chosen by its filter."""
        return np.array([np.nan, g, r, i])[self.filter_id]


@dataclass(frozen=True)
class Variation:
    """The noise-free light curve of one star.

    Attributes
    ----------
    delta_mag : (n,) float64, to add to the mean magnitude; positive is fainter
    labels : most specific labels; their ancestors in the label trees follow
    period_day : the period that a search should find, None without one
    """

    delta_mag: FloatArray
    labels: tuple[str, ...]
    period_day: float | None = None


Template = Callable[[np.random.Generator, Epochs], Variation]


def clipped_normal(
    rng: np.random.Generator, mean: float, sd: float, *, low: float, high: float
) -> float:
    """A normal draw, moved to the nearer limit if outside."""
    return float(np.clip(rng.normal(mean, sd), low, high))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A draw whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def log_normal(
    rng: np.random.Generator, median: float, dex: float, *, low: float, high: float
) -> float:
    """A draw whose decimal logarithm is normal, moved to the nearer limit if outside."""
    return float(np.clip(median * 10.0 ** rng.normal(0.0, dex), low, high))


def cycles_since(time_day: FloatArray, period_day: float, start_phase: float) -> FloatArray:
    """Cycles elapsed, not reduced to [0, 1)."""
    return time_day / period_day + start_phase


def fourier_shape(
    cycles: FloatArray, ratios: Sequence[float], phases: Sequence[float]
) -> FloatArray:
    """Cosine series with mean 0 and peak-to-peak 1.

    ``cos(x) + sum_k R_k1 cos(k x + phi_k1)``, k = 2, 3, ..., in magnitudes, the convention of
    Simon & Lee (1981), ApJ 248, 291.

    Parameters
    ----------
    cycles : (n,) float64
    ratios, phases : R_21, R_31, ... and phi_21, phi_31, ... [rad]
    """
    coefficients = np.array(
        [1.0, *(r * np.exp(1j * p) for r, p in zip(ratios, phases, strict=True))]
    )
    grid = _series(np.linspace(0.0, 1.0, 128, endpoint=False), coefficients)
    return _series(cycles, coefficients) / np.ptp(grid)


def _series(cycles: FloatArray, coefficients: NDArray[np.complex128]) -> FloatArray:
    turn = np.exp(2j * np.pi * cycles)
    total = np.zeros_like(turn)
    for coefficient in coefficients[::-1]:
        total = (total + coefficient) * turn
    return np.asarray(total.real)
