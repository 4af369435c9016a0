"""The frequency grid of a period search."""

import math
from dataclasses import dataclass

import numpy as np

from udfs.ragged import BoolArray, FloatArray

AUTO, SHARED, EXACT = "auto", "shared", "exact"
TIMES = (AUTO, SHARED, EXACT)

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
    peaks : int
        Local maxima kept of each multi-harmonic periodogram, for the choice in mode "fixed".
    times : {"auto", "shared", "exact"}
        Whether light curves of a band are folded at the times of shared exposures, which is much
        faster, or each at its own; "auto" decides from the data, and in mode "scope-v0.9.5"
        means "exact".
    excluded_per_day : tuple of (low, high)
        Frequencies with ``low <= f <= high`` are left out of the grid of ELS, ECE and
        EAOV [cycles/day].
    max_baseline_day : float
        Longest time span of a light curve [days]. The grid grows with it, and a span of centuries
        is no light curve but a mistake, such as Julian dates among modified ones.
    """

    max_freq_per_day: float = 48.0
    samples_per_peak: int = 10
    phase_bins: int = 20
    mag_bins: int = 10
    top_n: int = 50
    peaks: int = 30
    times: str = "auto"
    excluded_per_day: tuple[tuple[float, float], ...] = TERRESTRIAL
    max_baseline_day: float = 40_000.0

    def __post_init__(self) -> None:
        """Refuse settings that no grid can be made of."""
        for name in ("max_freq_per_day", "samples_per_peak", "top_n", "peaks", "max_baseline_day"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected a positive number")
        for name in ("phase_bins", "mag_bins"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name}={getattr(self, name)!r}, expected 2 or more")
        if self.times not in TIMES:
            raise ValueError(f"times={self.times!r}, expected one of {', '.join(TIMES)}")
        for low, high in self.excluded_per_day:
            if not 0 <= low < high:
                raise ValueError(
                    f"excluded_per_day has ({low!r}, {high!r}), expected 0 <= low < high"
                )


def full_grid(baseline_day: float, settings: PeriodSearchSettings) -> FloatArray:
    """Evenly spaced frequencies from two cycles per baseline to the highest of the settings.

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
        If the baseline is not positive, longer than the settings allow, or so short that the grid
        is empty.
    """
    if not (math.isfinite(baseline_day) and baseline_day > 0):
        raise ValueError(
            f"baseline_day={baseline_day!r}, expected a positive number of days: "
            "the time span of the longest light curve"
        )
    if baseline_day > settings.max_baseline_day:
        raise ValueError(
            f"baseline_day={baseline_day!r}, expected max_baseline_day="
            f"{settings.max_baseline_day!r} or less: are there Julian dates among modified ones?"
        )
    low = 2.0 / baseline_day
    step = 1.0 / (settings.samples_per_peak * baseline_day)
    n_freq = math.ceil((settings.max_freq_per_day - low) / step)
    if n_freq < 1:
        raise ValueError(
            f"baseline_day={baseline_day!r} allows no frequency below "
            f"max_freq_per_day={settings.max_freq_per_day!r}; raise one of them"
        )
    return np.asarray(low + step * np.arange(n_freq), dtype=np.float64)


def excluded(freq: FloatArray, settings: PeriodSearchSettings) -> BoolArray:
    """Which frequencies lie in the excluded windows: those of ``low <= f <= high``."""
    inside = np.zeros(freq.size, np.bool_)
    for low, high in settings.excluded_per_day:
        inside |= (freq >= low) & (freq <= high)
    return inside


def frequency_grid(baseline_day: float, settings: PeriodSearchSettings) -> FloatArray:
    """The grid of ELS, ECE and EAOV: :func:`full_grid` less the excluded windows."""
    freq = full_grid(baseline_day, settings)
    return freq[~excluded(freq, settings)]
