"""The metrics of a label among bright and faint, well and rarely observed light curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import label_metrics


@dataclass(frozen=True)
class GroupMetrics:
    """Metrics of the light curves with low <= value < high; the last group includes ``high``."""

    low: float
    high: float
    metrics: dict[str, float | int | list[float] | None]


def quantile_edges(value: NDArray[np.floating[Any]], n_groups: int) -> NDArray[np.float64]:
    """Edges of groups of equal size, (n_groups + 1,) or fewer where many values are equal."""
    finite = value[np.isfinite(value)].astype(np.float64)
    edges: NDArray[np.float64] = np.unique(np.quantile(finite, np.linspace(0.0, 1.0, n_groups + 1)))
    return edges


def metrics_by_group(
    target: NDArray[np.int8],
    score: NDArray[np.float32],
    value: NDArray[np.floating[Any]],
    *,
    edges: Sequence[float] | NDArray[np.float64],
    stars: Sequence[str],
    threshold: float,
    resamples: int = 1000,
) -> list[GroupMetrics]:
    """``label_metrics`` per group of a property such as magnitude or number of epochs.

    Parameters
    ----------
    target, score : (n,)
    value : (n,) float
        The property; light curves where it is NaN or outside the edges are in no group.
    edges : ascending, one more than groups
    stars : n strings
    """
    # The last edge belongs to the last group, so that the maximum is not lost.
    group = np.searchsorted(edges, value, side="right") - 1
    group[value == edges[-1]] = len(edges) - 2
    group[~np.isfinite(value)] = -1
    names = np.asarray(stars, dtype=str)
    found = []
    for number in range(len(edges) - 1):
        rows = np.flatnonzero(group == number)
        metrics = label_metrics(
            target[rows],
            score[rows],
            stars=names[rows].tolist(),
            threshold=threshold,
            resamples=resamples,
        )
        found.append(GroupMetrics(float(edges[number]), float(edges[number + 1]), metrics))
    return found
