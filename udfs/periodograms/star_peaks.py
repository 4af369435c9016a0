"""Candidates of stars: the highest maxima of what Fourier series explain of all their curves."""

import importlib
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from udfs.jit import jit
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.plan import Part
from udfs.periodograms.running_peaks import RunningPeaks
from udfs.ragged import FloatArray, IntArray

HARMONICS = 3


class StarPeaks:
    """Sums over the curves of each star, and their maxima; feed it the grid in ascending order.

    Parameters
    ----------
    star : (n_lc,) int64, 0 .. n_star - 1
        Star of each curve.
    settings : PeriodSearchSettings
    """

    running_peaks = RunningPeaks

    def __init__(self, star: IntArray, settings: PeriodSearchSettings) -> None:
        self._star = star
        self._n_star = int(star.max(initial=-1)) + 1
        self._top_freq = settings.max_freq_per_day
        self._peaks = [self.running_peaks(self._n_star, settings.peaks) for _ in range(HARMONICS)]

    def add(self, parts: Sequence[Part], freq: FloatArray) -> None:
        """Take in a stretch of the grid; the parts are all curves that are searched."""
        for low, high, harmonics in stretches_by_harmonics(freq, self._top_freq):
            total = self._sums(parts, freq[low:high], harmonics)
            for k in range(harmonics):
                self._peaks[k].add(total[k])

    def _sums(self, parts: Sequence[Part], freq: FloatArray, harmonics: int) -> Any:
        """What the series explain of each star: (harmonics, n_freq, n_star) float32."""
        total = np.zeros((harmonics, freq.size, self._n_star), np.float32)
        for part in parts:
            star = self._star[part.curves]
            for first, values in part.engine.reductions(freq, harmonics):
                here = slice(first, first + values.shape[2])
                _add_columns(values, part.points_per_chi2[here], star[here], total)
        return total

    def candidates(self, freq: FloatArray) -> FloatArray:
        """Frequencies of the maxima, (n_star, HARMONICS, n_peaks), highest first, NaN beyond.

        Parameters
        ----------
        freq : (n_freq,) float64, cycles/day
            The whole grid.
        """
        index = np.stack([running.peaks()[0] for running in self._peaks], axis=1)
        return np.where(index >= 0, freq[index], np.nan)


def star_peaks(star: IntArray, settings: PeriodSearchSettings, *, backend: str) -> StarPeaks:
    """The candidates of stars, found where the backend has the values."""
    if backend == "cuda":
        # Not imported without need: it asks for a device.
        module = importlib.import_module("udfs.periodograms.star_peaks_cuda")
        return cast(StarPeaks, module.StarPeaksCuda(star, settings))
    return StarPeaks(star, settings)


def stretches_by_harmonics(freq: FloatArray, top_freq: float) -> list[tuple[int, int, int]]:
    """Start, stop and number of harmonics, all of them below the end of the grid."""
    edges = [0]
    edges += [int(np.searchsorted(freq, top_freq / k, side="right")) for k in (3, 2)]
    edges.append(freq.size)
    return [
        (low, high, harmonics)
        for low, high, harmonics in zip(edges, edges[1:], (3, 2, 1), strict=False)
        if high > low
    ]


@jit
def _add_columns(values: Any, factor: Any, star: Any, total: Any) -> None:
    for k in range(values.shape[0]):
        for f in range(values.shape[1]):
            for s in range(star.size):
                total[k, f, star[s]] += values[k, f, s] * factor[s]
