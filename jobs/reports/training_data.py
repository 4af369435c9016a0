"""All that the page of one training run shows, gathered from the model set and the warehouse."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import functions as F

from jobs.common.tables import Warehouse
from jobs.reports.agreement import Agreement, count_agreement, tree_pairs
from jobs.reports.plots_evaluation import Evaluation
from jobs.reports.plots_light_curves import Star
from jobs.reports.stars import Wanted, read_stars
from models import store
from models.taxonomy import Taxonomy
from udfs.schemas import BEST, FEATURES, NESTED


@dataclass(frozen=True)
class TrainingData:
    """One model set; ``evaluations`` have the label with most examples first.

    ``best`` are the rows of the predictions with the highest scores per label, ``stars`` per
    source_id.
    """

    name: str
    manifest: Mapping[str, Any]
    evaluations: Sequence[Evaluation]
    agreements: Sequence[Agreement]
    best: Mapping[str, pd.DataFrame]
    stars: Mapping[int, Star]


def gather_training(
    warehouse: Warehouse, files: store.Files, taxonomy: Taxonomy, *, name: str, top: int
) -> TrainingData:
    """Read a model set, named as ``xgb-1a2b3c4d5e6f``, with its test part.

    Raises
    ------
    ContractError
        If there is no such set, or one of its files is missing or damaged.
    """
    algorithm, version = store.split_name(name)
    manifest = store.read_manifest(files, algorithm, version)
    noted = manifest["files"]

    def read(file: str) -> bytes:
        return store.read_checked(files, algorithm, version, checksums=noted, name=file)

    # Networks have no importances.
    importances = json.loads(read(store.IMPORTANCES)) if store.IMPORTANCES in noted else {}
    predictions = pd.read_parquet(io.BytesIO(read(store.PREDICTIONS)))
    evaluations = _evaluations(
        manifest, predictions, taxonomy,
        metrics={row["label"]: row for row in json.loads(read(store.METRICS))},
        importances=importances,
    )  # fmt: skip
    wide = predictions.pivot_table(
        index=["survey", "source_id"], columns="label", values="score", observed=True
    )
    best = {
        evaluation.label: predictions[predictions["label"] == evaluation.label]
        .sort_values(["score", "source_id"], ascending=[False, True])
        .head(top)
        for evaluation in evaluations
    }
    return TrainingData(
        name=name,
        manifest=manifest,
        evaluations=evaluations,
        agreements=count_agreement(
            wide,
            tree_pairs(taxonomy, list(wide.columns)),
            threshold={e.label: e.threshold for e in evaluations},
        ),
        best=best,
        stars=read_stars(warehouse, _wanted(warehouse, list(best.values()))),
    )


def _evaluations(
    manifest: Mapping[str, Any],
    predictions: pd.DataFrame,
    taxonomy: Taxonomy,
    *,
    metrics: Mapping[str, Any],
    importances: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> list[Evaluation]:
    found = []
    for label, described in manifest["labels"].items():
        rows = predictions[predictions["label"] == label]
        found.append(
            Evaluation(
                label=label,
                name=taxonomy.label(label).name,
                examples=sum(part["positive"] for part in described["counts"].values()),
                metrics=metrics[label],
                target=rows["target"].to_numpy("int8"),
                score=rows["score"].to_numpy("float32"),
                importances={f: of["weight"] for f, of in importances.get(label, {}).items()},
            )
        )
    return sorted(found, key=lambda e: (-e.examples, e.label))


def _wanted(warehouse: Warehouse, best: Sequence[pd.DataFrame]) -> list[Wanted]:
    """The top sources with their periods, from the features table."""
    if not best or not warehouse.exists(FEATURES):
        return []
    sources = pd.concat(best)[["survey", "source_id"]].drop_duplicates()
    rows = (
        warehouse.read(FEATURES)
        .where(F.col("source_id").isin([int(i) for i in sources["source_id"]]))
        .select(
            "survey",
            "field",
            "source_id",
            "object_id",
            F.coalesce(f"period_{BEST}", f"period_{NESTED}"),
        )
        .collect()
    )
    known = set(zip(sources["survey"], sources["source_id"], strict=True))
    return [Wanted(*row) for row in rows if (row["survey"], row["source_id"]) in known]
