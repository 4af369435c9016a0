"""Exposures in the order of their phase: what all sources of a block share when it is folded."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from udfs.jit import jit
from udfs.ragged import FloatArray


@dataclass(frozen=True)
class Fold:
    """Exposures sorted by phase bin, for each frequency.

    A sum over one bin runs over neighbours in this order, and no partial sum is ever stored: the
    scattered additions of a histogram are gone.

    Attributes
    ----------
    order : (n_freq, n_exposures) int32
        Exposures bin by bin, by time within a bin.
    starts : (n_freq, phase_bins + 1) int32
        Bin ``b`` owns ``order[f, starts[f, b]:starts[f, b + 1]]``.
    """

    order: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]


def fold_exposures(time: FloatArray, freq: FloatArray, *, phase_bins: int) -> Fold:
    """Fold the shared exposures at each frequency; phase 0 is the first exposure.

    Parameters
    ----------
    time : (n_exposures,) float64, days, ascending
    freq : (n_freq,) float64, cycles/day
    phase_bins : int
    """
    order = np.empty((freq.size, time.size), np.int32)
    starts = np.zeros((freq.size, phase_bins + 1), np.int32)
    _fold(time - time[0], freq, phase_bins, order, starts)
    return Fold(order, starts)


@jit
def _fold(
    elapsed: FloatArray,
    freq: FloatArray,
    phase_bins: int,
    order: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int32],
) -> None:
    n = elapsed.size
    column, free = np.empty(n, np.int32), np.empty(phase_bins, np.int32)
    last = phase_bins - 1.0
    for f in range(freq.size):
        # A loop without branches: the compiler turns it into vectors.
        for k in range(n):
            cycles = freq[f] * elapsed[k]
            phase = cycles - np.floor(cycles)
            column[k] = np.int32(min(np.floor(phase * phase_bins), last))
        for k in range(n):
            starts[f, column[k] + 1] += 1
        for b in range(phase_bins):
            starts[f, b + 1] += starts[f, b]
            free[b] = starts[f, b]
        for k in range(n):
            order[f, free[column[k]]] = k
            free[column[k]] += 1
