"""From a score to a probability: a monotone step function per label, fitted and stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from udfs.errors import ContractError


@dataclass(frozen=True)
class Calibration:
    """A monotone map, linear between its points and constant outside them.

    Attributes
    ----------
    score : (k,) float64, ascending
    probability : (k,) float64, ascending, strictly within 0 and 1
    """

    score: NDArray[np.float64]
    probability: NDArray[np.float64]

    def apply(self, score: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Probability for each score, same shape, float32; NaN stays NaN."""
        return np.interp(score, self.score, self.probability).astype(np.float32)


def fit_calibration(target: NDArray[np.int8], score: NDArray[np.floating[Any]]) -> Calibration:
    """Isotonic regression of the answers on the scores of a part that the model was not fitted to.

    Where a stretch of scores saw one class only, the regression would answer 0 or 1, and one
    surprise later would cost an infinite log loss. The answers are therefore kept within
    1 / (n_positive + 2) and 1 / (n_negative + 2) of the ends (Platt's targets).

    Parameters
    ----------
    target : (n,) int8, of 0 and 1
    score : (n,) float

    Raises
    ------
    ContractError
        If the part lacks one of the two classes: no map follows from it.

    References
    ----------
    Zadrozny & Elkan (2002), KDD, 694. Platt (1999), Advances in Large Margin Classifiers, 61.
    """
    positives = int(np.count_nonzero(target == 1))
    negatives = int(np.count_nonzero(target == 0))
    if not positives or not negatives:
        raise ContractError(
            f"the validation part has {positives} positive and {negatives} negative examples; "
            "a calibration needs both: use more stars, or leave this label uncalibrated"
        )
    fitted = IsotonicRegression(
        y_min=1.0 / (negatives + 2), y_max=1.0 - 1.0 / (positives + 2), out_of_bounds="clip"
    ).fit(score, target)
    return Calibration(
        np.asarray(fitted.X_thresholds_, np.float64), np.asarray(fitted.y_thresholds_, np.float64)
    )


def to_bytes(calibrations: Mapping[str, Calibration]) -> bytes:
    """The calibrations of a model set as one JSON file: label -> points."""
    return json.dumps(
        {
            label: {"score": of.score.tolist(), "probability": of.probability.tolist()}
            for label, of in sorted(calibrations.items())
        }
    ).encode()


def from_bytes(content: bytes) -> dict[str, Calibration]:
    """The calibrations that ``to_bytes`` wrote."""
    return {
        label: Calibration(np.array(of["score"]), np.array(of["probability"]))
        for label, of in json.loads(content).items()
    }
