"""The smoke prediction: a model loads, and scores as it did when it was trained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from models.scorer import Scorer, images_of
from models.store import OF_LIGHT_CURVES, ModelSet
from udfs.schemas import DMDT_SIDE, FEATURES

ROWS = 20
# Single precision, and other libraries than in the training.
TOLERANCE = 1e-4
_LIGHT_CURVE = ["survey", "object_id", "source_id"]


@dataclass(frozen=True)
class Sample:
    """Rows of the test part, with the features and images that the training read."""

    rows: pd.DataFrame
    images: NDArray[np.float32]


def smoke_test(
    model_set: ModelSet,
    sample: Sample | None,
    predictions: pd.DataFrame,
    *,
    combined: Sequence[ModelSet] = (),
) -> dict[str, str]:
    """Score a few rows with all models of a set; label -> what is wrong with its scores.

    Rows of the test part must get the scores that the training stored; without them, made-up rows
    must get probabilities.

    Parameters
    ----------
    predictions : as stored with the set
    combined : the models whose scores the set combines, if it is one of stacks

    Raises
    ------
    ValueError
        If a model cannot be loaded.
    """
    if model_set.algorithm not in OF_LIGHT_CURVES:
        return _test_alert_networks(model_set)
    scorer = Scorer([*combined, model_set])
    rows = sample or _made_up_rows(scorer.features)
    scores = scorer.score(rows.rows, rows.images if scorer.reads_images else None)
    wrong = {}
    for label in model_set.labels:
        found = scores[f"{label}_{model_set.algorithm}"].to_numpy(np.float64)
        if sample is None:
            wrong[label] = _improbable(found)
        else:
            scored = rows.rows[_LIGHT_CURVE].assign(found=found)
            wrong[label] = _unlike(scored, predictions[predictions["label"] == label])
    return {label: f"smoke prediction: {why}" for label, why in wrong.items() if why}


def sample_of(
    warehouse: Warehouse,
    features: Iterable[str],
    *,
    version: int | None,
    predictions: pd.DataFrame,
) -> Sample | None:
    """Some light curves of the test part, with the features that the training read.

    Parameters
    ----------
    features : columns of the features table
    version : of the features table; None if the training did not read it

    Returns
    -------
    None if the features are not at hand: Delta forgets old versions after VACUUM.
    """
    if version is None or predictions.empty:
        return None
    chosen = predictions.groupby("label", observed=True).head(ROWS)
    columns = [*_LIGHT_CURVE, "dmdt", *features]
    try:
        found = (
            warehouse.spark.read.format("delta")
            .option("versionAsOf", version)
            .load(warehouse.path(FEATURES))
            .where(F.col("survey").isin(sorted(set(chosen["survey"]))))
            .where(F.col("source_id").isin(sorted({int(i) for i in chosen["source_id"]})))
            .select(*columns)
            .toArrow()
        )
    except PySparkException:
        return None
    rows = found.drop_columns(["dmdt"]).to_pandas()
    # Curves of one source in two filters share its number in some surveys: which is which?
    unique = ~rows.duplicated(_LIGHT_CURVE, keep=False)
    if not unique.any():
        return None
    images = images_of(found.column("dmdt").combine_chunks())
    return Sample(rows[unique].reset_index(drop=True), images[unique.to_numpy()])


def _made_up_rows(features: Sequence[str]) -> Sample:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(ROWS, len(features))), columns=list(features))
    pixels = rng.uniform(0, 0.2, size=(ROWS, DMDT_SIDE, DMDT_SIDE, 1))
    return Sample(rows, pixels.astype(np.float32))


def _test_alert_networks(model_set: ModelSet) -> dict[str, str]:
    """Networks for alerts: their features and images are in no table of features."""
    from models.networks.runtime import Network
    from models.networks.stored import from_bytes

    rng = np.random.default_rng(1)
    wrong = {}
    for label in model_set.labels:
        content = model_set.model_of(label)
        architecture, _ = from_bytes(content)
        images = rng.normal(size=(ROWS, *architecture.image)).astype(np.float32)
        features = rng.normal(size=(ROWS, architecture.n_features)).astype(np.float32)
        found = Network.load(content, threads=1).predict(
            features if architecture.n_features else None, images
        )
        output = int(model_set.manifest["labels"][label]["output"])
        wrong[label] = _improbable(found[:, output].astype(np.float64))
    return {label: f"smoke prediction: {why}" for label, why in wrong.items() if why}


def _improbable(scores: NDArray[np.float64]) -> str | None:
    """What is wrong with scores that should be probabilities."""
    wrong = scores[~((scores >= 0) & (scores <= 1))]
    if not len(wrong):
        return None
    return f"{len(wrong)} of {len(scores)} scores are no probabilities, the first {wrong[0]:g}"


def _unlike(scored: pd.DataFrame, stored: pd.DataFrame) -> str | None:
    """What is wrong with scores that should be the stored ones."""
    both = scored.merge(stored[[*_LIGHT_CURVE, "score"]], on=_LIGHT_CURVE, how="inner")
    if both.empty:
        return _improbable(scored["found"].dropna().to_numpy())
    # A score that is missing now is as wrong as can be.
    apart = (both["found"] - both["score"]).abs().fillna(np.inf).to_numpy()
    if apart.max() <= TOLERANCE:
        return None
    worst = both.iloc[int(np.argmax(apart))]
    return (
        f"{worst['object_id']} scores {worst['found']:.4f}, in the training it was "
        f"{worst['score']:.4f} ({len(both)} rows compared)"
    )
