"""One score from the scores of several models: a logistic regression on their logits."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from udfs.errors import ContractError

# A score nearer to 0 or 1 than this says no more: float32 networks round to 0 and 1.
_SMALLEST = 1e-6
# What it costs to leave the mean logit: by a constant, and by weights. Chosen by the log loss of
# stacks fitted on two thirds of the validation parts and judged on the third (CRTS, 19 labels).
_ON_BIAS, _ON_WEIGHTS = 10.0, 100.0


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

    def to_bytes(self) -> bytes:
        """The stack as a JSON file."""
        return json.dumps({"weights": self.weights.tolist(), "bias": self.bias}).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Stack":
        """The stack that ``to_bytes`` wrote."""
        told = json.loads(content)
        return cls(np.array(told["weights"], dtype=np.float64), float(told["bias"]))


def logits(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """log(p / (1 - p)), same shape, float64; p is kept 1e-6 from 0 and 1."""
    kept = np.clip(scores.astype(np.float64), _SMALLEST, 1.0 - _SMALLEST)
    return np.asarray(np.log(kept / (1.0 - kept)))


def fit_stack(target: NDArray[np.int8], scores: NDArray[np.floating[Any]]) -> Stack:
    """The stack of a label, fitted on a part that none of its models was fitted to.

    A logistic regression that starts from the mean logit of the models and pays a ridge for every
    step away from it. Few validation stars of a rare label cannot tell which model is better, or
    by how much both are too sure: without evidence the result is the mean.

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
    inputs = np.hstack([np.ones((len(target), 1)), logits(scores)])
    ridge = np.array([_ON_BIAS, *[_ON_WEIGHTS] * n_models])
    start = np.array([0.0, *[1.0 / n_models] * n_models])
    sign = np.where(target == 1, 1.0, -1.0)

    def loss(steps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (inputs @ (start + steps))
        slope = -sign / (1.0 + np.exp(np.minimum(margin, 500.0)))
        value = np.logaddexp(0.0, -margin).sum() + (ridge * steps**2).sum() / 2
        return float(value), inputs.T @ slope + ridge * steps

    steps = minimize(loss, np.zeros(n_models + 1), jac=True, method="L-BFGS-B").x
    return Stack(start[1:] + steps[1:], float(steps[0]))
