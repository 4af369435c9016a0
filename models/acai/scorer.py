"""Score batches of alerts with all their networks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.acai.inputs import network_inputs
from models.networks.runtime import Network
from models.store import ModelSet
from udfs.alerts.metadata import FEATURES, complete
from udfs.errors import ContractError

Scores = NDArray[np.float32]


class AlertScorer:
    """The networks of some model sets, ready to score."""

    def __init__(self, model_sets: Sequence[ModelSet], *, threads: int = 1) -> None:
        self._networks: dict[str, Network] = {}
        self._sets: dict[str, ModelSet] = {}
        self._outputs: dict[str, int] = {}
        for model_set in model_sets:
            files = {
                name: Network.load(content, threads=threads)
                for name, content in model_set.files.items()
            }
            for label in model_set.labels:
                told = model_set.manifest["labels"][label]
                network = files[told["file"]]
                _check(model_set, label, network)
                self._networks[label] = network
                self._outputs[label] = int(told["output"])
                self._sets[label] = model_set

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it scores."""
        return tuple(self._networks)

    @property
    def model_version(self) -> str:
        """The sets that score, sorted, joined by commas."""
        return ",".join(sorted({model_set.name for model_set in self._sets.values()}))

    def score(
        self, features: NDArray[np.float32], images: NDArray[np.float32]
    ) -> dict[str, Scores]:
        """Label -> (n,) float32: the probability, NaN where the alert cannot be scored.

        Parameters
        ----------
        features : (n, 25) float32
            As ``feature_matrix`` gives them; a row with a gap is scored by braai only.
        images : (n, 63, 63, 3) float32
            As ``read_triplets`` gives them; all zeros for an alert without whole stamps.
        """
        pictured = images.any(axis=(1, 2, 3))
        told = pictured & complete(features)
        # Usually all: six copies of the images would cost as much as a network.
        chosen = {
            reads: images if rows.all() else images[rows]
            for reads, rows in ((True, told), (False, pictured))
        }
        inputs: dict[str, NDArray[np.float32]] = {}
        found: dict[str, NDArray[np.float32]] = {}
        scores = {}
        for label, network in self._networks.items():
            reads = bool(network.architecture.n_features)
            rows = told if reads else pictured
            name = self._sets[label].name
            if reads and name not in inputs:
                inputs[name] = network_inputs(features[rows], self._sets[label].scaler)
            key = f"{name}/{self._sets[label].manifest['labels'][label]['file']}"
            if key not in found:
                found[key] = network.predict(inputs[name] if reads else None, chosen[reads])
            scores[label] = np.full(len(images), np.nan, dtype=np.float32)
            scores[label][rows] = found[key][:, self._outputs[label]]
        return scores


def _check(model_set: ModelSet, label: str, network: Network) -> None:
    expected = FEATURES if network.architecture.n_features else ()
    if model_set.features_of(label) != expected:
        raise ContractError(
            f"model {label} of {model_set.name} reads {len(model_set.features_of(label))} features "
            f"in another order than an alert has them; expected {', '.join(FEATURES[:3])}, ..."
        )
