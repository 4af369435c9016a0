"""One binary XGBoost model: train and predict."""

from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """Parameters of the boosting.

    The defaults learn slowly and wait long before they stop: with few examples of a label, SCoPe's
    start point (``SCOPE_START``) often stops after a handful of trees.

    Attributes
    ----------
    stop_by : {"logloss", "auc"}
        Figure of the validation part that has to improve within ``early_stopping_rounds``. AUC
        saturates on easy labels, and then stops too early.
    weigh_classes
        Weigh the positives by n_negative / n_positive (XGBoost's ``scale_pos_weight``).
    rounds_unvalidated
        Number of trees where the validation part lacks one of the two classes, so that there is
        no AUC to stop by.
    threads
        Threads of one training.
    """

    max_depth: int = 5
    min_child_weight: int = 1
    eta: float = 0.05
    subsample: float = 0.6
    colsample_bytree: float = 0.6
    max_rounds: int = 999
    early_stopping_rounds: int = 50
    stop_by: str = "logloss"
    rounds_unvalidated: int = 100
    weigh_classes: bool = False
    seed: int = 42
    threads: int = 1
    device: str = "cpu"

    def parameters(self, target: NDArray[np.int8]) -> dict[str, object]:
        """XGBoost's own names for them."""
        return {
            "objective": "binary:logistic",
            # XGBoost stops by the last one named.
            "eval_metric": ["auc"] if self.stop_by == "auc" else ["auc", self.stop_by],
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "eta": self.eta,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "seed": self.seed,
            "nthread": self.threads,
            "device": self.device,
            "tree_method": "hist",
            "scale_pos_weight": class_weight(target) if self.weigh_classes else 1.0,
        }


SCOPE_START = Settings(max_depth=3, eta=0.3, early_stopping_rounds=10, stop_by="auc")


@dataclass(frozen=True)
class Trained:
    """A model and how it came about.

    ``importances`` has, per feature that the trees use, the mean gain of its splits and their
    number ("weight").
    """

    model: bytes
    rounds: int
    stopped_early: bool
    validation_auc: float | None
    importances: dict[str, dict[str, float]]
    settings: Settings


def train(
    matrix: FloatMatrix,
    target: NDArray[np.int8],
    *,
    validation: tuple[FloatMatrix, NDArray[np.int8]],
    features: tuple[str, ...],
    settings: Settings,
) -> Trained:
    """A model for one label, stopped where the validation part no longer gets better.

    SCoPe trains a second time with the best number of rounds; the first trees of the first
    training are those same trees, so the booster is cut there instead. The result depends on the
    arguments alone: the same data give the same bytes.

    Parameters
    ----------
    matrix : (n, n_features) float32
        NaN is a missing value.
    target : (n,) int8, of 0 and 1
    validation : matrix and target of the validation part
    features : names of the columns
    settings : Settings
    """
    names = list(features)
    parameters = settings.parameters(target)
    data = xgb.DMatrix(matrix, label=target, feature_names=names)
    judged = len(np.unique(validation[1])) == 2
    if judged:
        held_out = xgb.DMatrix(validation[0], label=validation[1], feature_names=names)
        history: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            parameters,
            data,
            num_boost_round=settings.max_rounds,
            evals_result=history,
            evals=[(held_out, "validation")],
            early_stopping_rounds=settings.early_stopping_rounds,
            verbose_eval=False,
        )
        rounds = booster.best_iteration + 1
        auc = float(history["validation"]["auc"][booster.best_iteration])
        booster = booster[:rounds]
    else:
        rounds, auc = settings.rounds_unvalidated, None
        booster = xgb.train(parameters, data, num_boost_round=rounds)
    return Trained(
        model=bytes(booster.save_raw("ubj")),
        rounds=rounds,
        stopped_early=judged and rounds < settings.max_rounds,
        validation_auc=auc,
        importances=importances(booster),
        settings=settings,
    )


def load(model: bytes, *, threads: int = 1) -> xgb.Booster:
    """The booster of a stored model."""
    return xgb.Booster({"nthread": threads}, model_file=bytearray(model))


def predict(booster: xgb.Booster, data: xgb.DMatrix) -> NDArray[np.float32]:
    """Probability of the label for each row, (n,) float32."""
    scores: NDArray[np.float32] = booster.predict(data)
    return scores


def as_input(matrix: FloatMatrix, features: tuple[str, ...]) -> xgb.DMatrix:
    """A matrix in XGBoost's own form, built once and scored by many models."""
    return xgb.DMatrix(matrix, feature_names=list(features))


def importances(booster: xgb.Booster) -> dict[str, dict[str, float]]:
    """Feature -> gain and weight."""
    gain = booster.get_score(importance_type="gain")
    weight = booster.get_score(importance_type="weight")
    return {name: {"gain": gain[name], "weight": weight[name]} for name in sorted(gain)}


def class_weight(target: NDArray[np.int8]) -> float:
    """Weight of a positive that makes both classes weigh the same; 1 if one class is absent."""
    positives = int(np.count_nonzero(target == 1))
    negatives = int(np.count_nonzero(target == 0))
    return negatives / positives if positives and negatives else 1.0
