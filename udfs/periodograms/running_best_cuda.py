"""The best grid points of many periodograms, found on the GPU: only they leave it."""

import math
from typing import Any

import numpy as np
from numba import cuda, float64, int64

from udfs.devices import blocks_for
from udfs.periodograms.running_best import CE, RunningBest

# Frequencies of a chunk: a thread looks through one, and where its best is good enough for the list
# of the best points, that many threads read it again.
CHUNK = 64
THREADS = 64


class RunningBestCuda(RunningBest):
    """As :class:`RunningBest`, for periodograms on the device with columns beyond the sources."""

    def __init__(self, n_lc: int, top_n: int) -> None:
        super().__init__(n_lc, top_n)
        on_device = (self._best, self._index, self._sum, self._squares,
                     self._top, self._top_index, self._top_theta)  # fmt: skip
        self._device = [cuda.to_device(array) for array in on_device]

    def add(self, ls: Any, ce: Any, theta: Any) -> None:
        """Take in the next stretch of the grid: three arrays (n_freq, n_padded) on the device."""
        best, index, total, squares, top, top_index, top_theta = self._device
        n = best.shape[1]
        if n == 0:
            return
        for k, values in enumerate((ls, ce, theta)):
            sign = -1.0 if k == CE else 1.0
            high, *sums = look_through(values, sign, self._seen, n)
            merge = _merge[blocks_for(n, THREADS), THREADS]
            merge(high, *sums, best[k], index[k], total[k], squares[k])
            if k < top.shape[0]:
                lists = top[k], top_index[k]
                keep_top(values, sign, self._seen, high, *lists, theta, top_theta[k])
        self._seen += ls.shape[0]

    def choice(self) -> tuple[Any, Any]:
        """As :meth:`RunningBest.choice`."""
        (self._best, self._index, self._sum, self._squares,
         self._top, self._top_index, self._top_theta) = (
            array.copy_to_host() for array in self._device
        )  # fmt: skip
        return super().choice()


def look_through(values: Any, sign: float, seen: int, n: int) -> tuple[Any, Any, Any, Any]:
    """Best value of each chunk of the grid in the first ``n`` columns, and what else it tells.

    Parameters
    ----------
    values : (n_freq, n_padded) float32 on the device
    sign : float
        1 where higher is better, else -1.
    seen : int
        Grid points before these.
    n : int

    Returns
    -------
    high, total, squares : (n_chunks, n) float64 on the device
        Best value times the sign, sum, sum of squares.
    where : (n_chunks, n) int64 on the device
        Grid point of the best value: of equal ones the first.
    """
    shape = (blocks_for(values.shape[0], CHUNK), n)
    high, total, squares = (cuda.device_array(shape, np.float64) for _ in range(3))
    where = cuda.device_array(shape, np.int64)
    launch = _look_through[(blocks_for(n, THREADS), shape[0]), THREADS]
    launch(values, sign, CHUNK, seen, high, total, squares, where)
    return high, total, squares, where


def keep_top(
    values: Any, sign: float, seen: int, high: Any, top: Any, index: Any, beside: Any, kept: Any
) -> None:
    """Keep lists of the best points of each source up to date.

    Parameters
    ----------
    values, beside : (n_freq, n_padded) float32 on the device
        Of a point in the list, the value of ``beside`` is kept too.
    sign : float
        1 where higher is better, else -1.
    seen : int
        Grid points before these.
    high : (n_chunks, n) float64 on the device
        From :func:`look_through`.
    top, index, kept : (n, length) float64, int64, float64 on the device
    """
    shared = 8 * (2 * CHUNK + 2)
    _keep_top[high.shape[1], CHUNK, 0, shared](values, sign, beside, seen, high, top, index, kept)


@cuda.jit  # type: ignore[untyped-decorator]
def _look_through(
    values: Any, sign: float, length: int, seen: int,
    best: Any, total: Any, squares: Any, where: Any,
) -> None:  # fmt: skip
    s, chunk = cuda.grid(1), cuda.blockIdx.y
    if s >= best.shape[1]:
        return
    high, index = -math.inf, int64(0)
    sum_, sum_of_squares = 0.0, 0.0
    for f in range(chunk * length, min((chunk + 1) * length, values.shape[0])):
        value = float64(values[f, s])
        sum_ += value
        sum_of_squares += value * value
        # Strictly better: of equal points the first one stays.
        if sign * value > high:
            high, index = sign * value, int64(seen + f)
    best[chunk, s], where[chunk, s] = high, index
    total[chunk, s], squares[chunk, s] = sum_, sum_of_squares


@cuda.jit  # type: ignore[untyped-decorator]
def _merge(
    high: Any, sum_: Any, sum_of_squares: Any, where: Any,
    best: Any, index: Any, total: Any, squares: Any,
) -> None:  # fmt: skip
    s = cuda.grid(1)
    if s >= best.size:
        return
    for chunk in range(high.shape[0]):
        total[s] += sum_[chunk, s]
        squares[s] += sum_of_squares[chunk, s]
        if high[chunk, s] > best[s]:
            best[s], index[s] = high[chunk, s], where[chunk, s]


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _find_worst(top: Any, top_index: Any, s: int, out: Any, at: int) -> None:
    """Lowest value of the list and its slot: of equal ones the last grid point."""
    slot = 0
    for k in range(1, top.shape[1]):
        behind = top[s, k] == top[s, slot] and top_index[s, k] > top_index[s, slot]
        if top[s, k] < top[s, slot] or behind:
            slot = k
    out[at], out[at + 1] = top[s, slot], slot


@cuda.jit  # type: ignore[untyped-decorator]
def _keep_top(
    values: Any, sign: float, beside: Any, seen: int, high: Any,
    top: Any, top_index: Any, kept: Any,
) -> None:  # fmt: skip
    """A block of threads per source: they read, the first one keeps the list."""
    s, lane, width = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    # The chunks' best values, a chunk's values, and the lowest value of the list with its slot.
    shared = cuda.shared.array(0, float64)
    chunks = high.shape[0]
    if lane == 0:
        _find_worst(top, top_index, s, shared, 2 * width)
    for group in range(0, chunks, width):
        cuda.syncthreads()
        if group + lane < chunks:
            shared[lane] = high[group + lane, s]
        cuda.syncthreads()
        for chunk in range(group, min(group + width, chunks)):
            if shared[chunk - group] > shared[2 * width]:
                f = chunk * width + lane
                shared[width + lane] = sign * values[f, s] if f < values.shape[0] else -math.inf
                cuda.syncthreads()
                if lane == 0:
                    for k in range(width):
                        if shared[width + k] > shared[2 * width]:
                            slot = int64(shared[2 * width + 1])
                            top[s, slot] = shared[width + k]
                            top_index[s, slot] = seen + chunk * width + k
                            kept[s, slot] = beside[chunk * width + k, s]
                            _find_worst(top, top_index, s, shared, 2 * width)
                cuda.syncthreads()
