"""The losses of networks with one sigmoid per label."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.errors import ContractError

BINARY, FOCAL = "binary", "focal"
# Probabilities closer to 0 and 1 than this count as this: the logarithm stays finite.
_EDGE = 1e-7


def loss_of(name: str, gamma: float) -> Callable[[Any, Any, Any], Any]:
    """The loss of a batch of tensors (probability, target, weight), each (n, n_outputs).

    The sum over known answers is divided by the number of all answers, known or not: then the mean
    over ranks of their shares is the loss of the whole batch, whatever each share knows.
    """
    import tensorflow as tf

    if name not in (BINARY, FOCAL):
        raise ContractError(f"loss {name!r}: expected {BINARY} or {FOCAL}")

    def loss(probability: Any, target: Any, weight: Any) -> Any:
        p = tf.clip_by_value(probability, _EDGE, 1.0 - _EDGE)
        of_truth = target * p + (1.0 - target) * (1.0 - p)
        terms = -tf.math.log(of_truth)
        if name == FOCAL:
            terms *= (1.0 - of_truth) ** gamma
        return tf.reduce_mean(terms * weight)

    return loss


def total_loss(
    probability: NDArray[np.float32], target: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Sum of the weighted binary cross-entropy and sum of the weights, (2,) float64."""
    p = np.clip(probability.astype(np.float64), _EDGE, 1.0 - _EDGE)
    terms = -np.log(np.where(target > 0.5, p, 1.0 - p))
    return np.array([np.sum(terms * weight), np.sum(weight, dtype=np.float64)])
