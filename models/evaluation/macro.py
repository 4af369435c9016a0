"""One figure for all labels: average precision, averaged, with intervals from drawn stars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.metrics import NAMES, metrics_of, star_resamples

AVERAGE_PRECISION = NAMES.index("average_precision")
_THRESHOLD = 0.7
# Resamples held in memory at a time.
_CHUNK = 50

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LabelScores:
    """What several models say of the rows of one label.

    Attributes
    ----------
    rows : (n,) int
        Numbers of the light curves in the whole set.
    target : (n,) int8, of 0 and 1
    scores
        Model -> (n,) float32, the same rows for all.
    """

    rows: NDArray[np.intp]
    target: NDArray[np.int8]
    scores: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Macro:
    """Average precision per model: ``value`` (n_models,), ``drawn`` (resamples, n_models).

    ``labels`` is (n_labels, n_models), ``labels_drawn`` (resamples, n_labels, n_models).
    """

    models: tuple[str, ...]
    value: FloatArray
    drawn: FloatArray
    labels: FloatArray
    labels_drawn: FloatArray

    def interval(self, model: str, minus: str | None = None) -> tuple[float, float]:
        """95 % interval of a model's average, or of its lead over another.

        The lead is taken resample by resample: both models face the same stars, so most of the
        scatter cancels.
        """
        drawn = self.drawn[:, self.models.index(model)]
        if minus is not None:
            drawn = drawn - self.drawn[:, self.models.index(minus)]
        low, high = np.quantile(drawn, [0.025, 0.975])
        return float(low), float(high)


def macro_average(
    labels: Sequence[LabelScores], star: NDArray[np.intp], *, resamples: int = 1000, seed: int = 42
) -> Macro:
    """Average precision of each label and model, their means over the labels, and resamples.

    Parameters
    ----------
    labels
        Every one with the same models.
    star : (n_rows,) int
        Number of the star of each light curve of the whole set, from 0 without gaps.

    Notes
    -----
    In a resample in which a label lost all its positives, its average precision does not exist;
    the mean is over the other labels.
    """
    models = tuple(labels[0].scores)
    rng = np.random.default_rng(seed)
    drawn = [
        _average_precisions(labels, star_resamples(rng, star, min(_CHUNK, resamples - start)))
        for start in range(0, resamples, _CHUNK)
    ]
    value = _average_precisions(labels, np.ones((1, len(star))))[0]
    resampled = np.concatenate(drawn) if drawn else np.empty((0, *value.shape))
    return Macro(models, value.mean(axis=0), np.nanmean(resampled, axis=1), value, resampled)


def _average_precisions(labels: Sequence[LabelScores], weight: FloatArray) -> FloatArray:
    found = [
        [
            metrics_of(of.target, scores, threshold=_THRESHOLD, weight=weight[:, of.rows])[
                :, AVERAGE_PRECISION
            ]
            for scores in of.scores.values()
        ]
        for of in labels
    ]
    return np.moveaxis(np.array(found), 2, 0)
