"""Whether two models say the same of the same light curves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ModelAgreement:
    """Two models on one label.

    Attributes
    ----------
    at_threshold
        Share of the light curves on which both say yes or both say no.
    yes_at_threshold
        Of those to which either says yes, the share to which both do; None if neither ever does.
        Rare labels agree on their noes almost always: this is the part that says something.
    top
        Share that the two lists of the ``n_top`` highest scores have in common.
    n_top
        Length of the lists: the number to which the first model says yes.

    References
    ----------
    Healy et al. (2024), ApJS 272, 14, section 5.3.
    """

    at_threshold: float
    yes_at_threshold: float | None
    top: float | None
    n_top: int


def model_agreement(
    first: NDArray[np.floating[Any]],
    second: NDArray[np.floating[Any]],
    *,
    threshold: float,
    n_top: int = 0,
) -> ModelAgreement:
    """Compare the scores of two models, (n,) each; rows that one did not score are left out.

    ``n_top`` is the length of the lists; 0 for as many as the first model says yes to.
    """
    both = np.isfinite(first) & np.isfinite(second)
    one, other = first[both], second[both]
    yes, also = one > threshold, other > threshold
    either = int(np.count_nonzero(yes | also))
    n_top = min(n_top or int(yes.sum()), len(one))
    # Stable: equal scores keep the order of the rows in both lists.
    top, also_top = (np.argsort(-scores, kind="stable")[:n_top] for scores in (one, other))
    return ModelAgreement(
        at_threshold=float(np.mean(yes == also)) if len(one) else float("nan"),
        yes_at_threshold=float(np.count_nonzero(yes & also) / either) if either else None,
        top=len(np.intersect1d(top, also_top)) / n_top if n_top else None,
        n_top=n_top,
    )


def score_map(
    first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]], *, n_bins: int = 50
) -> NDArray[np.int64]:
    """Light curves per pair of scores, (n_bins, n_bins) int64: rows first, columns second model."""
    both = np.isfinite(first) & np.isfinite(second)
    counts, _, _ = np.histogram2d(first[both], second[both], bins=n_bins, range=[[0, 1], [0, 1]])
    whole: NDArray[np.int64] = counts.astype(np.int64)
    return whole
