"""Random numbers of a training that do not depend on what ran before."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def seed_dropout(model: "keras.Model", seed: int, *, epoch: int, rank: int) -> None:
    """Set the dropout layers to the start of an epoch of a rank.

    A training taken up again at that epoch then drops the same units as one that never stopped,
    and no two ranks drop the same.
    """
    layers = [layer for layer in model.layers if hasattr(layer, "seed_generator")]
    states = np.random.SeedSequence((seed, epoch, rank)).generate_state(2 * len(layers), np.uint32)
    for layer, state in zip(layers, states.reshape(-1, 2), strict=True):
        layer.seed_generator.state.assign(state.astype(layer.seed_generator.state.dtype))
