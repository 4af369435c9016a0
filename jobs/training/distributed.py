"""One label with more rows than one task should hold: trained on all executors at once."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from xgboost.spark import SparkXGBClassifier

from models import xgb
from models.feature_sets import FeatureSets
from models.imputation import Imputer
from models.label_training import Judged, LabelResult, Plan, result_of
from models.splits import PART_NAMES, TEST, TRAIN, VALIDATION
from models.taxonomy import Taxonomy
from models.training_set import target_of

_KEY = ["survey", "object_id"]


def train_distributed(
    features: DataFrame,
    stars: pd.DataFrame,
    *,
    label: str,
    taxonomy: Taxonomy,
    sets: FeatureSets,
    imputer: Imputer,
    plan: Plan,
) -> tuple[LabelResult, pd.DataFrame]:
    """Train a label with xgboost.spark; returns it and the keys of the rows that it numbers.

    The split is by star. Sums of gradients are formed per worker, so that another number of
    workers changes the last digits of a model; trainings with the same number agree.

    Parameters
    ----------
    features : DataFrame
        The features table.
    stars : DataFrame
        As ``labelled_stars`` gives it.
    """
    kind = taxonomy.label(label).kind
    names = sets.of_kind(kind)
    rows = with_target(features, stars, label=label, taxonomy=taxonomy)
    filled = with_filled_gaps(rows, imputer, names).cache()
    try:
        counted = filled.groupBy("part", "target").count().collect()
        counts = {name: np.zeros(2, dtype=np.intp) for name in PART_NAMES}
        for row in counted:
            counts[PART_NAMES[row["part"]]][row["target"]] = row["count"]
        judged = bool(counts[PART_NAMES[VALIDATION]].all())
        trained = _train(filled, names, counts, judged=judged, plan=plan)
        scored = _scored(filled.where(F.col("part") != TRAIN), trained.model, names)
    finally:
        filled.unpersist()
    keys = scored[[*_KEY, "source_id"]]
    validation, test = (_judged(scored, part) for part in (VALIDATION, TEST))
    result = result_of(
        label,
        kind,
        trained,
        counts=counts,
        validation=validation,
        test=test,
        stars=(keys["survey"] + ":" + keys["object_id"]).iloc[test.rows].tolist(),
        plan=plan,
    )
    return result, keys


def with_target(
    features: DataFrame, stars: pd.DataFrame, *, label: str, taxonomy: Taxonomy
) -> DataFrame:
    """The light curves that say yes or no to a label, with columns ``target`` and ``part``."""
    target = target_of(stars, label, taxonomy)
    answered = stars.assign(target=target)[["target", "part"]][target >= 0].reset_index()
    told = features.sparkSession.createDataFrame(
        answered, "survey string, object_id string, target int, part int"
    )
    return features.join(told, on=_KEY, how="inner")


def with_filled_gaps(rows: DataFrame, imputer: Imputer, names: tuple[str, ...]) -> DataFrame:
    """The same rows with gaps filled, as float columns; rows that cannot be filled drop out."""
    keep = [*_KEY, "source_id", "target", "part"]
    columns = np.array([imputer.features.index(name) for name in names])

    def fill(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            matrix = imputer.transform(
                batch[list(imputer.features)].to_numpy(np.float64, na_value=np.nan)
            )
            filled = pd.DataFrame(matrix[:, columns], columns=list(names), index=batch.index)
            yield pd.concat([batch[keep], filled], axis=1)[imputer.complete(matrix, names)]

    schema = (
        "survey string, object_id string, source_id bigint, target int, part int, "
        + ", ".join(f"`{name}` float" for name in names)
    )
    return rows.select(*keep, *imputer.features).mapInPandas(fill, schema)


def _train(
    filled: DataFrame,
    names: tuple[str, ...],
    counts: dict[str, Any],
    *,
    judged: bool,
    plan: Plan,
) -> xgb.Trained:
    settings = plan.settings
    context = filled.sparkSession.sparkContext
    per_task = int(context.getConf().get("spark.task.cpus", "1") or "1")
    negative, positive = counts[PART_NAMES[TRAIN]]
    # Early stopping needs both classes in the validation part.
    stopping: dict[str, Any] = (
        {
            "validation_indicator_col": "held_out",
            "early_stopping_rounds": settings.early_stopping_rounds,
            "eval_metric": "auc",
        }
        if judged
        else {}
    )
    classifier = SparkXGBClassifier(
        features_col=list(names),
        label_col="target",
        num_workers=max(context.defaultParallelism // per_task, 1),
        n_estimators=settings.max_rounds if judged else settings.rounds_unvalidated,
        max_depth=settings.max_depth,
        min_child_weight=settings.min_child_weight,
        learning_rate=settings.eta,
        subsample=settings.subsample,
        colsample_bytree=settings.colsample_bytree,
        scale_pos_weight=negative / positive if settings.weigh_classes else 1.0,
        random_state=settings.seed,
        tree_method="hist",
        device=settings.device,
        missing=float("nan"),
        verbosity=0,
        **stopping,
    )
    used = filled.where(F.col("part").isin(TRAIN, VALIDATION) if judged else F.col("part") == TRAIN)
    booster = classifier.fit(used.withColumn("held_out", F.col("part") == VALIDATION)).get_booster()
    rounds = booster.best_iteration + 1 if judged else settings.rounds_unvalidated
    auc = float(booster.best_score) if judged else None
    booster = booster[:rounds]
    booster.feature_names = list(names)
    return xgb.Trained(
        model=bytes(booster.save_raw("ubj")),
        rounds=rounds,
        stopped_early=judged and rounds < settings.max_rounds,
        validation_auc=auc,
        importances=xgb.importances(booster),
        settings=settings,
    )


def _scored(rows: DataFrame, model: bytes, names: tuple[str, ...]) -> pd.DataFrame:
    """survey, object_id, source_id, target, part and score of the rows, sorted."""

    def score(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        booster = xgb.load(model)
        for batch in batches:
            data = xgb.as_input(batch[list(names)].to_numpy(np.float32), names)
            told = batch[[*_KEY, "source_id", "target", "part"]]
            yield told.assign(score=xgb.predict(booster, data))

    schema = "survey string, object_id string, source_id bigint, target int, part int, score float"
    scored = rows.mapInPandas(score, schema).toPandas()
    return scored.sort_values([*_KEY, "source_id"], kind="stable").reset_index(drop=True)


def _judged(scored: pd.DataFrame, part: int) -> Judged:
    rows = np.flatnonzero(scored["part"] == part)
    of_part = scored.iloc[rows]
    return Judged(
        rows.astype(np.int64),
        of_part["target"].to_numpy(np.int8),
        of_part["score"].to_numpy(np.float32),
    )
