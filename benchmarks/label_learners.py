"""What is compared on the labels: each learner scores the rows of a fold that it did not train on.

``forest``        scikit-learn's random forest on published features, gaps filled with the median
``xgb-SET``       one XGBoost model per label, as train_xgb, on a feature set
``dnn-SET``       one network per label, features and dmdt image
``multi-SET``     one network for all labels, a sigmoid each
``multi3-SET``    the mean logit of three of them from different starting points
``focal-SET``     as ``multi``, taught with the focal loss
``bands-SET``     as ``xgb``, with the features of the star's other light curves beside its own
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from label_data import Labelled
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from models import xgb
from models.imputation import fit_imputer
from models.networks.loss import BINARY, FOCAL
from models.splits import TEST, TRAIN, VALIDATION
from models.taxonomy import Taxonomy

TREES = 300
FOREST, BANDS = "forest", "bands"
SEED = 42

Scores = dict[str, NDArray[np.float32]]
Targets = Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True)
class Fold:
    """One division of the rows: answers per label (-1 unknown) and the part of each row."""

    labelled: Labelled
    targets: Targets
    part: NDArray[np.int8]
    taxonomy: Taxonomy

    def rows(self, label: str, *parts: int) -> NDArray[np.intp]:
        """Rows of these parts with an answer."""
        return np.flatnonzero(np.isin(self.part, parts) & (self.targets[label] >= 0))


Learner = Callable[[Fold], Scores]


def learner(name: str) -> Learner:
    """The learner of a name in the list at the top of this file."""
    if name == FOREST:
        return forest
    kind, _, features = name.partition("-")
    if kind == FOCAL:
        return one_network(features, n_seeds=1, loss=FOCAL)
    if kind.startswith("multi"):
        return one_network(features, n_seeds=int(kind.removeprefix("multi") or 1))
    if kind == BANDS:
        return boosted(features, other_bands=True)
    return {"xgb": boosted, "dnn": separate_networks}[kind](features)


def forest(fold: Fold) -> Scores:
    """The baseline; it needs no validation part and learns from it as well."""
    matrix = fold.labelled.published
    scores = {}
    for label, target in fold.targets.items():
        seen = fold.rows(label, TRAIN, VALIDATION)
        fitted = make_pipeline(
            SimpleImputer(strategy="median"), RandomForestClassifier(TREES, random_state=SEED)
        ).fit(matrix[seen], target[seen])
        scores[label] = _spread(fold, fitted.predict_proba(matrix[fold.part == TEST])[:, 1], TEST)
    return scores


def boosted(features: str, *, other_bands: bool = False) -> Learner:
    """XGBoost on a feature set, stopped early on the validation part."""

    def learn(fold: Fold) -> Scores:
        inputs = _Inputs(fold, features)
        others = _mean_of_others(inputs.matrix, fold.labelled.star) if other_bands else None
        held_out = np.flatnonzero(fold.part != TRAIN)
        scores = {}
        for label, target in fold.targets.items():
            matrix, names = inputs.of(label)
            if others is not None:
                matrix = np.hstack([matrix, others])
                names = (*names, *(f"others_{n}" for n in inputs.sets.ontological))
            train, validation = fold.rows(label, TRAIN), fold.rows(label, VALIDATION)
            trained = xgb.train(
                matrix[train], target[train], validation=(matrix[validation], target[validation]),
                features=names, settings=xgb.Settings(),
            )  # fmt: skip
            booster = xgb.load(trained.model)
            found = xgb.predict(booster, xgb.as_input(matrix[held_out], names))
            scores[label] = _spread(fold, found, VALIDATION, TEST)
        return scores

    return learn


def _mean_of_others(matrix: NDArray[np.float32], star: NDArray[np.intp]) -> NDArray[np.float32]:
    """Of each row the mean of the other rows of its star, (n, n_features); NaN without others."""
    total = np.zeros((int(star.max()) + 1, matrix.shape[1]))
    np.add.at(total, star, matrix)
    others = np.bincount(star)[star, None] - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total[star] - matrix) / others, dtype=np.float32)


class _Inputs:
    """The features of a fold, gaps filled from its training part."""

    def __init__(self, fold: Fold, name: str) -> None:
        self.sets = fold.labelled.sets[name]
        self._fold = fold
        features = list(fold.labelled.data.features)
        raw = fold.labelled.data.matrix[:, [features.index(n) for n in self.sets.ontological]]
        self.matrix = fit_imputer(raw[fold.part == TRAIN], self.sets).transform(raw)

    def of(self, label: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """The columns that a label reads, with their names."""
        names = self.sets.of_kind(self._fold.taxonomy.label(label).kind)
        columns = [self.sets.ontological.index(n) for n in names]
        return self.matrix[:, columns], names


def _spread(fold: Fold, found: NDArray[np.floating], *parts: int) -> NDArray[np.float32]:
    """Scores of the rows of some parts at their places among all rows; NaN elsewhere."""
    scores = np.full(len(fold.part), np.nan, dtype=np.float32)
    scores[np.isin(fold.part, parts)] = found
    return scores


def separate_networks(features: str) -> Learner:
    """One network per label."""
    from label_networks import train_and_score

    def learn(fold: Fold) -> Scores:
        inputs = _Inputs(fold, features)
        scores = {}
        for label in fold.targets:
            found = train_and_score(fold, inputs.of(label)[0], [label], seeds=[SEED])
            scores[label] = _spread(fold, found[:, 0], VALIDATION, TEST)
        return scores

    return learn


def one_network(features: str, *, n_seeds: int, loss: str = BINARY) -> Learner:
    """Networks with all labels, each of which reads all features."""
    from label_networks import train_and_score

    def learn(fold: Fold) -> Scores:
        labels = list(fold.targets)
        seeds = range(SEED, SEED + n_seeds)
        matrix = _Inputs(fold, features).matrix
        found = train_and_score(fold, matrix, labels, seeds=seeds, loss=loss)
        return {
            label: _spread(fold, found[:, i], VALIDATION, TEST) for i, label in enumerate(labels)
        }

    return learn
