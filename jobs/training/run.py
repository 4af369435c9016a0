"""From labels and features to a registered model set."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.common.model_files import model_files
from jobs.common.progress import Progress
from jobs.common.registry_table import delta_versions
from jobs.common.tables import Warehouse
from jobs.common.version import code_version
from jobs.registry.register import register
from jobs.training.contents import contents_of, scores_of
from jobs.training.distributed import train_distributed
from jobs.training.sizes import KEY, labelled_stars, light_curves_of
from jobs.training.tasks import train_as_tasks
from jobs.training.told import tell_skipped, tell_trained
from models import store
from models.feature_sets import FeatureSets
from models.imputation import Imputer, fit_imputer
from models.label_training import BY_STAR, LabelResult, Plan, prepare, why_untrainable
from models.splits import TRAIN
from models.taxonomy import Taxonomy
from models.training_set import build_training_set
from udfs.errors import ContractError
from udfs.schemas import FEATURES, LABELS

# Rows that the imputer is fitted on where the training set is too large for one machine.
IMPUTER_ROWS = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """One training: what is trained, on what, how."""

    warehouse: Warehouse
    taxonomy: Taxonomy
    sets: FeatureSets
    plan: Plan
    distributed_above: int

    def run(self, wanted: Sequence[str], surveys: Sequence[str]) -> tuple[str, list[LabelResult]]:
        """Train, write the model set, register its labels; returns its version and the labels.

        Parameters
        ----------
        wanted : labels to train; none for all that have enough examples
        surveys : surveys to learn from; none for all

        Raises
        ------
        ContractError
            If a wanted label cannot be trained, none can, or the features are of two modes.
        """
        data_versions = delta_versions(self.warehouse, (FEATURES, LABELS))
        features = self.warehouse.read(FEATURES)
        if surveys:
            features = features.where(F.col("survey").isin(list(surveys)))
        mode = only_mode(features)
        columns = [*KEY, "source_id", "filter", *self.sets.ontological]
        stars = labelled_stars(self.warehouse, features, self.taxonomy, seed=self.plan.seed)
        features = features.select(*columns)
        names = list(wanted) or list(self.taxonomy.scored)
        sizes = {name: light_curves_of(stars, name, self.taxonomy) for name in names}
        for name in wanted:
            if not sizes[name]:
                raise ContractError(
                    f"label {name} cannot be trained: no light curve has a yes or a no to it"
                )
        large = [name for name in names if sizes[name] > self.distributed_above]
        small = [name for name in names if name not in large]
        if large and self.plan.split != BY_STAR:
            raise ContractError(
                f"{large[0]} has {sizes[large[0]]:,} light curves: labels above "
                f"--distributed-above {self.distributed_above:,} can only be split by star"
            )
        train = stars[stars["part"] == TRAIN]
        # The same rows as train_dnn takes: scoring then fills gaps once for both.
        by_star = self.plan.split == BY_STAR
        imputer = fit_on_sample(features, train, self.sets)[0] if by_star else None
        trained = list(
            self._train(features, stars, small=small, large=large, imputer=imputer, asked=wanted)
        )
        order = self.taxonomy.names.index
        results = sorted((r for r, _, _ in trained), key=lambda r: order(r.label))
        version = store.save(
            model_files(self.warehouse),
            {
                **contents_of(results, trained[0][2]),
                **scores_of((result, keys) for result, keys, _ in trained),
            },
            algorithm=store.XGB,
            described={
                "mode": mode,
                "split": self.plan.split,
                "seed": self.plan.seed,
                "threshold": self.plan.threshold,
                "features": {
                    kind: list(self.sets.of_kind(kind))
                    for kind in sorted({r.summary["kind"] for r in results})
                },
                "labels": {
                    r.label: {**r.summary, "file": f"{r.label}.ubj", "output": 0} for r in results
                },
                "surveys": sorted(set(stars.index.get_level_values("survey"))),
                "stars": len(stars),
                "light_curves": int(stars["light_curves"].sum()),
            },
            informative={"code_version": code_version()},
        )
        register(self.warehouse, store.XGB, version, data_versions=data_versions)
        return version, results

    def _train(
        self,
        features: DataFrame,
        stars: pd.DataFrame,
        *,
        small: Sequence[str],
        large: Sequence[str],
        imputer: Imputer | None,
        asked: Sequence[str],
    ) -> Iterator[tuple[LabelResult, pd.DataFrame, Imputer]]:
        """Each trained label, the keys of the rows that it numbers, the imputer of the set."""
        known = stars[list(self.taxonomy.names)]
        answered = known[known[list(small)].notna().any(axis=1)] if small else known.iloc[:0]
        todo: list[str] = []
        if len(answered):
            rows = _rows_of(features, answered)
            data = build_training_set(rows, known, taxonomy=self.taxonomy, sets=self.sets)
            part = stars["part"].reindex(
                pd.MultiIndex.from_arrays([data.survey, data.object_id], names=KEY)
            )
            prepared, imputer = prepare(
                data, part.to_numpy(), sets=self.sets, taxonomy=self.taxonomy,
                plan=self.plan, imputer=imputer,
            )  # fmt: skip
            reasons = {name: why_untrainable(prepared, name, self.plan) for name in small}
            todo = [name for name in small if reasons[name] is None]
            tell_skipped({n: r for n, r in reasons.items() if r}, asked=asked)
        if not todo and not large:
            raise ContractError(
                f"no label has {self.plan.min_examples} light curves of either class; ingest more "
                "labels or lower --min-examples"
            )
        progress = Progress("train_xgb", len(todo) + len(large), of="labels")
        if todo and imputer is not None:
            log.info("training %d labels as Spark tasks", len(todo))
            keys = pd.DataFrame(
                {"survey": data.survey, "object_id": data.object_id, "source_id": data.source_id}
            )
            for result in train_as_tasks(self.warehouse.spark, prepared, todo, self.plan):
                yield result, keys, imputer
                tell_trained(result, rounds="rounds")
                progress.add(1)
        for name in large:
            assert imputer is not None
            log.info("training %s on all executors", name)
            result, keys = train_distributed(
                features, stars, label=name, taxonomy=self.taxonomy, sets=self.sets,
                imputer=imputer, plan=self.plan,
            )  # fmt: skip
            yield result, keys, imputer
            tell_trained(result, rounds="rounds")
            progress.add(1)


def fit_on_sample(
    features: DataFrame, train: pd.DataFrame, sets: FeatureSets
) -> tuple[Imputer, NDArray[np.float64]]:
    """The imputer, and the rows that it was fitted on: a sample of the training part.

    Rows are drawn by a hash of their keys, so that they are the same each time.

    Parameters
    ----------
    train : DataFrame
        The stars of the training part.
    """
    if train.empty:
        raise ContractError("no labelled star with features fell into the training part")
    keys = features.sparkSession.createDataFrame(train.index.to_frame(index=False))
    sample = (
        features.join(keys, on=KEY, how="left_semi")
        .orderBy(F.xxhash64(*KEY, "source_id"), *KEY, "source_id")
        .limit(IMPUTER_ROWS)
        .select(*sets.ontological)
        .toPandas()
        .to_numpy(float)
    )
    return fit_imputer(sample, sets), sample


def _rows_of(features: DataFrame, stars: pd.DataFrame) -> pd.DataFrame:
    keys = features.sparkSession.createDataFrame(stars.index.to_frame(index=False))
    return features.join(keys, on=KEY, how="left_semi").toPandas()


def only_mode(features: DataFrame) -> str:
    """The mode of the features; ContractError if there are none, or of two modes."""
    modes = sorted(str(row["mode"]) for row in features.select("mode").distinct().collect())
    if not modes:
        raise ContractError("the features table has no rows for these surveys")
    if len(modes) > 1:
        raise ContractError(
            f"the features are of two modes ({', '.join(modes)}), which do not mix: choose "
            "--surveys of one mode, or compute the features again"
        )
    return modes[0]
