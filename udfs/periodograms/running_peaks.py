"""The highest local maxima of many periodograms, found while they are computed in stretches."""

from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray


class RunningPeaks:
    """The ``keep`` highest local maxima of each of ``n`` periodograms.

    A maximum is a grid point not lower than the one before it and higher than the one after it; the
    ends of the grid are none. Feed the grid in ascending order with :meth:`add`.
    """

    def __init__(self, n: int, keep: int) -> None:
        self._seen = 0
        self._before = np.empty((0, n), np.float32)
        self._value = np.full((n, keep), -np.inf)
        self._index = np.full((n, keep), -1, np.int64)
        self._lowest = np.zeros(n, np.int64)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Take in the next stretch of the grid: (n_freq, n)."""
        joined = np.concatenate([self._before, values])
        first = self._seen - len(self._before)
        _collect(joined, first, self._value, self._index, self._lowest)
        self._seen += len(values)
        self._before = joined[-2:].copy()

    def peaks(self) -> tuple[IntArray, FloatArray]:
        """Grid points and heights of the maxima, (n, keep) each, highest first.

        -1 and NaN where there are fewer maxima.
        """
        order = np.argsort(-self._value, axis=1, kind="stable")
        value = np.take_along_axis(self._value, order, axis=1)
        index = np.take_along_axis(self._index, order, axis=1)
        return index, np.where(index >= 0, value, np.nan)


@jit
def _collect(values: Any, first: int, top: Any, top_index: Any, lowest: Any) -> None:
    floor = np.array([top[s, lowest[s]] for s in range(top.shape[0])])
    for f in range(1, values.shape[0] - 1):
        better = False
        # Without a branch, the compiler turns this loop into vectors; a new peak is rare.
        for s in range(values.shape[1]):
            better |= values[f, s] > floor[s]
        if better:
            for s in range(values.shape[1]):
                here = values[f, s]
                if here > floor[s] and values[f - 1, s] <= here and here > values[f + 1, s]:
                    top[s, lowest[s]], top_index[s, lowest[s]] = here, first + f
                    lowest[s] = np.argmin(top[s])
                    floor[s] = top[s, lowest[s]]
