"""One score from the scores of several models: a logistic regression on their logits."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from udfs.errors import ContractError

# A score nearer to 0 or 1 than this says no more: float32 networks round to 0 and 1.
_SMALLEST = 1e-6
# What it costs to leave the start: by a constant, and by weights. Chosen by the log loss of stacks
# fitted on two thirds of the validation parts and judged on the third (CRTS, 19 labels).
_ON_BIAS, _ON_WEIGHTS = 10.0, 100.0

# Of a label: answers (n,) int8 of 0 and 1, and scores (n, n_models) in [0, 1].
Part = tuple[NDArray[np.int8], NDArray[np.floating[Any]]]


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


def common_stack(parts: Sequence[Part]) -> Stack:
    """One stack for several labels, fitted to their validation parts together.

    Which kind of model is better, and by how much both are too sure, is much alike for all labels.
    It starts from the mean logit of the models.

    Parameters
    ----------
    parts : at least one, all with the same models

    Raises
    ------
    ContractError
        If there is no positive or no negative among them.
    """
    target = np.concatenate([part[0] for part in parts])
    scores = np.vstack([part[1] for part in parts])
    n_models = scores.shape[1]
    return fit_stack(target, scores, start=Stack(np.full(n_models, 1.0 / n_models), 0.0))


def fit_stack(
    target: NDArray[np.int8], scores: NDArray[np.floating[Any]], *, start: Stack
) -> Stack:
    """The stack of a label, fitted on a part that none of its models was fitted to.

    A logistic regression that pays a ridge for every step away from ``start``: few validation
    stars of a rare label cannot tell which model is better. Without evidence the result is the
    start, such as that of :func:`common_stack`.

    Parameters
    ----------
    target : (n,) int8, of 0 and 1
    scores : (n, n_models) float, in [0, 1]
    start : Stack

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
    inputs = np.hstack([np.ones((len(target), 1)), logits(scores)])
    ridge = np.array([_ON_BIAS, *[_ON_WEIGHTS] * scores.shape[1]])
    origin = np.array([start.bias, *start.weights])
    sign = np.where(target == 1, 1.0, -1.0)

    def loss(steps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (inputs @ (origin + steps))
        slope = -sign / (1.0 + np.exp(np.minimum(margin, 500.0)))
        value = np.logaddexp(0.0, -margin).sum() + (ridge * steps**2).sum() / 2
        return float(value), inputs.T @ slope + ridge * steps

    fitted = origin + minimize(loss, np.zeros(origin.size), jac=True, method="L-BFGS-B").x
    return Stack(fitted[1:], float(fitted[0]))
