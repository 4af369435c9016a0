"""Scores of a network by Keras itself, as in training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.networks.architecture import Architecture, build, ordered_variables

FloatArray = NDArray[np.float32]


def scores_of(
    architecture: Architecture,
    weights: Sequence[FloatArray],
    features: FloatArray | None,
    image: FloatArray,
    *,
    rows: NDArray[np.intp],
    batch: int = 2048,
) -> FloatArray:
    """Probabilities of some rows, (len(rows), n_outputs) float32.

    Parameters
    ----------
    features : (n, n_features) float32; None for a network of images
    image : (n, h, w, c) float32
    """
    model = build(architecture)
    for variable, value in zip(ordered_variables(model, architecture), weights, strict=True):
        variable.assign(value)
    found = [np.empty((0, architecture.n_outputs), np.float32)]
    for start in range(0, len(rows), batch):
        chosen = rows[start : start + batch]
        inputs = [image[chosen]] if features is None else [features[chosen], image[chosen]]
        found.append(model(inputs, training=False).numpy())
    return np.concatenate(found)
