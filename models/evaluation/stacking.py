"""One score from the scores of several models: a logistic regression on their logits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from udfs.errors import ContractError

# A score nearer to 0 or 1 than this says no more: float32 networks round to 0 and 1.
_SMALLEST = 1e-6
# Ridge on how unequal the models count against one on how much all of them count together.
_UNEQUAL = 3.0


@dataclass(frozen=True)
class Stack:
    """Probability = logistic(bias + sum of weight times logit).

    Attributes
    ----------
    weights : (n_models,) float64
    bias : float
    """

    weights: NDArray[np.float64]
    bias: float

    def apply(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Probability for (n, n_models) scores, (n,) float32; NaN where a model has no score."""
        value = logits(scores) @ self.weights + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-value)), dtype=np.float32)


def logits(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """log(p / (1 - p)), same shape, float64; p is kept 1e-6 from 0 and 1."""
    kept = np.clip(scores.astype(np.float64), _SMALLEST, 1.0 - _SMALLEST)
    return np.asarray(np.log(kept / (1.0 - kept)))


def fit_stack(target: NDArray[np.int8], scores: NDArray[np.floating[Any]]) -> Stack:
    """The stack of a label, fitted on a part that none of its models was fitted to.

    Few validation stars of a rare label cannot tell which model is better. The regression
    therefore sees the mean logit and each model's distance from it, and pays a ridge three times
    as high for the distances: without evidence all models count alike.

    Parameters
    ----------
    target : (n,) int8, of 0 and 1
    scores : (n, n_models) float, in [0, 1]

    Raises
    ------
    ContractError
        If the part lacks one of the two classes.

    References
    ----------
    Wolpert (1992), Neural Networks 5, 241. Ting & Witten (1999), JAIR 10, 271.
    """
    found = np.bincount(target, minlength=2)
    if not found[0] or not found[1]:
        raise ContractError(
            f"the validation part has {found[1]} positive and {found[0]} negative examples; "
            "stacking needs both: use more stars, or keep the better model alone"
        )
    n_models = scores.shape[1]
    value = logits(scores)
    mean = value.mean(axis=1, keepdims=True)
    inputs = np.hstack([mean, (value - mean) / np.sqrt(_UNEQUAL)])
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(inputs, target)
    common, unequal = fitted.coef_[0, 0], fitted.coef_[0, 1:] / np.sqrt(_UNEQUAL)
    # The distances sum to zero, and so do their coefficients: the ridge sees to that.
    return Stack(common / n_models + unequal, float(fitted.intercept_[0]))


def to_bytes(stacks: Mapping[str, Stack]) -> bytes:
    """The stacks of many labels as one JSON file."""
    return json.dumps(
        {name: {"weights": s.weights.tolist(), "bias": s.bias} for name, s in stacks.items()}
    ).encode()


def from_bytes(content: bytes) -> dict[str, Stack]:
    """The stacks that ``to_bytes`` wrote."""
    return {
        name: Stack(np.array(s["weights"]), float(s["bias"]))
        for name, s in json.loads(content).items()
    }
