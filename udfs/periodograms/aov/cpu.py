"""AOV with one pass over the epochs: counts and sums per bin of the centred magnitudes."""

import numpy as np
import numpy.typing as npt

from udfs.jit import jit, jit_reordered
from udfs.periodograms.aov.formula import theta_from_squares
from udfs.ragged import FloatArray

Bins = npt.NDArray[np.int32]

_theta = jit(theta_from_squares)


def one_curve(
    elapsed: FloatArray, scaled: FloatArray, freq: FloatArray, *, phase_bins: int
) -> FloatArray:
    """Theta of one curve; see :mod:`udfs.periodograms.aov`."""
    return _one_curve(elapsed, scaled - np.mean(scaled), freq, phase_bins)


@jit
def _columns(elapsed: FloatArray, freq: float, phase_bins: int, columns: Bins) -> None:
    last = phase_bins - 1.0
    # A loop without branches or stores to shared cells: the compiler turns it into vectors.
    for k in range(elapsed.size):
        cycles = freq * elapsed[k]
        phase = cycles - np.floor(cycles)
        columns[k] = np.int32(min(np.floor(phase * phase_bins), last))


@jit_reordered
def _between(count: FloatArray, total: FloatArray) -> float:
    squares = 0.0
    for b in range(count.size):
        # An empty bin has total 0 and adds nothing.
        squares += total[b] * total[b] / max(count[b], 1.0)
    return squares


@jit
def _one_curve(
    elapsed: FloatArray, centred: FloatArray, freq: FloatArray, phase_bins: int
) -> FloatArray:
    n = elapsed.size
    out = np.empty(freq.size)
    columns = np.empty(n, np.int32)
    count, total = np.zeros(phase_bins), np.zeros(phase_bins)
    squares = np.sum(centred * centred)
    for f in range(freq.size):
        _columns(elapsed, freq[f], phase_bins, columns)
        count[:] = 0.0
        total[:] = 0.0
        for k in range(n):
            count[columns[k]] += 1.0
            total[columns[k]] += centred[k]
        out[f] = _theta(n, phase_bins, _between(count, total), squares)
    return out
