"""Score batches of features with all models of all sets in one pass."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from models.forest import load_forest
from models.imputation import Imputer
from models.stacks import Stacks
from models.store import IMPUTER, STACK, XGB, ModelSet
from udfs.errors import ContractError
from udfs.schemas import DMDT_SIDE

OK = "ok"
MISSING_FEATURES = "missing_features"
STATUS = "status"

Matrix = NDArray[np.float32]
# Rows of a batch -> one column per label, given the rows' filled features and images.
Predict = Callable[[Matrix, Matrix], Matrix]

_loaded: dict[str, "Scorer"] = {}


class Scorer:
    """The models of some sets, ready to score.

    Gaps are filled once per batch and imputer, not once per label or set.
    """

    def __init__(self, sets: Sequence[ModelSet], *, threads: int = 1) -> None:
        self._parts = [
            part for each in sets if each.algorithm != STACK for part in _parts_of(each, threads)
        ]
        self._stacks = Stacks(sets)
        self._imputers = {part.imputer_key: part.imputer for part in self._parts}
        names = [name for part in self._parts for name in part.outputs]
        names += self._stacks.outputs
        for name in names:
            if names.count(name) > 1:
                raise ContractError(
                    f"two of the models {', '.join(each.name for each in sets)} give {name}"
                )
        self.outputs: tuple[str, ...] = tuple(names)
        self.features: tuple[str, ...] = tuple(
            dict.fromkeys(f for imputer in self._imputers.values() for f in imputer.features)
        )
        self.reads_images: bool = any(part.reads_images for part in self._parts)

    def score(self, features: pd.DataFrame, images: Matrix | None = None) -> pd.DataFrame:
        """One float32 column ``<label>_<algorithm>`` per model, and the column ``status``.

        A row without a required feature, or without an image where a network needs one, is
        scored by the models that do not read it only; the other scores, and stacks of them, are NaN
        and its status is ``missing_features``. A row's scores do not depend on the other rows of
        the batch.

        Parameters
        ----------
        features : DataFrame
            With ``self.features`` by name; others are ignored. null counts as NaN.
        images : (n, 26, 26, 1) float32
            The dmdt images, NaN where there is none; only where ``self.reads_images``.
        """
        if images is None:
            images = np.empty((len(features), 0), dtype=np.float32)
        filled = {
            key: imputer.transform(
                features[list(imputer.features)].to_numpy(np.float64, na_value=np.nan)
            )
            for key, imputer in self._imputers.items()
        }
        has_image = np.isfinite(images).all(axis=tuple(range(1, images.ndim)))
        ok = np.ones(len(features), dtype=bool)
        scores: dict[str, Matrix] = {}
        for part in self._parts:
            rows = part.complete(filled[part.imputer_key])
            if part.reads_images:
                rows &= has_image
            ok &= rows
            found = np.full((len(features), len(part.outputs)), np.nan, dtype=np.float32)
            if len(rows) and rows.all():
                found[:] = part.predict(filled[part.imputer_key], images)
            elif rows.any():
                found[rows] = part.predict(filled[part.imputer_key][rows], images[rows])
            scores.update(zip(part.outputs, found.T, strict=True))
        self._stacks.add_to(scores)
        scored = pd.DataFrame({name: scores[name] for name in self.outputs}, index=features.index)
        return scored.assign(**{STATUS: np.where(ok, OK, MISSING_FEATURES)})


class _Part:
    """Models of a set that read the same features, and score the same rows."""

    def __init__(self, model_set: ModelSet, labels: Sequence[str], *, predict: Predict) -> None:
        self.imputer = _imputer_of(model_set)
        self.imputer_key: str = model_set.manifest["files"][IMPUTER]
        self.outputs = tuple(f"{label}_{model_set.algorithm}" for label in labels)
        self.reads_images = model_set.algorithm != XGB
        self.predict = predict
        self._features = model_set.features_of(labels[0])

    def complete(self, filled: Matrix) -> NDArray[np.bool_]:
        """Rows with all features that the models require, (n,) bool."""
        return self.imputer.complete(filled, self._features)


def _parts_of(model_set: ModelSet, threads: int) -> list[_Part]:
    """One part per kind of features."""
    told = model_set.manifest["labels"]
    make = _trees if model_set.algorithm == XGB else _networks
    parts = []
    for kind in dict.fromkeys(each["kind"] for each in told.values()):
        labels = [label for label, each in told.items() if each["kind"] == kind]
        parts.append(_Part(model_set, labels, predict=make(model_set, labels, threads)))
    return parts


def _trees(model_set: ModelSet, labels: Sequence[str], threads: int) -> Predict:
    columns = _imputer_of(model_set).features
    models = {label: model_set.model_of(label) for label in labels}
    forest = load_forest(models, columns, threads=threads)
    return lambda filled, _images: forest.predict(filled)


def _networks(model_set: ModelSet, labels: Sequence[str], threads: int) -> Predict:
    # Sets without a network do not need its runtime.
    from models.networks.runtime import Network

    columns = _columns(model_set, model_set.features_of(labels[0]))
    told = model_set.manifest["labels"]
    networks = {
        told[label]["file"]: Network.load(model_set.model_of(label), threads=threads)
        for label in labels
    }
    scaler: Any = model_set.scaler

    def predict(filled: Matrix, images: Matrix) -> Matrix:
        scaled = scaler.transform(filled) if scaler is not None else filled
        inputs = np.ascontiguousarray(scaled[:, columns])
        found = {file: network.predict(inputs, images) for file, network in networks.items()}
        return np.column_stack(
            [found[told[label]["file"]][:, int(told[label]["output"])] for label in labels]
        )

    return predict


def _columns(model_set: ModelSet, names: Sequence[str]) -> NDArray[np.intp]:
    """Where the features of some models stand in the imputer's matrix."""
    order = _imputer_of(model_set).features
    missing = [name for name in names if name not in order]
    if missing:
        raise ContractError(
            f"models {model_set.name} read {', '.join(missing[:5])}, which their imputer lacks"
        )
    return np.array([order.index(name) for name in names], dtype=np.intp)


def _imputer_of(model_set: ModelSet) -> Imputer:
    if model_set.imputer is None:
        raise ContractError(
            f"models {model_set.name} come without an imputer: they are not for the features table"
        )
    return model_set.imputer


def images_of(column: pa.Array) -> Matrix:
    """The images of an Arrow column of lists, (n, 26, 26, 1) float32.

    NaN for a null, a list of another length, or one with a null in it.
    """
    pixels = DMDT_SIDE * DMDT_SIDE
    images = np.full((len(column), pixels), np.nan, dtype=np.float32)
    usable = pa.compute.equal(pa.compute.list_value_length(column), pixels).fill_null(False)
    flat = column.filter(usable).flatten().to_numpy(zero_copy_only=False)
    images[usable.to_numpy(zero_copy_only=False)] = flat.reshape(-1, pixels)
    return images.reshape(-1, DMDT_SIDE, DMDT_SIDE, 1)


def scorer_of(key: str, load: Callable[[], Sequence[ModelSet]], *, threads: int = 1) -> Scorer:
    """The scorer of some model sets, loaded once per process and kept.

    A Spark worker serves many tasks and batches; reading the models again for each costs more than
    scoring with them.
    """
    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = Scorer(load(), threads=threads)
    return _loaded[key]
