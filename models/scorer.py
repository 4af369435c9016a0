"""Score batches of features with every label at once."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from models import xgb as xgb_model
from models.store import ModelSet

OK = "ok"
MISSING_FEATURES = "missing_features"
STATUS = "status"

_loaded: dict[str, "Scorer"] = {}


class Scorer:
    """The boosters of a model set, ready to score.

    Gaps are filled and the input is built once per batch and kind of features, not once per label.
    """

    def __init__(self, model_set: ModelSet, *, threads: int = 1) -> None:
        self._imputer = model_set.imputer
        self._features = {
            kind: tuple(names) for kind, names in model_set.manifest["features"].items()
        }
        self._kind = {name: a["kind"] for name, a in model_set.manifest["labels"].items()}
        self._boosters: dict[str, xgb.Booster] = {
            name: xgb_model.load(data, threads=threads) for name, data in model_set.models.items()
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it scores."""
        return tuple(self._boosters)

    def score(self, features: pd.DataFrame) -> pd.DataFrame:
        """One float32 column per label with its probability, and the column ``status``.

        A row without a required feature is scored by the labels that do not read that feature
        only; the other scores are NaN and its status is ``missing_features``. A row's scores do
        not depend on the other rows of the batch.

        Parameters
        ----------
        features : DataFrame
            With the features by name; others are ignored. null counts as NaN.
        """
        matrix = features[list(self._imputer.features)].to_numpy(np.float64, na_value=np.nan)
        filled = self._imputer.transform(matrix)
        scores: dict[str, NDArray[np.float32]] = {}
        ok = np.ones(len(features), dtype=bool)
        for kind in sorted(set(self._kind.values())):
            names = self._features[kind]
            complete = self._imputer.complete(filled, names)
            ok &= complete
            columns = np.array([self._imputer.features.index(name) for name in names])
            inputs = filled[complete][:, columns]
            data = xgb_model.as_input(inputs, names) if len(inputs) else None
            for label in (name for name, of in self._kind.items() if of == kind):
                scores[label] = np.full(len(features), np.nan, dtype=np.float32)
                if data is not None:
                    scores[label][complete] = xgb_model.predict(self._boosters[label], data)
        scored = pd.DataFrame({name: scores[name] for name in self.labels}, index=features.index)
        return scored.assign(**{STATUS: np.where(ok, OK, MISSING_FEATURES)})


def scorer_of(version: str, load: Callable[[], ModelSet], *, threads: int = 1) -> Scorer:
    """The scorer of a version, loaded once per process and kept.

    A Spark worker serves many tasks and batches; reading the models again for each costs more than
    scoring with them.
    """
    if version not in _loaded:
        _loaded.clear()
        _loaded[version] = Scorer(load(), threads=threads)
    return _loaded[version]
