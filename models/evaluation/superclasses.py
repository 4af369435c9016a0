"""One class per star from the scores of independent labels, and how often it is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import star_resamples

FloatArray = NDArray[np.float64]
NAMES = ("macro precision", "macro recall", "weighted precision", "weighted recall")


@dataclass(frozen=True)
class ClassMetrics:
    """Precision and recall of each class, and their means.

    Attributes
    ----------
    classes
        In the order of ``confusion``, (n_classes, n_classes): rows true, columns predicted.
    precision, recall : (n_classes,) float64
        NaN where nothing was predicted, or nothing is of the class.
    averages : (4,) float64
        As ``NAMES``: macro, each class counts alike; weighted, by its number of light curves.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    precision: FloatArray
    recall: FloatArray
    averages: FloatArray


def highest_class(scores: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """Column of the highest score of each row, (n,) int; -1 where all are NaN."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    return np.where(np.isfinite(known).any(axis=1), known.argmax(axis=1), -1)


def class_metrics(
    true: NDArray[np.intp], predicted: NDArray[np.intp], classes: Sequence[str]
) -> ClassMetrics:
    """Metrics of predicted against true classes, (n,) numbers each; -1 predicts none of them."""
    n = len(classes)
    # A light curve without a prediction still counts against the recall of its class.
    cell = true * (n + 1) + np.where(predicted < 0, n, predicted)
    table = np.bincount(cell, minlength=n * (n + 1)).reshape(n, n + 1).astype(np.int64)
    precision, recall, averages = _averages(table[None].astype(np.float64))
    return ClassMetrics(tuple(classes), table[:, :n], precision[0], recall[0], averages[0])


def class_intervals(
    true: NDArray[np.intp],
    predicted: NDArray[np.intp],
    *,
    star: NDArray[np.intp],
    n_classes: int,
    resamples: int = 1000,
    seed: int = 42,
) -> FloatArray:
    """95 % intervals of the four averages from drawn stars, (4, 2) float64.

    ``star`` numbers the star of each row from 0 without gaps.
    """
    n = n_classes
    cell = true * (n + 1) + np.where(predicted < 0, n, predicted)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        times = star_resamples(rng, star, 1)[0]
        table = np.bincount(cell, weights=times, minlength=n * (n + 1)).astype(np.float64)
        drawn.append(_averages(table.reshape(1, n, n + 1))[2][0])
    return np.asarray(np.nanquantile(np.array(drawn), [0.025, 0.975], axis=0).T)


def _averages(table: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of (m, n, n + 1) tables: precision and recall (m, n), and the four averages (m, 4)."""
    n = table.shape[1]
    right = np.diagonal(table[:, :, :n], axis1=1, axis2=2)
    of_class = table.sum(axis=2)
    with np.errstate(invalid="ignore"):
        precision = right / table[:, :, :n].sum(axis=1)
        recall = right / of_class
    weight = of_class / of_class.sum(axis=1, keepdims=True)
    present = of_class > 0
    # A class that is never predicted has no precision; it counts as 0, not as absent.
    counted = np.where(present, np.nan_to_num(precision), np.nan)
    return (
        precision,
        recall,
        np.column_stack([
            np.nanmean(counted, axis=1),
            np.nanmean(recall, axis=1),
            np.nansum(counted * weight, axis=1),
            np.nansum(recall * weight, axis=1),
        ]),
    )  # fmt: skip
