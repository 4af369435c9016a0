"""Features and labels side by side, as arrays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.feature_sets import FeatureSets
from models.taxonomy import Taxonomy
from udfs.errors import ContractError

POSITIVE_ABOVE = 0.7


@dataclass(frozen=True)
class TrainingSet:
    """Labelled light curves, sorted by survey, star and light curve.

    Attributes
    ----------
    survey, object_id : (n,) str
    source_id : (n,) int64
    matrix : (n, n_features) float64
        Columns as ``features``; NaN for a gap.
    targets
        Label -> (n,) int8: 1 positive, 0 negative, -1 unknown.
    """

    features: tuple[str, ...]
    survey: NDArray[np.str_]
    object_id: NDArray[np.str_]
    source_id: NDArray[np.int64]
    matrix: NDArray[np.float64]
    targets: dict[str, NDArray[np.int8]]


def known_labels(labels: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """What is known of each star: one row per star, one column per label, ancestors filled in.

    Parameters
    ----------
    labels : DataFrame
        One row per star and label: survey, object_id, label, probability. Where two origins
        disagree, the higher probability counts: a 0 is mostly the absence of a statement.

    Returns
    -------
    DataFrame
        Indexed by survey and object_id; float32 columns in the order of the taxonomy, NaN where
        nothing is known.

    Raises
    ------
    ContractError
        If a label is not in the taxonomy.
    """
    taxonomy.check(labels["label"].unique(), where="table labels")
    known = labels.pivot_table(
        index=["survey", "object_id"], columns="label", values="probability", aggfunc="max"
    ).reindex(columns=list(taxonomy.names))
    return pd.DataFrame(
        taxonomy.fill_upstream_columns(known.to_numpy(np.float32)),
        index=known.index,
        columns=known.columns,
    )


def target_of(known: pd.DataFrame, label: str, taxonomy: Taxonomy) -> NDArray[np.int8]:
    """The answers for one label, (n,) int8: 1 positive, 0 negative, -1 unknown.

    Positive above a probability of 0.7. A label with ``negatives`` in the taxonomy takes as
    negative only the positives of that other label: a star that nobody called variable need not
    be constant.

    Parameters
    ----------
    known : DataFrame
        The columns of ``known_labels``, one row per star or per light curve.
    """
    own = known[label].to_numpy()
    opposite = taxonomy.label(label).negatives
    if opposite is None:
        negative = own <= POSITIVE_ABOVE
    else:
        negative = known[opposite].to_numpy() > POSITIVE_ABOVE
    target = np.where(negative, 0, -1).astype(np.int8)
    target[own > POSITIVE_ABOVE] = 1
    return target


def build_training_set(
    rows: pd.DataFrame, known: pd.DataFrame, *, taxonomy: Taxonomy, sets: FeatureSets
) -> TrainingSet:
    """Features and labels joined by survey and star.

    Parameters
    ----------
    rows : DataFrame
        One row per light curve: survey, object_id, source_id, filter and the features.
    known : DataFrame
        As ``known_labels`` gives it.

    Raises
    ------
    ContractError
        If no light curve has a label.
    """
    joined = (
        rows.join(known, on=["survey", "object_id"], how="inner")
        .sort_values(["survey", "object_id", "source_id", "filter"], kind="stable")
        .reset_index(drop=True)
    )
    if joined.empty:
        raise ContractError(
            f"none of the {len(rows):,} light curves has a label and none of the {len(known):,} "
            "labelled stars has features: compare object_id in the tables features and labels"
        )
    return TrainingSet(
        features=sets.ontological,
        survey=joined["survey"].to_numpy(str),
        object_id=joined["object_id"].to_numpy(str),
        source_id=joined["source_id"].to_numpy(np.int64),
        matrix=joined[list(sets.ontological)].to_numpy(np.float64),
        targets={name: target_of(joined, name, taxonomy) for name in taxonomy.scored},
    )
