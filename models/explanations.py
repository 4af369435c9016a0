"""Why a boosted model gives a score: the contribution of each feature to the log-odds."""

from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from models import xgb as xgb_model
from models.store import ModelSet


@dataclass(frozen=True)
class Explained:
    """Contributions of some rows.

    Attributes
    ----------
    rows : (n,) int
        Which rows of the matrix.
    contributions : (n, n_features) float32
        In the order of the model's features.
    bias, score : (n,) float32
        ``score`` is the logistic function of the bias and the sum of the contributions.
    """

    rows: NDArray[np.intp]
    contributions: NDArray[np.float32]
    bias: NDArray[np.float32]
    score: NDArray[np.float32]


class Explainer:
    """The boosters of some labels of a set.

    Contributions are Shapley values of the trees (SHAP): they add up to the log-odds exactly,
    features that no tree reads get 0, and of two features that say the same each gets a share.

    References
    ----------
    Lundberg et al. (2020), Nature Machine Intelligence 2, 56. doi:10.1038/s42256-019-0138-9
    """

    def __init__(self, model_set: ModelSet, *, threads: int = 1) -> None:
        self._set = model_set
        self._boosters = {
            label: xgb_model.load(model_set.model_of(label), threads=threads)
            for label in model_set.labels
        }

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of the matrices to be explained."""
        return self._set.imputer.features if self._set.imputer else ()

    def explain(self, matrix: NDArray[np.float64], label: str, *, above: float) -> Explained:
        """The contributions to the scores of a label that are higher than ``above``.

        Parameters
        ----------
        matrix : (n, n_features) float64
            Columns as ``self.features``, NaN for a gap. Rows without a required feature have no
            score, and so no explanation.
        """
        imputer, names = self._set.imputer, self._set.features_of(label)
        assert imputer is not None
        filled = imputer.transform(matrix)
        rows = np.flatnonzero(imputer.complete(filled, names))
        inputs = filled[:, [imputer.features.index(name) for name in names]]
        booster = self._boosters[label]
        score = self._predicted(booster, inputs[rows], names)
        rows, score = rows[score > above], score[score > above]
        shares = np.empty((0, len(names) + 1), dtype=np.float32)
        if len(rows):
            data = xgb_model.as_input(inputs[rows], names)
            shares = booster.predict(data, pred_contribs=True)
        return Explained(rows, shares[:, :-1], shares[:, -1], score)

    def _predicted(
        self, booster: xgb.Booster, inputs: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.float32]:
        if not len(inputs):
            return np.empty(0, dtype=np.float32)
        return xgb_model.predict(booster, xgb_model.as_input(inputs, names))
