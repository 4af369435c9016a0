"""What a training runs in TensorFlow's compiled form: one step, and the answers of a network."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from models.networks.ranks import Ranks

if TYPE_CHECKING:
    import keras


def compiled_step(
    model: "keras.Model",
    optimizer: "keras.optimizers.Optimizer",
    loss: Callable[[Any, Any, Any], Any],
    ranks: Ranks,
) -> Callable[..., Any]:
    """One step on one batch: forward, backward, mean over the ranks, update; gives the loss."""
    import tensorflow as tf

    variables = model.trainable_variables
    sizes = [int(np.prod(variable.shape)) for variable in variables]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(inputs: Any, target: Any, weight: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(model(inputs, training=True), target, weight)
        gradients = tape.gradient(value, variables)
        # One message per step, not one per array.
        flat = tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0)
        parts = tf.split(ranks.average_gradient(flat), sizes)
        optimizer.apply(
            [tf.reshape(part, v.shape) for part, v in zip(parts, variables, strict=True)],
            variables,
        )
        return value

    compiled: Callable[..., Any] = step
    return compiled


def compiled_answer(model: "keras.Model") -> Callable[..., Any]:
    """The probabilities of a batch: layer by layer, Keras takes longer than the layers."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def answer(inputs: Any) -> Any:
        return model(inputs, training=False)

    compiled: Callable[..., Any] = answer
    return compiled
