"""One probability per label from networks and trees together, in agreement with the label trees."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.evaluation import stacking
from models.evaluation.consistency import MEAN, consistent
from models.evaluation.stacking import Stack, fit_stack
from models.taxonomy import Taxonomy
from models.toml_tables import suggestion
from udfs.errors import ContractError


@dataclass(frozen=True)
class Ensemble:
    """What turns the scores of several kinds of models into one probability per label.

    Attributes
    ----------
    kinds
        Suffixes of the columns that are combined, such as ``xgb`` and ``dnn``.
    stacks
        Label -> its stack, for the labels that all kinds score.
    projection
        How contradictions to the label trees are mended; see ``consistency``.
    """

    kinds: tuple[str, ...]
    stacks: dict[str, Stack]
    projection: str = MEAN

    def apply(self, scores: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
        """One float32 column per label, named as the label; NaN where a kind has no score.

        Parameters
        ----------
        scores : DataFrame
            With the columns ``{label}_{kind}``; others are ignored.

        Raises
        ------
        ContractError
            If one of these columns is missing.
        """
        combined = {}
        for label, stack in self.stacks.items():
            columns = [f"{label}_{kind}" for kind in self.kinds]
            for name in columns:
                if name not in scores.columns:
                    raise ContractError(
                        f"the ensemble combines column {name!r}, which the scores lack"
                        f"{suggestion(name, list(scores.columns))}; score with both kinds of models"
                    )
            combined[label] = stack.apply(scores[columns].to_numpy(np.float64))
        labels = list(combined)
        matrix = np.column_stack(list(combined.values()))
        mended = consistent(matrix, labels, taxonomy, how=self.projection)
        return pd.DataFrame(mended.astype(np.float32), columns=labels, index=scores.index)

    def to_bytes(self) -> bytes:
        """The ensemble as a JSON file."""
        described = {
            "kinds": self.kinds,
            "projection": self.projection,
            "stacks": json.loads(stacking.to_bytes(self.stacks)),
        }
        return json.dumps(described).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Ensemble":
        """The ensemble that ``to_bytes`` wrote."""
        described = json.loads(content)
        stacks = stacking.from_bytes(json.dumps(described["stacks"]).encode())
        return cls(tuple(described["kinds"]), stacks, described["projection"])


def fit_ensemble(
    targets: Mapping[str, NDArray[np.int8]],
    scores: Mapping[str, Mapping[str, NDArray[np.float32]]],
    *,
    kinds: Sequence[str],
    projection: str = MEAN,
) -> Ensemble:
    """The ensemble of the labels whose validation part has both classes.

    Parameters
    ----------
    targets
        Label -> (n,) int8 of 1, 0 and -1 (unknown), on validation rows.
    scores
        Kind -> label -> (n,) scores of the same rows.
    kinds
        Order of the kinds; all of them score every label that is combined.
    """
    stacks = {}
    for label, target in targets.items():
        if not all(label in scores[kind] for kind in kinds):
            continue
        known = target >= 0
        if len(np.unique(target[known])) == 2:
            columns = np.column_stack([scores[kind][label] for kind in kinds])
            stacks[label] = fit_stack(target[known], columns[known])
    return Ensemble(tuple(kinds), stacks, projection)
