"""Whether probabilities come true: reliability curve, calibration error, log loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 1e-6


@dataclass(frozen=True)
class Reliability:
    """Examples binned by their probability; (n_bins,) each, NaN in an empty bin.

    Attributes
    ----------
    predicted
        Mean probability in the bin.
    observed
        Share of positives in the bin.
    count
        Examples in the bin.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """Expected calibration error: |predicted - observed|, averaged over the examples.

        References
        ----------
        Naeini et al. (2015), AAAI, 2901.
        """
        if not self.count.sum():
            return float("nan")
        gap = np.nan_to_num(np.abs(self.predicted - self.observed))
        return float((gap * self.count).sum() / self.count.sum())


def reliability(
    target: NDArray[np.int8], probability: NDArray[np.floating[Any]], *, n_bins: int = 10
) -> Reliability:
    """Bins of equal width in probability.

    Parameters
    ----------
    target : (n,) int8, of 0 and 1
    probability : (n,) float, in [0, 1]
    n_bins : int
    """
    at = np.minimum((probability * n_bins).astype(np.intp), n_bins - 1)
    count = np.bincount(at, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(at, weights=probability, minlength=n_bins) / count
        observed = np.bincount(at, weights=target, minlength=n_bins) / count
    return Reliability(predicted, observed, count)


def log_losses(
    target: NDArray[np.int8], probability: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """-log of the probability given to what is true, per example, (n,) float64.

    Probabilities are kept 1e-6 from 0 and 1: a single wrong certainty costs 13.8, not infinity.
    """
    kept = np.clip(probability.astype(np.float64), _SMALLEST, 1.0 - _SMALLEST)
    return np.asarray(-np.where(target == 1, np.log(kept), np.log1p(-kept)))
