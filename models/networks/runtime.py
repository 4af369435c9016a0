"""Scoring with a stored network, without TensorFlow."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.networks import convolutions
from models.networks.architecture import Architecture, weight_shapes
from models.networks.stored import from_bytes
from models.side_by_side import by_parts
from udfs.errors import ContractError

FloatArray = NDArray[np.float32]

_CONVOLUTIONS = ("conv_1", "conv_2", "conv_3", "conv_4")


class Network:
    """A network ready to score, all its layers compiled (``convolutions``).

    Scores agree with Keras but for the order of the sums in single precision. The score of a row
    does not depend on the others of its batch.

    Attributes
    ----------
    architecture
    """

    def __init__(
        self, architecture: Architecture, weights: Sequence[FloatArray], *, threads: int = 1
    ) -> None:
        self.architecture = architecture
        self._threads = threads
        names = [name for name, _ in weight_shapes(replace(architecture, members=1))]
        self._members = [
            _Member(architecture, dict(zip(names, arrays, strict=True)))
            for arrays in _batched(weights, len(names))
        ]

    @classmethod
    def load(cls, content: bytes, *, threads: int = 1) -> "Network":
        """The network of a file that ``stored.to_bytes`` wrote.

        Parameters
        ----------
        threads
            Parts of a batch that are scored side by side.

        Raises
        ------
        ContractError
            If it is no such file.
        """
        return cls(*from_bytes(content), threads=threads)

    def predict(self, features: FloatArray | None, image: FloatArray) -> FloatArray:
        """Probabilities, (n, n_outputs) float32.

        Parameters
        ----------
        features : (n, n_features) float32
            Scaled; None for a network of images only.
        image : (n, h, w, c) float32

        Raises
        ------
        ContractError
            If a shape is not that of the architecture.
        """
        self._check(features, image)

        def part(rows: slice) -> FloatArray:
            return self._predict(None if features is None else features[rows], image[rows])

        return by_parts(part, len(image), threads=self._threads)

    def _check(self, features: FloatArray | None, image: FloatArray) -> None:
        own = self.architecture
        if image.shape[1:] != own.image:
            raise ContractError(
                f"images have shape {image.shape}, the network expects (n, "
                f"{', '.join(map(str, own.image))})"
            )
        shape = None if features is None else features.shape
        if shape != ((len(image), own.n_features) if own.n_features else None):
            raise ContractError(
                f"features have shape {shape}, the network expects "
                f"{(len(image), own.n_features) if own.n_features else None}"
            )

    def _predict(self, features: FloatArray | None, image: FloatArray) -> FloatArray:
        logits = self._members[0].logits(features, image)
        for member in self._members[1:]:
            logits += member.logits(features, image)
        logits /= np.float32(len(self._members))
        # exp overflows to infinity where the probability is 0 in float32.
        with np.errstate(over="ignore"):
            probability: FloatArray = 1 / (1 + np.exp(-logits))
        return probability


class _Member:
    """One of the networks that answer together."""

    def __init__(self, architecture: Architecture, weights: dict[str, FloatArray]) -> None:
        self._architecture = architecture
        own = architecture.branches
        self._depthwise, self._kernels = [], []
        for layer, name in enumerate(_CONVOLUTIONS):
            whole = weights[f"{name}.pointwise" if own.separable else f"{name}.kernel"]
            self._kernels.append(convolutions.whole_vectors(whole))
            if own.separable:
                of_pixel = weights[f"{name}.depthwise"]
                self._depthwise.append(
                    convolutions.wide_depthwise(of_pixel, own.image[0])
                    if layer == 0
                    else of_pixel.ravel()
                )
        self._biases = [weights[f"{name}.bias"] for name in _CONVOLUTIONS]
        self._dense_weights = {
            name.removesuffix(".kernel"): (
                convolutions.whole_vectors(kernel),
                convolutions.whole_vectors(weights[name.replace("kernel", "bias")]),
            )
            for name, kernel in weights.items()
            if name.endswith(".kernel") and kernel.ndim == 2
        }
        head_inputs = weights["head.kernel"].shape[0]
        self._image_outputs = head_inputs - (own.feature_units[-1] if own.feature_units else 0)

    def logits(self, features: FloatArray | None, image: FloatArray) -> FloatArray:
        """Log odds, (n, n_outputs) float32."""
        own = self._architecture
        joined = np.empty((len(image), self._image_outputs), dtype=np.float32)
        convolutions.image_branch(
            np.ascontiguousarray(image, dtype=np.float32),
            own.branches.separable,
            tuple(self._depthwise) or tuple(self._kernels),
            tuple(self._kernels), tuple(self._biases), own.branches.pools, joined,
        )  # fmt: skip
        if features is not None:
            branch = np.ascontiguousarray(features, dtype=np.float32)
            for i, units in enumerate(own.branches.feature_units):
                branch = self._dense(branch, f"features_{i + 1}", units)
            joined = np.concatenate([branch, joined], axis=1)
        head = self._dense(joined, "head", own.head)
        return self._dense(head, "output", own.n_outputs, floor=convolutions.LINEAR)

    def _dense(
        self,
        inputs: FloatArray,
        name: str,
        units: int,
        *,
        floor: FloatArray = convolutions.RELU,
    ) -> FloatArray:
        outputs = np.empty((len(inputs), units), dtype=np.float32)
        convolutions.dense(inputs, *self._dense_weights[name], floor, outputs)
        return outputs


def _batched(weights: Sequence[FloatArray], size: int) -> list[Sequence[FloatArray]]:
    return [weights[start : start + size] for start in range(0, len(weights), size)]
