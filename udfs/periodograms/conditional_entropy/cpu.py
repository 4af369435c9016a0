"""Conditional entropy by counting into a small table and looking up n ln n."""

import numpy as np
import numpy.typing as npt

from udfs.jit import jit, jit_reordered
from udfs.periodograms.conditional_entropy.formula import count_log_count
from udfs.ragged import FloatArray

Bins = npt.NDArray[np.int32]

_count_log_count = jit(count_log_count)


def one_curve(
    elapsed: FloatArray, bins: Bins, freq: FloatArray, *, phase_bins: int, mag_bins: int
) -> FloatArray:
    """Entropy of one curve; see :mod:`udfs.periodograms.conditional_entropy`."""
    return _one_curve(elapsed, bins, freq, phase_bins, mag_bins)


@jit
def _cells(
    elapsed: FloatArray, bins: Bins, freq: float, phase_bins: int, mag_bins: int, cells: Bins
) -> None:
    last = phase_bins - 1.0
    # A loop without branches or stores to shared cells: the compiler turns it into vectors.
    for k in range(elapsed.size):
        cycles = freq * elapsed[k]
        phase = cycles - np.floor(cycles)
        column = min(np.floor(phase * phase_bins), last)
        cells[k] = np.int32(column) * np.int32(mag_bins) + bins[k]


@jit
def _sum_columns(counts: Bins, mag_bins: int, columns: Bins) -> None:
    for j in range(columns.size):
        column = np.int32(0)
        for i in range(mag_bins):
            column += counts[j * mag_bins + i]
        columns[j] = column


@jit_reordered
def _sum_of_terms(counts: Bins, term: FloatArray) -> float:
    total = 0.0
    for i in range(counts.size):
        total += term[counts[i]]
    return total


@jit
def _one_curve(
    elapsed: FloatArray, bins: Bins, freq: FloatArray, phase_bins: int, mag_bins: int
) -> FloatArray:
    n = elapsed.size
    out = np.empty(freq.size)
    cells = np.empty(n, np.int32)
    counts, columns = np.empty(phase_bins * mag_bins, np.int32), np.empty(phase_bins, np.int32)
    term = np.array([_count_log_count(i) for i in range(n + 1)])
    for f in range(freq.size):
        _cells(elapsed, bins, freq[f], phase_bins, mag_bins, cells)
        counts[:] = 0
        for k in range(n):
            counts[cells[k]] += 1
        _sum_columns(counts, mag_bins, columns)
        out[f] = (_sum_of_terms(columns, term) - _sum_of_terms(counts, term)) / n
    return out
