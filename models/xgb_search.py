"""SCoPe's staged grid search over the parameters of the boosting."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from models.xgb import FloatMatrix, Settings

log = logging.getLogger(__name__)

FOLDS = 5
STAGES = 5
_DEPTHS, _CHILD_WEIGHTS = (3, 5, 7), (1, 3, 5)
_SHARES = (1.0, 0.8, 0.6)
_ETAS = (0.3, 0.2, 0.1, 0.05)


@dataclass(frozen=True)
class Folds:
    """A training part divided for cross-validation, all light curves of a star in one fold."""

    data: xgb.DMatrix
    target: NDArray[np.int8]
    rows: list[tuple[NDArray[np.intp], NDArray[np.intp]]]

    @classmethod
    def of(
        cls,
        matrix: FloatMatrix,
        target: NDArray[np.int8],
        *,
        groups: Sequence[str],
        seed: int,
    ) -> "Folds":
        """The folds of a training part; ``groups`` names the star of each row."""
        split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        rows = list(split.split(matrix, target, groups))
        return cls(xgb.DMatrix(matrix, label=target), target, rows)

    def auc(self, settings: Settings) -> float:
        """Highest mean AUC of the folds over the rounds.

        The folds grow tree by tree together, and stop together where their mean does: one fold
        alone would not know when to stop.
        """
        return _cross_validated_auc(self.data, self.target, settings, self.rows)


def search(
    matrix: FloatMatrix,
    target: NDArray[np.int8],
    *,
    groups: Sequence[str],
    settings: Settings,
) -> Settings:
    """The settings with the best cross-validated AUC, found stage by stage; see ``walk``.

    SCoPe's folds mix the light curves of a star; here a star is in one fold.

    Parameters
    ----------
    matrix, target : the training part, as in ``xgb.train``
    groups : n strings
        The star of each row.
    settings : Settings
        Where to start.
    """
    folds = Folds.of(matrix, target, groups=groups, seed=settings.seed)
    return walk(settings, lambda candidates: [folds.auc(each) for each in candidates])


def walk(
    start: Settings,
    judge: Callable[[list[Settings]], Sequence[float]],
    *,
    told: Callable[[int, float, Settings], None] = lambda stage, auc, best: None,
) -> Settings:
    """The best settings of five stages, each keeping the winner of the one before.

    Depth and child weight; the shares of rows and columns; the learning rate; a finer grid around
    the depth and child weight; a finer grid around the shares. Ties keep the earlier candidate.

    Parameters
    ----------
    judge
        The AUC of each candidate of a stage, wherever it is computed.
    told
        Called after each stage with its number, the best AUC so far and its settings.
    """
    best, best_auc = start, -np.inf
    for stage in range(STAGES):
        candidates = list(_candidates(best, stage))
        for candidate, auc in zip(candidates, judge(candidates), strict=True):
            if auc > best_auc:
                best, best_auc = candidate, auc
        log.debug("stage=%d auc=%.6f settings=%s", stage + 1, best_auc, best)
        told(stage + 1, best_auc, best)
    return best


def _candidates(best: Settings, stage: int) -> Iterable[Settings]:
    """The grid of one stage; computed before the stage, so that it does not move during it."""
    if stage == 0:
        return _with_trees(best, _DEPTHS, _CHILD_WEIGHTS)
    if stage == 1:
        return _with_shares(best, _SHARES, _SHARES)
    if stage == 2:
        return [replace(best, eta=eta) for eta in _ETAS]
    if stage == 3:
        return _with_trees(
            best,
            range(max(best.max_depth - 2, 3), min(best.max_depth + 2, 7)),
            range(max(best.min_child_weight - 2, 1), min(best.min_child_weight + 2, 5)),
        )
    return _with_shares(best, _around(best.subsample), _around(best.colsample_bytree))


def _with_trees(best: Settings, depths: Iterable[int], weights: Iterable[int]) -> list[Settings]:
    return [replace(best, max_depth=d, min_child_weight=w) for d, w in product(depths, weights)]


def _with_shares(best: Settings, rows: Iterable[float], columns: Iterable[float]) -> list[Settings]:
    return [replace(best, subsample=r, colsample_bytree=c) for r, c in product(rows, columns)]


def _around(share: float) -> list[float]:
    """Steps of 0.1 from share - 0.2 to below share + 0.2, within [0.6, 1.0)."""
    tenths = round(share * 10)
    return [t / 10 for t in range(max(tenths - 2, 6), min(tenths + 2, 10))]


def _cross_validated_auc(
    data: xgb.DMatrix,
    target: NDArray[np.int8],
    settings: Settings,
    folds: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> float:
    history = xgb.cv(
        settings.parameters(target),
        data,
        num_boost_round=settings.max_rounds,
        folds=folds,
        early_stopping_rounds=settings.early_stopping_rounds,
        seed=settings.seed,
    )
    return float(history["test-auc-mean"].max())
