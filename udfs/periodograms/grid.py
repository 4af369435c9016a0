"""The frequency grid of a period search."""

import math
from dataclasses import dataclass

import numpy as np

from udfs.ragged import FloatArray

# Windows around one and two cycles per year and month, and around the day and its
# multiples, where the cadence of a ground-based survey creates false periods.
TERRESTRIAL = (
    (0.0025, 0.003), (0.00125, 0.0015), (0.000833, 0.001), (0.000625, 0.00075),
    (0.0005, 0.0006), (0.005, 0.006), (0.03, 0.04), (3.95, 4.05), (2.95, 3.05),
    (1.95, 2.05), (0.95, 1.05), (0.48, 0.52), (0.32, 0.34),
)  # fmt: skip


@dataclass(frozen=True)
class PeriodSearchSettings:
    """Grid and bins of the period search.

    Attributes
    ----------
    max_freq_per_day : float
        Upper end of the grid [cycles/day].
    samples_per_peak : int
        Grid points per width of a peak, which is 1 / baseline.
    phase_bins, mag_bins : int
        Bins of conditional entropy in phase and magnitude; AOV uses ``phase_bins``.
    top_n : int
        Best grid points of each of ELS and ECE that the nested choice looks at.
    excluded_per_day : tuple of (low, high)
        Frequencies with ``low <= f <= high`` are left out of the grid [cycles/day].
    """

    max_freq_per_day: float = 48.0
    samples_per_peak: int = 10
    phase_bins: int = 20
    mag_bins: int = 10
    top_n: int = 50
    excluded_per_day: tuple[tuple[float, float], ...] = TERRESTRIAL

    def __post_init__(self) -> None:
        """Refuse settings that no grid can be made of."""
        for name in ("max_freq_per_day", "samples_per_peak", "top_n"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected a positive number")
        for name in ("phase_bins", "mag_bins"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected 2 or more")
        for low, high in self.excluded_per_day:
            if not 0 <= low < high:
                raise ValueError(
                    f"excluded_per_day has ({low!r}, {high!r}), expected 0 <= low < high"
                )


def frequency_grid(baseline_day: float, settings: PeriodSearchSettings) -> FloatArray:
    """Evenly spaced frequencies, less the excluded windows.

    f_k = f_min + k df for k = 0 .. ceil((f_max - f_min) / df) - 1, with f_min = 2 / baseline
    and df = 1 / (samples_per_peak baseline): at least two cycles fit the baseline.

    Parameters
    ----------
    baseline_day : float, days
        Longest time span of the light curves that share the grid.
    settings : PeriodSearchSettings

    Returns
    -------
    (n_freq,) float64, cycles/day, ascending

    Raises
    ------
    ValueError
        If the baseline is not positive, or so short that the grid is empty.
    """
    if not (math.isfinite(baseline_day) and baseline_day > 0):
        raise ValueError(
            f"baseline_day={baseline_day!r}, expected a positive number of days: "
            "the time span of the longest light curve"
        )
    low = 2.0 / baseline_day
    step = 1.0 / (settings.samples_per_peak * baseline_day)
    n_freq = math.ceil((settings.max_freq_per_day - low) / step)
    if n_freq < 1:
        raise ValueError(
            f"baseline_day={baseline_day!r} allows no frequency below "
            f"max_freq_per_day={settings.max_freq_per_day!r}; raise one of them"
        )
    freq = low + step * np.arange(n_freq)
    kept = np.ones(n_freq, np.bool_)
    for window_low, window_high in settings.excluded_per_day:
        kept &= (freq < window_low) | (freq > window_high)
    return np.asarray(freq[kept], dtype=np.float64)
