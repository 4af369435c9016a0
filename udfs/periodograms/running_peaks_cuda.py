"""The highest local maxima of stars' periodograms, found on the GPU: only they leave it."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda

from udfs.devices import blocks_for
from udfs.periodograms.running_best_cuda import keep_top, look_through
from udfs.periodograms.running_peaks import RunningPeaks
from udfs.ragged import FloatArray, IntArray

THREADS = 64


class RunningPeaksCuda(RunningPeaks):
    """As :class:`RunningPeaks`, for periodograms on the device."""

    def __init__(self, n: int, keep: int) -> None:
        super().__init__(n, keep)
        self._device = [cuda.to_device(array) for array in (self._value, self._index)]
        self._last: Any = cuda.device_array((0, n), np.float32)

    def add(self, values: Any) -> None:
        """Take in the next stretch of the grid: (n_freq, n) float32 on the device."""
        before, n = self._last.shape
        rows = before + values.shape[0]
        if n == 0:
            return
        maxima = cuda.device_array((max(rows - 2, 0), n), np.float32)
        last = cuda.device_array((min(rows, 2), n), np.float32)
        _maxima[(rows, blocks_for(n, THREADS)), THREADS](self._last, values, maxima, last)
        if maxima.shape[0]:
            value, index = self._device
            first = self._seen - before + 1
            high, *_ = look_through(maxima, 1.0, first, n)
            keep_top(maxima, 1.0, first, high, value, index, maxima, value)
        self._seen += values.shape[0]
        self._last = last

    def peaks(self) -> tuple[IntArray, FloatArray]:
        """As :meth:`RunningPeaks.peaks`."""
        self._value, self._index = (array.copy_to_host() for array in self._device)
        return super().peaks()


def star_sums(harmonics: int, n_freq: int, n_star: int) -> Any:
    """Zeros on the device, (harmonics, n_freq, n_star) float32, for :func:`add_to_stars`."""
    return cuda.to_device(np.zeros((harmonics, n_freq, n_star), np.float32))


def add_to_stars(total: Any, reductions: Any, *, star: IntArray, factor: FloatArray) -> None:
    """Add each curve's reductions, times its factor, to its star's sum.

    Parameters
    ----------
    total : (harmonics, n_freq, n_star) float32 on the device
    reductions : (harmonics, n_freq, n_padded) float32 on the device
        The first columns are the curves.
    star : (n_lc,) int64
        Star of each curve.
    factor : (n_lc,) float64
    """
    if star.size == 0 or total.size == 0:
        return
    # One thread adds all curves of a star, in their order: no two write to one sum.
    order = np.argsort(star, kind="stable")
    stars, starts = np.unique(star[order], return_index=True)
    ends = np.append(starts[1:], star.size)
    harmonics, n_freq, _ = total.shape
    grid = (n_freq, blocks_for(stars.size, THREADS), harmonics)
    columns: list[npt.NDArray[Any]] = [order, stars, starts, ends, factor.astype(np.float32)]
    _add[grid, THREADS](total, reductions, *(cuda.to_device(column) for column in columns))


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _row_and_column() -> tuple[int, int]:
    # A grid may have 65,535 blocks at most but in its first direction: that is for the frequencies.
    return cuda.blockIdx.x, cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x


@cuda.jit  # type: ignore[untyped-decorator]
def _add(
    total: Any, reductions: Any, order: Any, stars: Any, starts: Any, ends: Any, factor: Any
) -> None:
    f, i = _row_and_column()
    k = cuda.blockIdx.z
    if i < stars.size:
        sum_ = total[k, f, stars[i]]
        for place in range(starts[i], ends[i]):
            curve = order[place]
            sum_ += reductions[k, f, curve] * factor[curve]
        total[k, f, stars[i]] = sum_


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _at(before: Any, values: Any, row: int, s: int) -> Any:
    """A row of the two, one after the other."""
    if row < before.shape[0]:
        return before[row, s]
    return values[row - before.shape[0], s]


@cuda.jit  # type: ignore[untyped-decorator]
def _maxima(before: Any, values: Any, maxima: Any, last: Any) -> None:
    """The local maxima, minus infinity elsewhere; and the rows that the next stretch needs."""
    row, s = _row_and_column()
    rows = before.shape[0] + values.shape[0]
    if s >= values.shape[1]:
        return
    here = _at(before, values, row, s)
    if row >= rows - last.shape[0]:
        last[row - (rows - last.shape[0]), s] = here
    if 0 < row < rows - 1:
        rising = _at(before, values, row - 1, s) <= here
        falling = here > _at(before, values, row + 1, s)
        maxima[row - 1, s] = here if rising and falling else -math.inf
