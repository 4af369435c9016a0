"""The best grid points of many periodograms, found while they are computed stretch by stretch.

A whole grid of many sources does not fit into memory; nothing of it is kept but the best points and
the sums from which mean and scatter follow.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.jit import jit
from udfs.ragged import FloatArray, IntArray

LS, CE, AOV = 0, 1, 2
# Of the two that choose candidates, conditional entropy is better where it is lower.
_SIGN = np.array([1.0, -1.0])


class RunningBest:
    """Best points of the periodograms of ``n_lc`` sources.

    Feed it the grid in ascending order with :meth:`add`, then read :meth:`choice`.
    """

    def __init__(self, n_lc: int, top_n: int) -> None:
        self._seen = 0
        self._best = np.full((3, n_lc), -np.inf)
        self._index = np.zeros((3, n_lc), np.int64)
        self._sum = np.zeros((3, n_lc))
        self._squares = np.zeros((3, n_lc))
        # The top_n points by LS and by CE: value (higher is better), index, AOV there.
        shape = (2, n_lc, top_n)
        self._top = np.full(shape, -np.inf)
        self._top_index = np.full(shape, np.iinfo(np.int64).max)
        self._top_theta = np.full(shape, -np.inf)
        self._worst = np.zeros((2, n_lc), np.int64)

    def add(
        self,
        ls: npt.NDArray[np.floating[Any]],
        ce: npt.NDArray[np.floating[Any]],
        theta: npt.NDArray[np.floating[Any]],
    ) -> None:
        """Take in the next stretch of the grid: three arrays (n_freq, n_lc)."""
        for k, values in enumerate((ls, ce, theta)):
            sign = -1.0 if k == CE else 1.0
            _track(values, sign, self._seen, self._best[k], self._index[k],
                   self._sum[k], self._squares[k])  # fmt: skip
        for k, values in enumerate((ls, ce)):
            _keep_top(values, _SIGN[k], theta, self._seen, self._top[k], self._top_index[k],
                      self._top_theta[k], self._worst[k])  # fmt: skip
        self._seen += len(ls)

    def choice(self) -> tuple[IntArray, FloatArray]:
        """Chosen grid points and their significance, in the order of ``GRID_ALGORITHMS``.

        Returns
        -------
        index : (n_lc, 4) int64
            Best point of LS, CE and AOV, then the nested choice: of the ``top_n`` best points of LS
            and those of CE the one with the highest AOV. Of equal points the first one.
        significance : (n_lc, 4) float64
            Distance of the best value from the mean in standard deviations; for the nested choice
            the AOV statistic itself. NaN where a periodogram is not finite throughout.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sum / self._seen
            scatter = np.sqrt(np.maximum(self._squares / self._seen - mean**2, 0.0))
            sign = np.array([[1.0], [-1.0], [1.0]])
            sigmas = np.abs(sign * self._best - mean) / scatter
        theta = np.concatenate(self._top_theta, axis=1)
        points = np.concatenate(self._top_index, axis=1)
        best = theta.max(axis=1)
        nested = np.where(theta == best[:, None], points, np.iinfo(np.int64).max).min(axis=1)
        return np.vstack([self._index, nested]).T, np.vstack([sigmas, best]).T


@jit
def _track(
    values: Any, sign: float, seen: int, best: Any, index: Any, total: Any, squares: Any
) -> None:
    for f in range(values.shape[0]):
        better = False
        # Without a branch, the compiler turns this loop into vectors; a new best is rare.
        for s in range(values.shape[1]):
            value = np.float64(values[f, s])
            total[s] += value
            squares[s] += value * value
            better |= sign * value > best[s]
        if better:
            for s in range(values.shape[1]):
                value = sign * np.float64(values[f, s])
                if value > best[s]:
                    best[s], index[s] = value, seen + f


@jit
def _keep_top(
    values: Any,
    sign: float,
    theta: Any,
    seen: int,
    top: Any,
    top_index: Any,
    top_theta: Any,
    worst: Any,
) -> None:
    floor = np.array([top[s, worst[s]] for s in range(top.shape[0])])
    for f in range(values.shape[0]):
        better = False
        for s in range(values.shape[1]):
            better |= sign * np.float64(values[f, s]) > floor[s]
        if better:
            for s in range(values.shape[1]):
                value = sign * np.float64(values[f, s])
                # Strictly better: of equal points the first one stays.
                if value > floor[s]:
                    slot = worst[s]
                    top[s, slot], top_index[s, slot] = value, seen + f
                    top_theta[s, slot] = theta[f, s]
                    worst[s] = _worst_slot(top[s], top_index[s])
                    floor[s] = top[s, worst[s]]


@jit
def _worst_slot(values: Any, index: Any) -> int:
    """The lowest value; of equal ones, the last point of the grid."""
    slot = 0
    for k in range(values.size):
        behind = values[k] == values[slot] and index[k] > index[slot]
        if values[k] < values[slot] or behind:
            slot = k
    return slot
