"""Two sets of models, such as networks and boosted trees, on the test rows that both have."""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.evaluation.two_models import ModelAgreement, model_agreement
from models.metrics import NAMES, metrics_of
from models.store import DNN, PREDICTIONS, XGB, Files, read_checked, read_manifest, split_name
from udfs.errors import ContractError

log = logging.getLogger(__name__)

_KEYS = ["label", "survey", "source_id"]


@dataclass(frozen=True)
class Compared:
    """One label, scored by two sets of models on the same light curves.

    Attributes
    ----------
    target : (n,) int8, of 0 and 1
    first, second : (n,) float32
        Scores of the two sets.
    first_metrics, second_metrics
        As ``models.metrics.NAMES``; NaN where undefined.
    """

    label: str
    target: npt.NDArray[np.int8]
    first: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    first_metrics: dict[str, float]
    second_metrics: dict[str, float]
    agreement: ModelAgreement


def networks_and_trees(names: Sequence[str]) -> list[tuple[str, str]]:
    """Each set of networks with each set of trees, of sets named as ``dnn-1a2b3c4d5e6f``."""
    of = {
        algorithm: [n for n in names if split_name(n)[0] == algorithm] for algorithm in (DNN, XGB)
    }
    return list(product(of[DNN], of[XGB]))


def compare_sets(files: Files, names: tuple[str, str], *, labels: Sequence[str]) -> list[Compared]:
    """What two stored sets say of the light curves that are in both test parts; none if none are.

    Raises
    ------
    ContractError
        If a file is missing or damaged, or the sets do not agree on an answer.
    """
    parts, thresholds = [], []
    for name in names:
        algorithm, version = split_name(name)
        manifest = read_manifest(files, algorithm, version)
        content = read_checked(
            files, algorithm, version, checksums=manifest["files"], name=PREDICTIONS
        )
        parts.append(pd.read_parquet(io.BytesIO(content)))
        thresholds.append(float(manifest["threshold"]))
    first, second = parts
    if first.merge(second, on=_KEYS, how="inner").empty:
        log.info("%s and %s have no test light curve in common: not compared", *names)
        return []
    return compare_predictions(first, second, labels=labels, threshold=thresholds[0])


def compare_predictions(
    first: pd.DataFrame, second: pd.DataFrame, *, labels: Sequence[str], threshold: float
) -> list[Compared]:
    """The labels that both sets have, on the light curves that are in both test parts.

    Parameters
    ----------
    first, second : DataFrame
        ``predictions.parquet`` of the sets: label, survey, object_id, source_id, target, score.
    labels
        The order in which they are shown.
    threshold : float
        A score above it is a yes.

    Raises
    ------
    ContractError
        If the test parts have no light curve in common, or do not agree on an answer.
    """
    both = first.merge(
        second[[*_KEYS, "target", "score"]], on=_KEYS, how="inner", suffixes=("", "_second")
    )
    if both.empty:
        raise ContractError(
            "the two sets of models have no label and test light curve in common; compare sets "
            "that were trained on the same surveys with the same seed"
        )
    differ = both[both["target"] != both["target_second"]]
    if len(differ):
        row = differ.iloc[0]
        raise ContractError(
            f"the two sets were judged by other labels: {row['label']} of {row['object_id']} is "
            f"{row['target']} in one and {row['target_second']} in the other; train them on the "
            "same table labels"
        )
    return [
        _compared(name, both[both["label"] == name], threshold)
        for name in labels
        if (both["label"] == name).any()
    ]


def _compared(label: str, rows: pd.DataFrame, threshold: float) -> Compared:
    target = rows["target"].to_numpy(np.int8)
    one, other = (rows[c].to_numpy(np.float32) for c in ("score", "score_second"))

    def metrics(score: npt.NDArray[np.float32]) -> dict[str, float]:
        found = metrics_of(target, score, threshold=threshold)[0]
        return dict(zip(NAMES, found.tolist(), strict=True))

    return Compared(
        label, target, one, other, metrics(one), metrics(other),
        model_agreement(one, other, threshold=threshold),
    )  # fmt: skip
