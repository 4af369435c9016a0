"""Candidate against production: average precision where both can be judged alike."""

import numpy as np
import pandas as pd

from models.judgement import Comparison
from models.metrics import NAMES, metrics_of
from models.registry import Model

_LIGHT_CURVE = ["survey", "object_id", "source_id"]


def compare(
    candidate: Model, current: Model, *, predicted: pd.DataFrame, before: pd.DataFrame
) -> Comparison:
    """Average precision on the light curves that both have in their test parts.

    Neither has seen those in its training. Where there are none, or none of one class, the
    stored figures are compared: of other test parts, and so a weaker argument.

    Parameters
    ----------
    predicted, before : DataFrame
        The stored predictions of the candidate's set and of the one in production; empty where
        there are none. The candidate's targets count: it knows the newer labels.
    """
    mine, others = _of_label(predicted, candidate.label), _of_label(before, current.label)
    both = mine.merge(others, on=_LIGHT_CURVE, how="inner", suffixes=("", "_before"))
    target = both["target"].to_numpy(np.int8)
    if len(np.unique(target)) < 2:
        return Comparison(candidate.average_precision, current.average_precision, 0)
    figures = [
        metrics_of(target, both[column].to_numpy(np.float32), threshold=candidate.threshold)
        for column in ("score", "score_before")
    ]
    at = NAMES.index("average_precision")
    return Comparison(float(figures[0][0, at]), float(figures[1][0, at]), len(both))


def _of_label(predictions: pd.DataFrame, label: str) -> pd.DataFrame:
    if predictions.empty:
        return pd.DataFrame(columns=[*_LIGHT_CURVE, "target", "score"])
    rows = predictions.loc[predictions["label"] == label, [*_LIGHT_CURVE, "target", "score"]]
    # Curves of one source in two filters share its number in some surveys.
    return rows.drop_duplicates(_LIGHT_CURVE)
