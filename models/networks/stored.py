"""A network as one file: its architecture and its weights. Needs no TensorFlow."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from models.networks.architecture import Architecture, weight_shapes
from udfs.errors import ContractError

FloatArray = NDArray[np.float32]


def to_bytes(architecture: Architecture, weights: Sequence[NDArray[Any]]) -> bytes:
    """The network as an ``.npz`` file; equal networks give equal bytes.

    Parameters
    ----------
    weights
        Arrays in the order of ``weight_shapes``.

    Raises
    ------
    ContractError
        If their number or a shape is not that of the architecture.
    """
    check_weights(architecture, weights)
    arrays = {
        f"{i:03d}.{name}": np.asarray(weights[i], dtype=np.float32)
        for i, (name, _) in enumerate(weight_shapes(architecture))
    }
    buffer = io.BytesIO()
    np.savez(buffer, architecture=np.array(json.dumps(asdict(architecture))), **arrays)
    return buffer.getvalue()


def from_bytes(content: bytes) -> tuple[Architecture, list[FloatArray]]:
    """The network that ``to_bytes`` wrote.

    Raises
    ------
    ContractError
        If the content is no such file.
    """
    try:
        with np.load(io.BytesIO(content)) as stored:
            architecture = Architecture(**json.loads(str(stored["architecture"])))
            names = sorted(name for name in stored.files if name != "architecture")
            weights = [stored[name] for name in names]
    except (BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError) as error:
        raise ContractError(f"not a stored network: {error}") from error
    check_weights(architecture, weights)
    return architecture, weights


def together(
    architecture: Architecture, members: Sequence[Sequence[NDArray[Any]]]
) -> tuple[Architecture, list[NDArray[Any]]]:
    """One network of several that were trained alike, given the weights of each."""
    weights = [array for member in members for array in member]
    return replace(architecture, members=len(members)), weights


def check_weights(architecture: Architecture, weights: Sequence[NDArray[Any]]) -> None:
    """Raise ContractError unless the arrays have the architecture's shapes and are finite."""
    expected = weight_shapes(architecture)
    if len(weights) != len(expected):
        raise ContractError(
            f"a network of family {architecture.family} has {len(expected)} arrays of weights, "
            f"found {len(weights)}"
        )
    for (name, shape), array in zip(expected, weights, strict=True):
        if tuple(array.shape) != shape:
            raise ContractError(f"weights {name}: shape {tuple(array.shape)}, expected {shape}")
        if not np.isfinite(array).all():
            raise ContractError(f"weights {name}: {np.count_nonzero(~np.isfinite(array))} of "
                                f"{array.size} values are not finite")  # fmt: skip
