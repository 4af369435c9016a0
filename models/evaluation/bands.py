"""One score of a star from the scores of its light curves, in all its bands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.stacking import logits


def star_scores(scores: NDArray[np.floating[Any]], star: NDArray[np.intp]) -> NDArray[np.float32]:
    """The logistic of the mean logit over the light curves of each star, (n,) float32.

    Each row gets the score of its star; rows without a score are left out of the mean, and a star
    without any has NaN.

    Parameters
    ----------
    scores : (n,) float, in [0, 1] or NaN
    star : (n,) int
        Number of the star of each row, from 0 without gaps.
    """
    known = np.isfinite(scores)
    total = np.bincount(star, np.where(known, logits(scores), 0.0))
    count = np.bincount(star, known)
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return np.asarray(1.0 / (1.0 + np.exp(-mean)), dtype=np.float32)[star]
